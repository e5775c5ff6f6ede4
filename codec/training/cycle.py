"""Cycle loss, after BD-RFSQ (arXiv 2605.23373): the emotion that is heard in a copy is that of its
original.
"""

from __future__ import annotations

import torch
from torch import Tensor

from codec.model import Codec, CodecOutput
from codec.student import feature_distance


def cycle_loss(codec: Codec, output: CodecOutput, mask: Tensor | None = None) -> Tensor:
    """Distance between what the codec's student hears of emotion in the copy and heard in the
    original, as it is taught by.

    The paper asks a large frozen teacher for a cosine. The student stands in for it here. It does
    not learn from this loss, nor does the encoder learn to be read otherwise: the copy alone can
    lower it, by what is coded and how it is decoded.

    Args:
        codec: with a student.
        output: of this codec's forward pass.
        mask: bool [B,F], frames that count; None = all.
    """
    weights = [
        w for part in (codec.encoder, codec.student) for w in part.parameters() if w.requires_grad
    ]
    for weight in weights:
        weight.requires_grad_(False)
    heard = codec.student(codec.hidden(output.audio)).emotion.float()
    for weight in weights:
        weight.requires_grad_(True)
    wanted = output.predicted.emotion.detach().float()
    return feature_distance(
        heard, wanted, torch.ones_like(heard[..., 0], dtype=torch.bool) if mask is None else mask
    )
