"""Vocoder parameters and pitch of a frame as one vector, whose squared distances follow what is
heard, so that one quantiser can share its bits among them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.nn.source import fill_unvoiced

# Weights of one natural log of an amplitude in all cepstral coefficients but the first, which
# weigh 1; docs/lab/codec_vocoder.md says how they were chosen.
LEVEL = 0.3  # the first coefficient: how loud a frame is
DECIBEL = 0.01  # of aperiodicity
PITCH = 2.0  # of one natural log of F0
VOICING = 0.3  # between unvoiced and voiced
USUAL_LOG_F0 = math.log(165.0)  # Hz
CERTAIN = 10.0  # logits between unvoiced and voiced


@dataclass(frozen=True)
class FrameValues:
    """What is said of N feature frames before pitch is decided."""

    log_f0: Tensor  # [B,N], natural log of Hz
    voicing: Tensor  # [B,N], logits
    envelope: Tensor  # [B,N,C], as `VocoderParameters`
    aperiodicity: Tensor  # [B,N,A], likewise


class Packing(nn.Module):
    """FrameValues <-> vectors [B,N,C+A+2]."""

    scale: Tensor

    def __init__(self, coefficients: int, bands: int) -> None:
        super().__init__()
        self.parts = [coefficients, bands, 1, 1]
        self.size = sum(self.parts)
        scale = torch.ones(self.size)
        scale[0] = LEVEL
        scale[coefficients : coefficients + bands] = DECIBEL
        scale[-2], scale[-1] = PITCH, VOICING
        self.register_buffer("scale", scale, persistent=False)

    def pack(self, parameters: Tensor, f0: Tensor) -> Tensor:
        """Envelope and aperiodicity [B,N,C+A] and F0 [B,N] in Hz, 0 = unvoiced.

        Where a frame is unvoiced the pitch before it is held.
        """
        pitch = fill_unvoiced(f0).log() - USUAL_LOG_F0
        values = torch.cat([parameters, torch.stack([pitch, (f0 > 0).to(pitch)], dim=-1)], dim=-1)
        return values * self.scale

    def unpack(self, vectors: Tensor) -> FrameValues:
        """The inverse of `pack`; voicing as logits."""
        envelope, aperiodicity, pitch, voicing = (vectors / self.scale).split(self.parts, dim=-1)
        return FrameValues(
            pitch[..., 0] + USUAL_LOG_F0, (voicing[..., 0] - 0.5) * CERTAIN, envelope, aperiodicity
        )
