"""Reconstruction losses. All are unweighted scalars; the weights live in the recipe's config."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.decoder import DecoderOutput
from codec.features import magnitude, mel_filterbank

SCALES = ((256, 20), (512, 40), (1024, 80), (2048, 160))  # (window in samples, mel filters)


class MultiScaleMelLoss(nn.Module):
    """L1 between log10-mel spectrograms at several windows, hop a quarter of each (DAC, arXiv 2306.06546)."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        for size, mels in SCALES:
            self.register_buffer(f"mel_{size}", mel_filterbank(size, mels, sample_rate), persistent=False)
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """predicted, target [B,1,T] -> scalar, mean over the scales."""
        predicted, target = predicted[:, 0].float(), target[:, 0].float()
        total = predicted.new_zeros(())
        for size, _ in SCALES:
            total = total + (self._log_mel(predicted, size) - self._log_mel(target, size)).abs().mean()
        return total / len(SCALES)

    def _log_mel(self, audio: Tensor, size: int) -> Tensor:
        filters, window = getattr(self, f"mel_{size}"), getattr(self, f"window_{size}")
        return (filters @ magnitude(audio, size, size // 4, window)).clamp_min(1e-5).log10()


def pitch_losses(decoded: DecoderOutput, f0: Tensor) -> dict[str, Tensor]:
    """Supervision of the decoder's pitch track.

    Args:
        decoded: predictions with N feature frames.
        f0: [B,N] true F0 in Hz, 0 = unvoiced.

    Returns:
        `f0`: mean absolute error of log2 F0 over voiced frames (octaves); `voicing`: binary cross-entropy. Nothing for a
        decoder that predicts no pitch.
    """
    if decoded.log_f0 is None or decoded.voicing is None:
        return {}
    voiced = (f0 > 0).float()
    target = f0.clamp_min(1.0).log()
    error = ((decoded.log_f0 - target).abs() * voiced).sum() / voiced.sum().clamp_min(1) / 0.6931
    voicing = nn.functional.binary_cross_entropy_with_logits(decoded.voicing, voiced)
    return {"f0": error, "voicing": voicing}
