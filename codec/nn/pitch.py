"""F0 of audio in torch alone, for encoding with prosody where no pitch tracker is installed."""

from __future__ import annotations

import torch
from torch import Tensor

VOICED = 0.5  # normalised autocorrelation from which a frame is voiced
NEAR_BEST = 0.9  # of the best correlation: the shortest lag with it is taken, against octave errors
QUIET = 1e-4  # energy of a frame relative to the loudest one, below which it is unvoiced
PART = 2048  # frames worked on at once


@torch.no_grad()
def f0_torch(
    audio: Tensor, sample_rate: int, hop_length: int, f0_min: float, f0_max: float
) -> Tensor:
    """F0 by normalised cross-correlation of every frame with its own shifts (RAPT, Talkin 1995,
    without its path search).

    Args:
        audio: [B,1,T], T a multiple of hop_length.

    Returns:
        [B, T // hop_length] Hz, 0 = unvoiced; medians of three frames.
    """
    longest, shortest = int(sample_rate / f0_min) + 1, max(2, int(sample_rate / f0_max))
    width = 2 * longest
    signal = audio[:, 0].float() - audio[:, 0].float().mean(dim=-1, keepdim=True)
    reach = width + longest
    padded = torch.nn.functional.pad(signal, (reach // 2, reach))
    frames = padded.unfold(-1, reach, hop_length)[:, : audio.shape[-1] // hop_length]
    parts = [_analyse(part, width, shortest, longest) for part in frames.split(PART, dim=1)]
    period, score, energy = (torch.cat(values, dim=1) for values in zip(*parts))
    voiced = (score > VOICED) & (energy > QUIET * energy.amax(-1, keepdim=True).clamp_min(1e-9))
    return _median3(torch.where(voiced, sample_rate / period, torch.zeros_like(period)))


def _analyse(
    frames: Tensor, width: int, shortest: int, longest: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Period in samples, its correlation and the energy, [B,N] each, of frames [B,N,R]."""
    correlation, energy = _correlations(frames, width, longest)
    inner = correlation[..., 1:-1]
    peaks = (inner >= correlation[..., :-2]) & (inner > correlation[..., 2:])
    lags = torch.arange(1, longest, device=frames.device)
    scores = inner.masked_fill(~peaks | (lags < shortest), -1.0)
    best = scores.amax(-1, keepdim=True)
    pick = (scores >= NEAR_BEST * best.clamp_min(1e-6)).to(torch.int8).argmax(-1) + 1
    return pick + _parabola(correlation, pick), best[..., 0], energy


def _correlations(frames: Tensor, width: int, longest: int) -> tuple[Tensor, Tensor]:
    """Correlations [B,N,longest+1] of the first `width` samples of frames [B,N,R] with those a lag
    later; energies [B,N].
    """
    size = 1 << (frames.shape[-1] + width - 1).bit_length()
    head = torch.fft.rfft(frames[..., :width], size)
    products = torch.fft.irfft(head.conj() * torch.fft.rfft(frames, size), size)[..., : longest + 1]
    squares = torch.nn.functional.pad(frames.square().cumsum(-1), (1, 0))
    energies = squares[..., width : width + longest + 1] - squares[..., : longest + 1]
    return products / (energies[..., :1] * energies).clamp_min(1e-12).sqrt(), energies[..., 0]


def _parabola(values: Tensor, place: Tensor) -> Tensor:
    """Offset in -0.5..0.5 of the maximum of the parabola through a peak and its neighbours."""
    left, middle, right = (
        values.gather(-1, (place + shift)[..., None])[..., 0] for shift in (-1, 0, 1)
    )
    return (0.5 * (left - right) / (left - 2 * middle + right).clamp_max(-1e-9)).clamp(-0.5, 0.5)


def _median3(values: Tensor) -> Tensor:
    padded = torch.cat([values[:, :1], values, values[:, -1:]], dim=1)
    return padded.unfold(1, 3, 1).median(dim=-1).values
