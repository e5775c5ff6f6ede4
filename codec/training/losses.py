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
    """Distances between mel spectrograms, mean over several windows with hops of a quarter."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
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
            so that loud bands weigh no more than soft ones.
        """
        predicted, target = predicted[:, 0].float(), target[:, 0].float()
        pairs = [(self._mel(predicted, size), self._mel(target, size)) for size, _ in SCALES]
        mel = torch.stack([(_log10(a) - _log10(b)).abs().mean() for a, b in pairs])
        convergence = torch.stack([_convergence(a, b) for a, b in pairs])
        return {"mel": mel.mean(), "convergence": convergence.mean()}

    def _mel(self, audio: Tensor, size: int) -> Tensor:
        filters, window = getattr(self, f"mel_{size}"), getattr(self, f"window_{size}")
        return filters @ magnitude(audio, size, size // 4, window)


class MagnitudeLosses(nn.Module):
    """Distances between magnitudes at linear frequency, mean over the windows of `SpectralLosses`.

    They ask for detail that wide mel bands average away.
    """

    def __init__(self) -> None:
        super().__init__()
        for size, _ in SCALES:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """predicted, target [B,1,T].

        Returns:
            `log_magnitude`: L1 of natural log magnitudes; `magnitude_convergence`: norm of the
            difference of a clip's magnitudes over the target's norm (arXiv 1808.06719).
        """
        losses = [self._at(predicted[:, 0].float(), target[:, 0].float(), n) for n, _ in SCALES]
        logs, convergence = (torch.stack(values).mean() for values in zip(*losses, strict=True))
        return {"log_magnitude": logs, "magnitude_convergence": convergence}

    def _at(self, predicted: Tensor, target: Tensor, size: int) -> tuple[Tensor, Tensor]:
        window, floor = getattr(self, f"window_{size}"), LINEAR_FLOOR * size
        a, b = (magnitude(signal, size, size // 4, window) for signal in (predicted, target))
        logs = (a.clamp_min(floor).log() - b.clamp_min(floor).log()).abs().mean()
        norm = b.square().sum((1, 2)).sqrt().clamp_min(1e-2)
        return logs, ((a - b).square().sum((1, 2)).sqrt() / norm).mean()


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
