"""The weights of an adapted voice: a plain LoRA, read and merged without peft or transformers."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.synthesis.model_folder import INFO_NAME, ModelInfo
from codec.atomic import atomic_folder
from codec.errors import CheckpointError
from codec.files import load_weights, member, read_json, write_json
from codec.inputs.door import JSON_BYTES
from codec.inputs.fields import check_range, is_finite

if TYPE_CHECKING:
    from torch import Tensor

    from affecttts.lm.model import TokenLM
    from codec import Codec
from affecttts.synthesis.voices import (
    VoiceCard,
    check_base,
    describe_base,
    read_card,
    with_voice,
)

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
DECODER_NAME = "decoder.safetensors"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFIX = "base_model.model."  # PEFT's, before the names of LlamaForCausalLM
ROWS_NAME = f"{PREFIX}model.embed_tokens.token_adapter.trainable_tokens_delta"


def merged_tensors(lm: TokenLM, folder: str | Path, card: VoiceCard) -> dict[str, Tensor]:
    """The LM's tensors with the voice merged in (W + scale B A, in half precision as the LM's own
    files).

    Raises:
        CheckpointError: missing, corrupt, not finite, or not of this LM's shapes.
    """
    import torch

    folder = Path(folder)
    config = read_json(member(folder, CONFIG_NAME), JSON_BYTES)
    adapter = load_weights(member(folder, WEIGHTS_NAME))
    scale, rank = _scale(config, folder)
    tensors = dict(lm.tensors)
    for name, (a, b) in _factors(adapter, folder).items():
        fits = (
            a.is_floating_point()
            and b.is_floating_point()
            and a.dim() == b.dim() == 2
            and len(a) == b.shape[1] == rank
            and name in tensors
        )
        if not fits or tensors[name].shape != (len(b), a.shape[1]):
            raise CheckpointError(
                f"{folder / WEIGHTS_NAME}: {name} does not fit the LM; adapt the voice again"
            )
        tensors[name] = (tensors[name].float() + scale * (b.float() @ a.float())).half()
    if lm.layout.voices_are_slots:
        _set_slot(tensors, adapter.get(ROWS_NAME), lm, card, folder)
    changed = [name for name, tensor in tensors.items() if tensor is not lm.tensors[name]]
    if not all(torch.isfinite(tensors[name]).all() for name in changed):
        raise CheckpointError(
            f"{folder / WEIGHTS_NAME}: holds NaN or infinite weights; adapt the voice again"
        )
    return tensors


def _set_slot(
    tensors: dict[str, Tensor], rows: Tensor | None, lm: TokenLM, card: VoiceCard, folder: Path
) -> None:
    """Put the voice's own embedding into the first spare slot of the first token layout."""
    table = tensors["model.embed_tokens.weight"].clone()
    code = bytes.fromhex(card.code)
    if (
        rows is None
        or not rows.is_floating_point()
        or rows.shape != (1, table.shape[1])
        or code != bytes([len(lm.voices.codes)])
    ):
        raise CheckpointError(
            f"{folder / WEIGHTS_NAME}: no embedding of the voice that fits the "
            "LM; adapt the voice again"
        )
    table[lm.layout.voice(code)[0]] = rows[0].to(table.dtype)
    tensors["model.embed_tokens.weight"] = table


def _scale(config: Any, folder: Path) -> tuple[float, int]:
    """What a plain LoRA is multiplied by (alpha / rank), and its rank.

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
        rank, alpha = config["r"], config["lora_alpha"]
        if type(rank) is not int or type(alpha) not in (int, float) or not is_finite(alpha):
            raise ValueError("r and lora_alpha are no numbers")
        check_range("r", rank, 1, 1024)
        check_range("lora_alpha", alpha, 0, 65_536)
        return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank), rank
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{folder / CONFIG_NAME}: not the LoRA of an adapted voice ({error})"
        ) from error


def _factors(adapter: dict[str, Tensor], folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of every adapted projection, by the names of LlamaForCausalLM."""
    factors, used = {}, 0
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
        factors[f"{name}.weight"] = a, b
        used += 2
    if used != len(adapter) - (ROWS_NAME in adapter):
        raise CheckpointError(
            f"{folder / WEIGHTS_NAME}: half of a projection is missing; adapt the voice again"
        )
    return factors


def load_decoder(codec: Codec, folder: str | Path) -> Codec:
    """The codec, with the voice's own decoder where it has one; encoder and codebooks are shared.

    Raises:
        CheckpointError: the decoder does not fit.
    """
    path = member(folder, DECODER_NAME)
    if not path.exists():
        return codec
    from codec import Codec
    from codec.files import built, load_strictly

    tensors = load_weights(path)
    adapted = built(lambda: Codec(codec.config), codec.state_dict(), path)
    adapted.load_state_dict(codec.state_dict())
    adapted.encoder, adapted.quantizer = codec.encoder, codec.quantizer
    load_strictly(adapted.decoder, tensors, path)
    return adapted.eval()


def export_merged(model: Path, info: ModelInfo, voice: str | Path, output: str | Path) -> None:
    """Write a model folder whose LM is a plain Llama checkpoint with the voice merged in.

    Raises:
        CheckpointError: the voice belongs to another model, or is corrupt.
    """
    from affecttts.lm.model import load_lm, write_lm
    from affecttts.lm.voices import VoiceCodes
    from codec import Codec

    lm, card = load_lm(model / "lm"), read_card(voice)
    check_base(card, describe_base(model, info, lm.layout), voice)
    tensors, known = merged_tensors(lm, voice, card), lm.voices
    codes = {**known.codes, card.name: (bytes.fromhex(card.code),)}
    voices = VoiceCodes(known.speaker_encoder, codes)
    pieces = lm.pieces_path.read_bytes() if lm.pieces_path else None
    with atomic_folder(output) as temporary:
        shutil.copytree(
            model,
            temporary,
            ignore=lambda folder, _: ["lm"] if Path(folder) == model else [],
            dirs_exist_ok=True,
        )
        parts = lm.layout, lm.codec_fingerprint, pieces, voices
        write_lm(temporary / "lm", lm.config, tensors, *parts)
        if (Path(voice) / DECODER_NAME).exists():
            load_decoder(Codec.from_pretrained(model / "codec"), voice).save_pretrained(
                temporary / "codec"
            )
        merged = replace(with_voice(info, card), name=f"{info.name}+{card.name}")
        write_json(temporary / INFO_NAME, asdict(merged))
