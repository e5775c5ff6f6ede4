"""The token LM on disk: a stock `LlamaForCausalLM` folder plus layout.json, voices.json and the
SentencePiece model.

Any tool that loads Llama checkpoints loads this one; layout.json says what its ids mean and which
codec they are of, voices.json has the codes of the voices that it was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.errors import RequestError
from affecttts.lm import layout_1, voices
from affecttts.lm.layout import STRESSES, TokenLayout
from affecttts.lm.shape import LlamaShape, check_tensors
from affecttts.lm.voices import VoiceCodes
from codec.atomic import atomic_folder
from codec.errors import CheckpointError
from codec.files import (
    load_model_weights,
    load_strictly,
    member,
    read_json,
    save_model_weights,
    write_json,
)
from codec.inputs.door import JSON_BYTES

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import LlamaForCausalLM

    from affecttts.lm.pieces import PromptPieces

LAYOUT_NAME = "layout.json"
PIECES_NAME = "prompt_pieces.model"
EMBEDDING_NAME = "model.embed_tokens.weight"
HEAD_NAME = "lm_head.weight"  # the same matrix, left out of files


@dataclass(frozen=True)
class LMConfig:
    """Size of the Llama."""

    hidden_size: int = 384
    num_layers: int = 6
    num_heads: int = 6
    mlp_size: int = 1024
    max_tokens: int = 4096
    dropout: float = 0.0  # of attention weights


@dataclass(frozen=True)
class TokenLM:
    """A loaded LM folder."""

    folder: Path
    config: dict[str, Any]  # of LlamaConfig
    tensors: dict[str, Tensor]  # by the names of LlamaForCausalLM
    layout: TokenLayout
    codec_fingerprint: str
    pieces_path: Path | None
    voices: VoiceCodes  # that it was trained on

    def prompt_pieces(self) -> PromptPieces | None:
        """The pieces of free-text prompts, where the LM has some.

        Raises:
            CheckpointError: see PromptPieces.
        """
        from affecttts.lm.pieces import PromptPieces

        path = self.pieces_path
        return None if path is None else PromptPieces(path, self.layout.num_pieces)

    def llama(self) -> LlamaForCausalLM:
        """The stock transformers model, float32, evaluation mode."""
        from transformers import LlamaConfig, LlamaForCausalLM

        model = LlamaForCausalLM(LlamaConfig(**self.config)).float()
        load_strictly(
            model, self.tensors | {"lm_head.weight": self.tensors[EMBEDDING_NAME]}, self.folder
        )
        return model.eval()


def build_llama(config: LMConfig, layout: TokenLayout) -> LlamaForCausalLM:
    """A fresh Llama for this vocabulary; input and output embeddings are tied."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=layout.size,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_heads,
            intermediate_size=config.mlp_size,
            max_position_embeddings=config.max_tokens,
            attention_dropout=config.dropout,
            tie_word_embeddings=True,
            pad_token_id=layout.special("pad"),
            bos_token_id=layout.special("bos"),
            eos_token_id=layout.special("eos"),
        )
    )


def structure_embeddings(
    model: LlamaForCausalLM, layout: TokenLayout, codebooks: list[Tensor], seed: int = 0
) -> None:
    """Start the (tied) embeddings from what is known of the tokens, for small corpora.

    Codec tokens of all books share one orthogonal projection of their codebook vectors e and one
    more direction that holds |e|^2: a hidden state that carries the projection of an expected
    latent then scores every code by its distance to it, the residual of the next book is a
    subtraction, and codes that sound alike are alike. A phone starts near its variants under other
    stress, bins near their neighbours.

    Args:
        codebooks: [codebook_size, D] for every book of the layout, D < hidden size.
    """
    import torch

    weight = model.get_input_embeddings().weight.data
    scale, width = model.config.initializer_range, weight.shape[1]
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    dim = codebooks[0].shape[1]
    # orthonormal rows [D + 1, width]
    axes = torch.linalg.qr(torch.randn(width, dim + 1, generator=generator)).Q.t()
    unit = codebooks[0].float().norm(dim=1).mean().item()
    for book, vectors in enumerate(codebooks):
        vectors = vectors.float().cpu() / unit
        rows = torch.cat([vectors, -vectors.square().sum(dim=1, keepdim=True) / 2], dim=1) @ axes
        weight[layout.book(book) : layout.book(book + 1)] = rows
    phones = noise(len(STRESSES), 1, width) * 0.5 + noise(1, layout.slots["phones"], width)
    weight[layout.phone_start : layout.modifier_start] = phones.flatten(0, 1)
    for start, end in layout.ordered_ranges:
        position = torch.linspace(0, 1, end - start)[:, None]
        angles = position * torch.linspace(0.5, 8, width // 2)[None]
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        weight[start:end] = waves[:, torch.randperm(width, generator=generator)] * scale + noise(
            1, width
        )


def carried_rows(rows: Tensor, old: Tensor, new: Tensor, ridge: float = 1e-3) -> Tensor:
    """Embeddings of the codes of a codec that went on training, from those of the codes before.

    What the rows owe to their code vectors, by ridge regression on the vector and its square
    length, is read off again at the moved vectors: near nine tenths of the variance in a first
    codebook, half in a third.

    Args:
        rows: [V,H] embeddings of the codes `old`.
        old, new: [V,D] code vectors before and after.

    Returns:
        [V,H].
    """
    import torch

    unit = old.float().norm(dim=1).mean()
    before, after = (
        torch.cat(
            [v / unit, (v / unit).square().sum(1, keepdim=True), torch.ones(len(v), 1)], 1
        ).double()
        for v in (old, new)
    )
    gram = (
        before.T @ before
        + ridge * len(before) / before.shape[1] * torch.eye(before.shape[1]).double()
    )
    return (after @ torch.linalg.solve(gram, before.T @ rows.double())).float()


def save_lm(
    folder: str | Path,
    model: LlamaForCausalLM,
    layout: TokenLayout,
    codec_fingerprint: str,
    pieces: bytes,
    codes: VoiceCodes,
) -> None:
    """Write the folder in half precision, atomically."""
    config, tensors = model.config.to_dict(), model.state_dict()
    write_lm(folder, config, tensors, layout, codec_fingerprint, pieces, codes)


def write_lm(
    folder: str | Path,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    layout: TokenLayout,
    codec_fingerprint: str,
    pieces: bytes | None,
    codes: VoiceCodes,
) -> None:
    """The same from the config and the tensors alone; transformers is not needed."""
    with atomic_folder(folder) as temporary:
        write_json(
            temporary / "config.json",
            config | {"architectures": ["LlamaForCausalLM"], "dtype": "float16"},
        )
        # The output matrix is tied to the input one and is left out, as transformers itself does.
        save_model_weights(
            temporary,
            {name: tensor.half() for name, tensor in tensors.items() if name != "lm_head.weight"},
        )
        write_json(
            temporary / LAYOUT_NAME, {"codec": codec_fingerprint, "layout": layout.to_dict()}
        )
        codes.save(temporary / voices.NAME)
        if pieces is not None:
            (temporary / PIECES_NAME).write_bytes(pieces)


def load_lm(folder: str | Path) -> TokenLM:
    """Read an LM folder; transformers is not needed.

    Raises:
        CheckpointError: the folder is missing, incomplete, corrupt, or of another kind.
    """
    folder = Path(folder)
    config = read_json(member(folder, "config.json"), JSON_BYTES)
    meta = read_json(member(folder, LAYOUT_NAME), JSON_BYTES)
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "llama" or not isinstance(meta, dict):
        raise CheckpointError(
            f"{folder}: config.json is of model_type {kind!r}, not llama; give the folder of an LM"
        )
    layout, codec = _read_layout(folder, meta)
    codes = _read_voices(folder, layout, meta)
    try:
        wanted = LlamaShape.of(config).tensors(layout.size)
    except ValueError as error:
        raise CheckpointError(f"{folder}/config.json: {error}") from error
    tensors = load_model_weights(folder)
    try:
        own = {name: tensor for name, tensor in tensors.items() if name != HEAD_NAME}
        check_tensors({name: tuple(tensor.shape) for name, tensor in own.items()}, wanted)
    except ValueError as error:
        raise CheckpointError(f"{folder}: {error}; fetch the model again") from error
    if not all(tensor.is_floating_point() for tensor in own.values()):
        raise CheckpointError(f"{folder}: the weights are no floating-point numbers")
    pieces = member(folder, PIECES_NAME)
    known = pieces if pieces.exists() else None
    return TokenLM(folder, config, own, layout, codec, known, codes)


def _read_layout(folder: Path, meta: dict[str, Any]) -> tuple[TokenLayout, str]:
    """The layout and the codec's fingerprint in layout.json."""
    try:
        codec = meta.get("codec", "")
        if not isinstance(codec, str) or not isinstance(meta.get("layout"), dict):
            raise ValueError("needs the fingerprint of a codec and a layout")
        return TokenLayout.from_dict(meta["layout"]), codec
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}/{LAYOUT_NAME}: {error}") from error


def _read_voices(folder: Path, layout: TokenLayout, meta: dict[str, Any]) -> VoiceCodes:
    """The codes of the LM's voices."""
    try:
        if layout.voices_are_slots and "voices" in meta["layout"]:
            slots = layout_1.slot_codes(meta["layout"]["voices"])
            return VoiceCodes("", {name: (code,) for name, code in slots.items()})
        found = VoiceCodes.load(member(folder, voices.NAME))
        for code in found.means.values():
            layout.voice(code)
        return found
    except (RequestError, ValueError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
