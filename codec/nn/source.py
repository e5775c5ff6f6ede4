"""Excitation signals of the source-filter head: a band-limited pulse train and fixed noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

NO_PITCH = 100.0  # Hz, held where nothing is voiced
NOISE_SECONDS = 8  # period of the fixed noise, too long to be heard


def pulse_train(f0: Tensor, hop_length: int, sample_rate: int) -> Tensor:
    """All harmonics of a moving F0 below the Nyquist frequency: unit power, zero where unvoiced.

    The closed form of sum_k cos(k phase) (Dirichlet kernel) costs two sines a sample instead of one
    per harmonic.

    Args:
        f0: [B,N] Hz at one value per `hop_length` samples, 0 = unvoiced.

    Returns:
        [B, N * hop_length].
    """
    voiced = (f0 > 0).to(f0.dtype)
    pitch = upsample(fill_unvoiced(f0), hop_length)
    turns = torch.cumsum(pitch.double() / sample_rate, dim=-1)
    return pulses(pitch, turns, sample_rate) * upsample(voiced, hop_length)


def pulses(pitch: Tensor, turns: Tensor, sample_rate: int) -> Tensor:
    """The pulse train as if all were voiced; [B,T]: pitch in Hz, double turns of the phase."""
    phase = turns.remainder(1.0).float() * (2 * torch.pi)
    harmonics = (sample_rate / 2 / pitch).floor().clamp_min(1)
    half = phase / 2
    sine = half.sin()
    ratio = ((2 * harmonics + 1) * half).sin() / torch.where(
        sine.abs() < 1e-4, torch.ones_like(sine), sine
    )
    ratio = torch.where(sine.abs() < 1e-4, 2 * harmonics + 1, ratio)
    return (ratio - 1) / 2 * (2 / harmonics).sqrt()


def harmonics(
    pitch: Tensor, voicing: Tensor, sample_rate: int, turns: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """All harmonics below the Nyquist frequency, the highest one fading as it comes near: unit
    power. Every voiced stretch starts with a pulse.

    Args:
        pitch: [B,T] Hz.
        voicing: [B,T] amplitude, 0 = unvoiced.
        turns: double [B,1], phase of the sample before in periods; None = 0.

    Returns:
        [B,T], and the phase [B,1] of the last sample.
    """
    sounding = voicing > 0
    steps = torch.where(sounding, pitch.double() / sample_rate, 0.0)
    total = torch.cumsum(steps, dim=-1)
    total = total if turns is None else total + turns
    silent = torch.where(sounding, torch.zeros_like(total), total)
    phase = (total - silent.cummax(dim=-1).values).remainder(1.0)
    places = sample_rate / 2 / pitch.double()
    count = places.floor().clamp_min(1)
    half = math.pi * phase
    sine = half.sin()
    near = sine.abs() < 1e-6
    kernel = ((2 * count + 1) * half).sin() / torch.where(near, torch.ones_like(sine), sine)
    kernel = (torch.where(near, 2 * count + 1, kernel) - 1) / 2
    fading = (places - count).clamp(0, 1)
    signal = kernel + fading * (2 * (count + 1) * half).cos()
    signal = signal * (2 / (count + fading.square())).sqrt() * voicing
    return signal.float(), phase[:, -1:]


def held_pitch(f0: Tensor) -> Tensor:
    """[B,N] Hz with the neighbour's pitch, first that before, where a frame is unvoiced."""
    before, after = nn.functional.pad(f0, (1, 0))[:, :-1], nn.functional.pad(f0, (0, 1))[:, 1:]
    held = torch.where(after > 0, after, torch.full_like(f0, NO_PITCH))
    return torch.where(f0 > 0, f0, torch.where(before > 0, before, held))


def fill_unvoiced(f0: Tensor) -> Tensor:
    """Hold the last voiced value (the first one at the start), so that phase stays continuous."""
    index = torch.arange(f0.shape[-1], device=f0.device).expand_as(f0)
    last = torch.where(f0 > 0, index, torch.full_like(index, -1)).cummax(dim=-1).values
    first = (f0 > 0).to(torch.int8).argmax(dim=-1, keepdim=True)
    held = f0.gather(-1, torch.where(last < 0, first, last))
    return torch.where(held > 0, held, torch.full_like(held, NO_PITCH))


def upsample(values: Tensor, factor: int) -> Tensor:
    """[B,N] -> [B, N * factor], linear between frame centres, level beyond the outer ones. What a
    sample becomes depends on its neighbours and not on its place, so parts make the whole.
    """
    place = (torch.arange(factor, device=values.device, dtype=values.dtype) + 0.5) / factor - 0.5
    steps = nn.functional.pad(values.diff(dim=-1), (1, 1))[..., None]
    step = torch.where(place < 0, steps[..., :-1, :], steps[..., 1:, :])
    return (values[..., None] + place * step).flatten(-2)


class FixedNoise(nn.Module):
    """White noise that depends on the position alone: the same codes decode to the same samples."""

    noise: Tensor

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer(
            "noise", torch.randn(NOISE_SECONDS * sample_rate, generator=generator), persistent=False
        )

    def forward(self, length: int, start: int = 0) -> Tensor:
        """[length] samples of unit power from a position on."""
        first = start % self.noise.shape[0]
        repeats = -(-(first + length) // self.noise.shape[0])
        return self.noise.repeat(repeats)[first : first + length]
