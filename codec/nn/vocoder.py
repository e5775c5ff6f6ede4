"""A vocoder of few parameters per frame, through which gradients pass: pulses and noise, shaped by
one minimum-phase envelope.

WORLD (Morise, Yokomori and Ozawa 2016, "WORLD: a vocoder-based high-quality speech synthesis
system") names the parameters; the synthesis here works by overlapping frames, so that its filters
change as fast as the frames do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.source import FixedNoise, harmonics, held_pitch, upsample

BAND_HZ = 3000  # between the centres of the aperiodicity bands
LOWEST_DB = -60.0  # aperiodicity at 0 Hz
LOUDEST = 6.0  # natural log of the largest amplitude of an envelope


@dataclass(frozen=True)
class VocoderParameters:
    """What is said of N feature frames."""

    f0: Tensor  # [B,N] Hz, 0 = unvoiced
    envelope: Tensor  # [B,N,C], see `mel_cosines`: natural log amplitude for sources of unit power
    aperiodicity: Tensor  # [B,N,A], dB: share of noise in the amplitude, at multiples of BAND_HZ


def mel(hz: Tensor) -> Tensor:
    """The mel scale of O'Shaughnessy 1987, whose bands stay narrow at low frequencies."""
    return 1127.01048 * torch.log1p(hz / 700)


def mel_points(count: int, sample_rate: int) -> Tensor:
    """Frequencies [count] in Hz, evenly spread over the mel scale up to the Nyquist frequency."""
    place = (torch.arange(count) + 0.5) / count
    return 700 * torch.expm1(place * math.log1p(sample_rate / 2 / 700))


def mel_cosines(coefficients: int, frequencies: Tensor, sample_rate: int) -> Tensor:
    """What one of each coefficient adds to the log amplitude at some frequencies (Hz): [C,bins].

    These are cosines of the place on the mel scale, scaled so that the squares of coefficients add
    up to the mean square over that scale.
    """
    place = mel(frequencies) / mel(torch.tensor(sample_rate / 2))
    orders = torch.arange(coefficients, device=frequencies.device)
    scale = torch.where(orders > 0, math.sqrt(2), 1.0)
    return (math.pi * orders[:, None] * place).cos() * scale[:, None]


def minimum_phase(log_amplitude: Tensor) -> Tensor:
    """Phase in radians of the minimum-phase filter of log amplitudes [...,bins], by the folded
    cepstrum (Oppenheim and Schafer).
    """
    size = 2 * (log_amplitude.shape[-1] - 1)
    fold = torch.zeros(size, dtype=log_amplitude.dtype, device=log_amplitude.device)
    fold[0] = fold[size // 2] = 1
    fold[1 : size // 2] = 2
    return torch.fft.rfft(torch.fft.irfft(log_amplitude, size) * fold).imag


def aperiodicity_bands(sample_rate: int) -> int:
    """How many bands D4C (Morise 2016) gives at a sample rate in Hz."""
    return int(min(15_000, sample_rate / 2 - BAND_HZ) / BAND_HZ)


class Vocoder(nn.Module):
    """VocoderParameters of N frames -> audio [B, N * hop_length].

    Frames two hops wide overlap by one, so a filter reaches from the centre of the frame before to
    that of the frame after it.
    """

    amplitude: Tensor
    phase: Tensor
    frequencies: Tensor
    window: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.rate, self.hop, self.size = config.sample_rate, config.hop_length, config.n_fft
        self.bands = aperiodicity_bands(config.sample_rate)
        frequencies = torch.linspace(0, self.rate / 2, self.size // 2 + 1)
        cosines = mel_cosines(config.envelope_coefficients, frequencies.double(), self.rate)
        self._constant("amplitude", cosines.float())
        self._constant("phase", minimum_phase(cosines).float())
        self._constant("window", torch.hann_window(2 * self.hop))
        self._constant("frequencies", frequencies)
        self.noise = FixedNoise(config.sample_rate)

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def forward(self, parameters: VocoderParameters) -> Tensor:
        f0 = parameters.f0.float()
        pitch, voicing = upsample(held_pitch(f0), self.hop), upsample((f0 > 0).float(), self.hop)
        pulses, _ = harmonics(pitch, voicing, self.rate)
        noise = self.noise(pulses.shape[-1]).expand_as(pulses)
        sources = nn.functional.pad(torch.stack([pulses, noise], dim=1), (self.margin, self.margin))
        filters = self.filters(parameters)
        # Half a frame at either end hears the outer filters.
        filters = torch.cat([filters[:, :, :1], filters, filters[:, :, -1:]], dim=2)
        audio = self.overlapped(self.framed(sources, filters))
        return audio[:, self.margin : self.margin + pulses.shape[-1]]

    @property
    def margin(self) -> int:
        """Samples between the start of the first frame and that of the signal."""
        return self.hop + self.hop // 2

    def filters(self, parameters: VocoderParameters) -> Tensor:
        """Complex [B,2,N,bins]: of the pulses and of the noise."""
        envelope = parameters.envelope.float()
        amplitude = (envelope @ self.amplitude).clamp_max(LOUDEST).exp()
        noisy = torch.where(parameters.f0[..., None] > 0, self._noise_share(parameters), 1.0)
        shares = torch.stack([(1 - noisy.square()).clamp_min(0).sqrt(), noisy], dim=1)
        return torch.polar(amplitude, envelope @ self.phase)[:, None] * shares

    def _noise_share(self, parameters: VocoderParameters) -> Tensor:
        """Share of noise in the amplitude, [B,N,bins], linear in dB between the bands."""
        bands = parameters.aperiodicity.float().clamp_max(0)
        ends = torch.zeros_like(bands[..., :1])
        levels = torch.cat([ends + LOWEST_DB, bands, ends], dim=-1)
        place = (self.frequencies / BAND_HZ).clamp_max(self.bands + 1 - 1e-4)
        below = place.long()
        share = place - below
        return 10 ** ((levels[..., below] * (1 - share) + levels[..., below + 1] * share) / 20)

    def framed(self, sources: Tensor, filters: Tensor) -> Tensor:
        """Sources [B,2,T] -> filtered frames [B,n,n_fft], n as many as `filters` has."""
        frames = sources.unfold(-1, 2 * self.hop, self.hop)[:, :, : filters.shape[2]]
        spectra = torch.fft.rfft(frames * self.window, self.size) * filters
        return torch.fft.irfft(spectra.sum(1), self.size)

    def overlapped(self, frames: Tensor) -> Tensor:
        """Frames [B,n,n_fft] one hop apart -> their sum [B, (n - 1) * hop_length + n_fft]."""
        length = (frames.shape[1] - 1) * self.hop + self.size
        folded = nn.functional.fold(
            frames.transpose(1, 2), (1, length), (1, self.size), stride=(1, self.hop)
        )
        return folded[:, 0, 0]
