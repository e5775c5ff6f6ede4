"""Cycle loss (after BD-RFSQ, arXiv 2605.23373): the student predicts the same emotion features from
the copy as from the original.
"""

from __future__ import annotations

import torch
from torch import Tensor

from codec.model import Codec, CodecOutput
from codec.student import feature_distance


def cycle_loss(codec: Codec, output: CodecOutput, mask: Tensor | None = None) -> Tensor:
    """`feature_distance` between the student's emotion features of the copy and of the original.

    The paper takes the cosine of a large frozen teacher; here the student stands in for it. Neither
    the student nor the encoder that it reads learns from this loss as it is computed on the copy:
    only what is coded and how it is decoded can lower it.

    Args:
        codec: with a student.
        output: of this codec's forward pass.
        mask: bool [B,F], frames that count; None = all.

    Raises:
        ValueError: a codec without a student.
    """
    student = codec.student
    if student is None or output.predicted is None:
        raise ValueError("the cycle loss needs a codec with a student; set student_dim")
    weights = [w for part in (codec.encoder, student) for w in part.parameters() if w.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    copied = student(codec.hidden(output.audio)).emotion.float()
    for weight in weights:
        weight.requires_grad_(True)
    original = output.predicted.emotion.detach().float()
    known = torch.ones_like(copied[..., 0], dtype=torch.bool) if mask is None else mask
    return feature_distance(copied, original, known)
