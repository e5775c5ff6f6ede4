"""The LoRA adapter of a voice in training; affecttts/synthesis/lora.py reads what is saved."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from affecttts.adaptation.config import AdaptationConfig
from affecttts.lm.layout import TokenLayout
from affecttts.synthesis.lora import CONFIG_NAME, PROJECTIONS, WEIGHTS_NAME
from affecttts.training.lm.loss import StreamLoss, overall
from codec.files import save_weights, write_json

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


@torch.no_grad()
def nearest_voice(
    llama: LlamaForCausalLM,
    layout: TokenLayout,
    voices: Mapping[str, bytes],
    code: bytes,
    batches: Sequence[tuple[Tensor, Tensor]],
) -> str:
    """The base voice under which clips are likeliest: the new voice's embedding starts from it.

    Args:
        layout: of the base model, where voices are slots.
        voices: of the base model, with their codes.
        code: of the new voice, in the clips' tokens.
        batches: tokens and labels, int64 [B,S] each.
    """
    loss, (token,) = StreamLoss(llama, layout), layout.voice(code)

    def mean_loss(voice: str) -> float:
        (other,) = layout.voice(voices[voice])
        parts = [
            overall(loss(tokens.where(tokens != token, other), labels))
            for tokens, labels in batches
        ]
        return float(torch.stack(parts).mean())

    return min(voices, key=mean_loss)


def nearest_code(voices: Mapping[str, bytes], code: bytes) -> str:
    """The base voice whose code is nearest, in levels."""

    def distance(voice: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(voices[voice], code))

    return min(voices, key=distance)


def with_adapter(llama: LlamaForCausalLM, config: AdaptationConfig) -> Any:
    """The Llama with LoRA on its projections."""
    return _adapted(llama, _lora(config))


def with_slot(llama: LlamaForCausalLM, config: AdaptationConfig, token: int, first_row: int) -> Any:
    """The same with one trainable row of its (tied) embedding, where voices are slots.

    Args:
        token: of the new voice, whose row is trained.
        first_row: token whose row it starts from.
    """
    start = llama.get_input_embeddings().weight[first_row].detach().clone()
    peft = _adapted(llama, _lora(config) | {"trainable_token_indices": {"embed_tokens": [token]}})
    rows = [p for name, p in peft.named_parameters() if "trainable_tokens_delta" in name]
    if len(rows) != 1:
        raise RuntimeError(
            f"peft made {len(rows)} trainable embeddings where the tied ones need one; update peft"
        )
    rows[0].data.copy_(start[None])
    return peft


def _adapted(llama: LlamaForCausalLM, settings: dict[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():
        # of transformers, about how peft uses it
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(llama, LoraConfig(**settings))


def _lora(config: AdaptationConfig) -> dict[str, Any]:
    return {
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "bias": "none",
        "target_modules": list(PROJECTIONS),
        "task_type": "CAUSAL_LM",
    }


def scale_adapter(peft: Any, strength: float) -> None:
    """Go back part of the way to the base model, the voice's own row of the embedding aside.

    A few minutes of speech teach the sound of a voice sooner than they spoil the words; between the
    two models most of the voice remains and few of the errors (as in WiSE-FT, arXiv 2109.01903).
    """
    for name, weight in peft.named_parameters():
        if "lora_B" in name:
            weight.data.mul_(strength)


def save_adapter(peft: Any, folder: Path) -> None:
    """Write PEFT's own two files, in half precision as the base model's."""
    from peft import get_peft_model_state_dict

    values = peft.peft_config["default"].to_dict()
    values |= {"base_model_name_or_path": None, "inference_mode": True}
    plain = json.loads(json.dumps(values, default=_plain, sort_keys=True))
    write_json(folder / CONFIG_NAME, plain)
    tensors = get_peft_model_state_dict(peft, save_embedding_layers=False)
    halves = {name: tensor.half() for name, tensor in sorted(tensors.items())}
    save_weights(folder / WEIGHTS_NAME, halves)


def _plain(value: Any) -> Any:
    """Sets and enums of PEFT's config as JSON values."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    return getattr(value, "value", str(value))
