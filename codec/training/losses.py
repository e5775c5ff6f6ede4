"""Reconstruction losses. All are unweighted scalars; the weights live in the recipe's config."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.nn.decoder import DecoderOutput
from codec.nn.features import magnitude, mel_filterbank

SCALES = ((256, 20), (512, 40), (1024, 80), (2048, 160))  # (window in samples, mel filters)
FLOOR = 1e-5  # of magnitudes of mel bands
LINEAR_FLOOR = 1e-7  # of magnitudes at linear frequency, per sample of the window


class SpectralLosses(nn.Module):
    """Distances between spectrograms, mean over several windows with hops of a quarter.

    Args:
        sample_rate: Hz.
        linear: give the distances at linear frequency too, which ask for detail that wide mel bands
            average away.
    """

    def __init__(self, sample_rate: int, linear: bool = False) -> None:
        super().__init__()
        self.linear = linear
        for size, mels in SCALES:
            self.register_buffer(
                f"mel_{size}", mel_filterbank(size, mels, sample_rate), persistent=False
            )
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """predicted, target [B,1,T].

        Returns:
            `mel`: L1 of log10 magnitudes (DAC, arXiv 2306.06546), for which soft and loud weigh
            alike. `convergence`: norm of the difference of magnitudes over the target's, for which
            loud frames weigh most (spectral convergence, arXiv 1808.06719), here by clip and band,
            so that loud bands weigh no more than soft ones. Where `linear`, `log_magnitude`: L1 of
            natural log magnitudes, and `magnitude_convergence`: norm of the difference of a clip's
            magnitudes over the target's.
        """
        predicted, target = predicted[:, 0].float(), target[:, 0].float()
        scales = [self._at(predicted, target, size) for size, _ in SCALES]
        return {name: torch.stack([s[name] for s in scales]).mean() for name in scales[0]}

    def _at(self, predicted: Tensor, target: Tensor, size: int) -> dict[str, Tensor]:
        filters, window = getattr(self, f"mel_{size}"), getattr(self, f"window_{size}")
        a, b = (magnitude(signal, size, size // 4, window) for signal in (predicted, target))
        mel_a, mel_b = filters @ a, filters @ b
        losses = {
            "mel": (_log10(mel_a) - _log10(mel_b)).abs().mean(),
            "convergence": _convergence(mel_a, mel_b),
        }
        return losses | _linear(a, b, LINEAR_FLOOR * size) if self.linear else losses


def _linear(predicted: Tensor, target: Tensor, floor: float) -> dict[str, Tensor]:
    """Distances of magnitudes [B,bins,N]."""
    logs = predicted.clamp_min(floor).log() - target.clamp_min(floor).log()
    norm = target.square().sum((1, 2)).sqrt().clamp_min(1e-2)
    wrong = (predicted - target).square().sum((1, 2)).sqrt()
    return {"log_magnitude": logs.abs().mean(), "magnitude_convergence": (wrong / norm).mean()}


def _log10(mel: Tensor) -> Tensor:
    return mel.clamp_min(FLOOR).log10()


def _convergence(predicted: Tensor, target: Tensor) -> Tensor:
    """[B,M,N] twice -> scalar; a band that is empty in the target counts against the floor."""
    wrong = (predicted - target).square().mean(dim=-1)
    return ((wrong + FLOOR**2).sqrt() / (target.square().mean(dim=-1).sqrt() + FLOOR)).mean()


def pitch_losses(decoded: DecoderOutput, f0: Tensor) -> dict[str, Tensor]:
    """Supervision of the decoder's pitch track.

    Args:
        decoded: predictions with N feature frames.
        f0: [B,N] true F0 in Hz, 0 = unvoiced.

    Returns:
        `f0`: mean absolute error of log2 F0 over voiced frames (octaves); `voicing`: binary
        cross-entropy. Nothing for a decoder that predicts no pitch.
    """
    if decoded.log_f0 is None or decoded.voicing is None:
        return {}
    voiced = (f0 > 0).float()
    target = f0.clamp_min(1.0).log()
    error = ((decoded.log_f0 - target).abs() * voiced).sum() / voiced.sum().clamp_min(1) / 0.6931
    voicing = nn.functional.binary_cross_entropy_with_logits(decoded.voicing, voiced)
    return {"f0": error, "voicing": voicing}
