"""Adapted voices: a folder with PEFT's two files and our card. To read, merge and export one needs
neither peft nor transformers.

    adapter_config.json, adapter_model.safetensors   LoRA on the projections and the voice's own row
    of the embedding voice.json                                       what it is and which model it
    belongs to self_test.json                                   what it reached when it was made
    decoder.safetensors                              where the codec's decoder was adapted too
"""

from __future__ import annotations

import math
import os
import re
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.errors import RequestError
from affecttts.model_folder import INFO_NAME, ModelInfo
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.serialization import atomic_folder, fingerprint, load_weights, read_json, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from affecttts.lm.layout import TokenLayout
    from affecttts.lm.model import TokenLM
    from codec import Codec

CARD_NAME = "voice.json"
SELF_TEST_NAME = "self_test.json"
CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
DECODER_NAME = "decoder.safetensors"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFIX = "base_model.model."  # PEFT's, before the names of LlamaForCausalLM
ROWS_NAME = f"{PREFIX}model.embed_tokens.token_adapter.trainable_tokens_delta"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Base:
    """The model that a voice belongs to."""

    name: str
    lm: str  # fingerprint of the LM folder
    codec: str  # fingerprint of the codec
    layout: str  # version of the token layout


@dataclass(frozen=True)
class VoiceCard:
    """Contents of voice.json."""

    name: str
    base: Base
    token: int  # id of the voice's slot in the vocabulary
    started_from: str  # the base voice nearest to it
    data: dict[str, Any] = field(default_factory=dict)  # what it was taught
    training: dict[str, Any] = field(default_factory=dict)  # how
    consent_sha256: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def check_name(name: str) -> str:
    """Raises:
    RequestError: no name that could stand for a voice.
    """
    if not NAME.fullmatch(name):
        raise RequestError(
            f"voice name {name[:80]!r}: use 1 to 64 letters, digits, '_', '-' and "
            "'.', a letter or digit first"
        )
    return name


def is_voice_folder(path: str | Path) -> bool:
    """Whether an adapted voice lies there."""
    try:
        return (Path(path) / CARD_NAME).is_file()
    except (OSError, ValueError):  # a name too long for a path, or with a NUL
        return False


def read_card(folder: str | Path) -> VoiceCard:
    """Read voice.json; no weights are loaded.

    Raises:
        CheckpointError: missing or not a card.
    """
    values = read_json(Path(folder) / CARD_NAME)
    try:
        if not isinstance(values, dict):
            raise ValueError("not an object")
        card = from_dict(VoiceCard, values | {"base": from_dict(Base, values.get("base") or {})})
        check_name(card.name)
        return card
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{Path(folder) / CARD_NAME}: {error}") from error


def describe_base(folder: Path, info: ModelInfo, layout: TokenLayout) -> Base:
    """What a card says of a model folder."""
    return Base(
        info.name, fingerprint(folder / "lm"), fingerprint(folder / "codec"), layout.version
    )


def check_base(card: VoiceCard, base: Base, where: str | Path) -> None:
    """Raises:
    CheckpointError: the voice belongs to another model; the message says to which.
    """
    if replace(card.base, name=base.name) == base:
        return
    differing = [
        name
        for name in ("lm", "codec", "layout")
        if getattr(card.base, name) != getattr(base, name)
    ]
    parts = "; ".join(
        f"its {name} is {getattr(card.base, name)}, here is {getattr(base, name)}"
        for name in differing
    )
    raise CheckpointError(
        f"{where}: the voice {card.name!r} belongs to the model {card.base.name}, not to "
        f"{base.name} ({parts}); "
        "give --model that one, or adapt the voice again"
    )


def voice_layout(layout: TokenLayout, name: str) -> TokenLayout:
    """The layout with one voice more, in the first spare slot; no id changes.

    Raises:
        RequestError: the name is taken, or there is no slot left.
    """
    if name in layout.voices:
        raise RequestError(f"the model has a voice {name!r} of its own; choose another name")
    try:
        return replace(layout, voices=(*layout.voices, name))
    except ValueError as error:
        raise RequestError(f"no voice slot is left in the vocabulary ({error})") from error


def with_voice(info: ModelInfo, card: VoiceCard) -> ModelInfo:
    """The model's information with one voice more.

    Raises:
        RequestError: the name is taken.
    """
    if card.name in info.voices:
        raise RequestError(
            f'there is a voice {card.name!r} already; rename one of the two ("name" in {CARD_NAME})'
        )
    return replace(info, voices=(*info.voices, card.name))


class VoiceShelf:
    """The voices of a model by name, and adapted ones by their folder; those asked for are put on
    the shelf.

    Attributes:
        info: the model's information with the adapted voices added.
        folders: folder -> name of every adapted voice asked for.
    """

    def __init__(self, info: ModelInfo) -> None:
        self.info, self.folders = info, {}

    def name(self, voice: str | None) -> str | None:
        """The name of a voice that was asked for by name or by folder; an unknown name is passed
        through.

        Raises:
            RequestError: a path without a voice, or a name that two voices share.
            CheckpointError: the voice's card cannot be read.
        """
        if voice is None or voice in self.info.voices:
            return voice
        if not is_voice_folder(voice):
            if os.sep in voice:
                raise RequestError(
                    f"{voice[:80]}: no adapted voice there (no {CARD_NAME}); make "
                    "one with `affecttts adapt`"
                )
            return voice
        folder = Path(voice).resolve()
        if folder not in self.folders:
            card = read_card(folder)
            self.info = with_voice(self.info, card)
            self.folders[folder] = card.name
        return self.folders[folder]


def merged_tensors(lm: TokenLM, folder: str | Path, card: VoiceCard) -> dict[str, Tensor]:
    """The LM's tensors with the voice merged in (W + scale B A, in half precision as the LM's own
    files).

    Raises:
        CheckpointError: missing, corrupt, not finite, or not of this LM's shapes.
    """
    import torch

    folder = Path(folder)
    config, adapter = read_json(folder / CONFIG_NAME), load_weights(folder / WEIGHTS_NAME)
    scale, token = _scale(config, folder), card.token
    tensors = dict(lm.tensors)
    for name, delta in _deltas(adapter, folder).items():
        if name not in tensors or tensors[name].shape != delta.shape:
            raise CheckpointError(
                f"{folder / WEIGHTS_NAME}: {name} does not fit the LM; adapt the voice again"
            )
        tensors[name] = (tensors[name].float() + scale * delta).half()
    table = tensors["model.embed_tokens.weight"].clone()
    rows = adapter.get(ROWS_NAME)
    if (
        rows is None
        or rows.shape != (1, table.shape[1])
        or token != lm.layout.voice_start + len(lm.layout.voices)
    ):
        raise CheckpointError(
            f"{folder / WEIGHTS_NAME}: no embedding of the voice that fits the "
            "LM; adapt the voice again"
        )
    table[token] = rows[0].to(table.dtype)
    tensors["model.embed_tokens.weight"] = table
    changed = [name for name, tensor in tensors.items() if tensor is not lm.tensors[name]]
    if not all(torch.isfinite(tensors[name]).all() for name in changed):
        raise CheckpointError(
            f"{folder / WEIGHTS_NAME}: holds NaN or infinite weights; adapt the voice again"
        )
    return tensors


def _scale(config: Any, folder: Path) -> float:
    """alpha / rank of a plain LoRA.

    Raises:
        CheckpointError: an adapter of another kind.
    """
    try:
        plain = (
            config["peft_type"] == "LORA"
            and not config.get("use_dora")
            and config.get("bias", "none") == "none"
        )
        if not plain or config.get("rank_pattern") or config.get("alpha_pattern"):
            raise ValueError("not a plain LoRA")
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
        return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"{folder / CONFIG_NAME}: not the LoRA of an adapted voice ({error})"
        ) from error


def _deltas(adapter: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """B A of every adapted projection, by the names of LlamaForCausalLM."""
    deltas = {}
    for key, a in adapter.items():
        name = key.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        if key == ROWS_NAME or key.endswith(".lora_B.weight"):
            continue
        b = adapter.get(f"{PREFIX}{name}.lora_B.weight")
        if (
            not key.endswith(".lora_A.weight")
            or name.rsplit(".", 1)[-1] not in PROJECTIONS
            or b is None
        ):
            raise CheckpointError(
                f"{folder / WEIGHTS_NAME}: unexpected tensor {key}; adapt the voice again"
            )
        if a.dim() != 2 or b.dim() != 2 or a.shape[0] != b.shape[1]:
            raise CheckpointError(
                f"{folder / WEIGHTS_NAME}: {name}: {tuple(b.shape)} x "
                f"{tuple(a.shape)} is no product"
            )
        deltas[f"{name}.weight"] = b.float() @ a.float()
    return deltas


def load_decoder(codec: Codec, folder: str | Path) -> Codec:
    """The codec, with the voice's own decoder where it has one; encoder and codebooks are shared.

    Raises:
        CheckpointError: the decoder does not fit.
    """
    path = Path(folder) / DECODER_NAME
    if not path.exists():
        return codec
    from codec import Codec
    from codec.serialization import load_strictly

    adapted = Codec(codec.config)
    adapted.encoder, adapted.quantizer = codec.encoder, codec.quantizer
    load_strictly(adapted.decoder, load_weights(path), path)
    return adapted.eval()


def export_merged(model: Path, info: ModelInfo, voice: str | Path, output: str | Path) -> None:
    """Write a model folder whose LM is a plain Llama checkpoint with the voice merged in.

    Raises:
        CheckpointError: the voice belongs to another model, or is corrupt.
    """
    from affecttts.lm.model import load_lm, write_lm
    from codec import Codec

    lm, card = load_lm(model / "lm"), read_card(voice)
    check_base(card, describe_base(model, info, lm.layout), voice)
    tensors, layout = merged_tensors(lm, voice, card), voice_layout(lm.layout, card.name)
    pieces = lm.pieces_path.read_bytes() if lm.pieces_path else None
    with atomic_folder(output) as temporary:
        shutil.copytree(
            model,
            temporary,
            ignore=lambda folder, _: ["lm"] if Path(folder) == model else [],
            dirs_exist_ok=True,
        )
        write_lm(temporary / "lm", lm.config, tensors, layout, lm.codec_fingerprint, pieces)
        if (Path(voice) / DECODER_NAME).exists():
            load_decoder(Codec.from_pretrained(model / "codec"), voice).save_pretrained(
                temporary / "codec"
            )
        merged = replace(with_voice(info, card), name=f"{info.name}+{card.name}")
        write_json(temporary / INFO_NAME, asdict(merged))
