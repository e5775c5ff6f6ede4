"""What a parametric decoder learns from: distances of its vocoder's parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.decoder import DecoderOutput
from codec.nn.vocoder import mel_cosines, mel_points

POINTS = 120  # of the mel scale at which envelopes are compared
DECIBELS = 20 / math.log(10)  # of one natural log of an amplitude
FULL_DB, LEAST = 50.0, 0.1  # frames this far below the loudest count least, and how much


class VocoderLosses(nn.Module):
    """Losses of vocoder parameters, weighed by how loud a frame is."""

    points: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.coefficients = config.envelope_coefficients
        hz = mel_points(POINTS, config.sample_rate)
        cosines = mel_cosines(self.coefficients, hz, config.sample_rate)
        self.register_buffer("points", cosines, persistent=False)

    def forward(
        self, decoded: DecoderOutput, target: Tensor, f0: Tensor, mask: Tensor
    ) -> dict[str, Tensor]:
        """Losses against the analysis of the recording.

        Args:
            decoded: of a parametric decoder, N feature frames.
            target: [B,N,C+A], envelope and aperiodicity of the recording.
            f0: [B,N] Hz, 0 = unvoiced.
            mask: bool [B,N], frames that hold audio.

        Returns:
            `envelope`: mean absolute error over the mel scale, dB; `aperiodicity`: that of the
            bands over voiced frames, dB.
        """
        assert decoded.parameters is not None  # a parametric decoder gives them
        envelope, bands = target.split(
            [self.coefficients, target.shape[-1] - self.coefficients], -1
        )
        weight = self.weight(envelope) * mask
        wrong = (decoded.parameters.envelope - envelope) @ self.points * DECIBELS
        rough = decoded.parameters.aperiodicity - bands
        return {
            "envelope": _mean(wrong.abs().mean(-1), weight),
            "aperiodicity": _mean(rough.abs().mean(-1), weight * (f0 > 0)),
        }

    def weight(self, envelope: Tensor) -> Tensor:
        """[B,N], 1 for frames near the loudest one of their crop."""
        level = torch.logsumexp(2 * envelope @ self.points, dim=-1) * DECIBELS / 2
        below = level.amax(dim=1, keepdim=True) - level
        return (1.4 - below / FULL_DB).clamp(LEAST, 1.0)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1.0)
