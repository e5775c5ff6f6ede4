"""Checks of the codec's arguments, with errors that name what was given and what is wanted."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from codec.config import CodecConfig

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def check_count(name: str, value: Any, most: int) -> None:
    """Refuse all but whole numbers from 1 to `most`.

    Raises:
        ValueError: another value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} is {value!r:.40}, must be a whole number in 1 to {most}")


def check_audio(audio: Any) -> None:
    """Refuse all but floating-point tensors [B,1,T] with T > 0.

    Raises:
        ValueError: another shape or type.
    """
    if not isinstance(audio, Tensor) or not audio.is_floating_point():
        raise ValueError(f"audio must be a tensor of floating-point numbers, got {_kind(audio)}")
    if audio.dim() != 3 or audio.shape[1] != 1 or audio.numel() == 0:
        raise ValueError(f"audio must be [B,1,T] with T > 0, got {tuple(audio.shape)}")


def check_codes(codes: Any, config: CodecConfig) -> None:
    """Refuse what no codec of this shape can decode.

    Raises:
        ValueError: no whole numbers [B,k,F], too many codebooks, or a code outside the codebook.
    """
    if not isinstance(codes, Tensor) or codes.dtype not in WHOLE:
        raise ValueError(f"codes must be a tensor of whole numbers, got {_kind(codes)}")
    if codes.dim() != 3 or not 1 <= codes.shape[1] <= config.all_codebooks or not codes.numel():
        raise ValueError(
            f"codes must be [B,k,F], 1 <= k <= {config.all_codebooks}, F > 0; "
            f"got {tuple(codes.shape)}"
        )
    low, high = int(codes.min()), int(codes.max())
    if low < 0 or high >= config.codebook_size:
        raise ValueError(f"codes must lie in 0..{config.codebook_size - 1}, got {low}..{high}")


def _kind(value: Any) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
