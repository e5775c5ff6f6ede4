"""The token LM on disk: a stock `LlamaForCausalLM` folder plus layout.json and the SentencePiece model.

Any tool that loads Llama checkpoints loads this one; layout.json says what its ids mean and which codec they are of.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.lm.layout import TokenLayout
from codec.errors import CheckpointError
from codec.serialization import atomic_folder, load_strictly, load_weights, read_json, save_weights, write_json

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import LlamaForCausalLM

LAYOUT_NAME = "layout.json"
PIECES_NAME = "prompt_pieces.model"
EMBEDDING_NAME = "model.embed_tokens.weight"


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

    def llama(self) -> LlamaForCausalLM:
        """The stock transformers model, float32, evaluation mode."""
        from transformers import LlamaConfig, LlamaForCausalLM

        model = LlamaForCausalLM(LlamaConfig(**self.config)).float()
        load_strictly(model, self.tensors | {"lm_head.weight": self.tensors[EMBEDDING_NAME]}, self.folder)
        return model.eval()


def build_llama(config: LMConfig, layout: TokenLayout) -> LlamaForCausalLM:
    """A fresh Llama for this vocabulary; input and output embeddings are tied."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=layout.size, hidden_size=config.hidden_size, num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads, num_key_value_heads=config.num_heads,
            intermediate_size=config.mlp_size, max_position_embeddings=config.max_tokens,
            attention_dropout=config.dropout, tie_word_embeddings=True,
            pad_token_id=layout.special("pad"), bos_token_id=layout.special("bos"), eos_token_id=layout.special("eos"),
        )  # fmt: skip
    )


def save_lm(folder: str | Path, model: LlamaForCausalLM, layout: TokenLayout, codec_fingerprint: str, pieces: bytes) -> None:
    """Write the folder in half precision, atomically."""
    with atomic_folder(folder) as temporary:
        config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"], "dtype": "float16"}
        write_json(temporary / "config.json", config)
        # The output matrix is tied to the input one and is left out, as transformers itself does.
        tensors = {name: tensor.half() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
        save_weights(temporary / "model.safetensors", tensors)
        write_json(temporary / LAYOUT_NAME, {"codec": codec_fingerprint, "layout": layout.to_dict()})
        (temporary / PIECES_NAME).write_bytes(pieces)


def load_lm(folder: str | Path) -> TokenLM:
    """Read an LM folder; transformers is not needed.

    Raises:
        CheckpointError: the folder is missing, incomplete, corrupt, or of another kind.
    """
    folder = Path(folder)
    config, meta = read_json(folder / "config.json"), read_json(folder / LAYOUT_NAME)
    if config.get("model_type") != "llama":
        raise CheckpointError(f"{folder}: config.json is of model_type {config.get('model_type')!r}, not llama")
    tensors = load_weights(folder / "model.safetensors")
    try:
        layout = TokenLayout.from_dict(meta["layout"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}/{LAYOUT_NAME}: {error}") from error
    shape = (layout.size, config.get("hidden_size"))
    if tuple(tensors[EMBEDDING_NAME].shape if EMBEDDING_NAME in tensors else ()) != shape:
        raise CheckpointError(f"{folder}: the embedding does not have the {shape} of layout.json and config.json")
    pieces = folder / PIECES_NAME
    return TokenLM(folder, config, tensors, layout, meta.get("codec", ""), pieces if pieces.exists() else None)
