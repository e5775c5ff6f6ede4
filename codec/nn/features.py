"""Spectral features that the encoder reads: those of a short window and low bins of a long one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from codec.config import CodecConfig

CEPSTRUM = 300  # samples of quefrency: periods down to 80 Hz at 24 kHz


def mel_filterbank(n_fft: int, n_mels: int, sample_rate: int) -> Tensor:
    """Triangular mel filters (Slaney scale, unit area), [n_mels, n_fft // 2 + 1]."""
    frequencies = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    edges = _mel_to_hz(torch.linspace(0, _hz_to_mel(sample_rate / 2), n_mels + 2))
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - lower) / (centre - lower)
    falling = (upper - frequencies) / (upper - centre)
    filters = torch.minimum(rising, falling).clamp_min(0)
    return filters * (2 / (upper - lower))


def mel_interpolation(n_fft: int, n_mels: int, sample_rate: int) -> Tensor:
    """Weights [n_mels, n_fft // 2 + 1] that spread values of mel bands over the bins.

    Those of a bin add up to 1.
    """
    places = torch.tensor([_hz_to_mel(sample_rate * bin / n_fft) for bin in range(n_fft // 2 + 1)])
    centres = torch.linspace(0, _hz_to_mel(sample_rate / 2), n_mels + 2)[1:-1]
    step = _hz_to_mel(sample_rate / 2) / (n_mels + 1)
    places = places.clamp(centres[0], centres[-1])
    return (1 - (places - centres[:, None]).abs() / step).clamp_min(0)


def _hz_to_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _mel_to_hz(mel: Tensor) -> Tensor:
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp((mel - 15) * math.log(6.4) / 27))


def magnitude(audio: Tensor, n_fft: int, hop_length: int, window: Tensor) -> Tensor:
    """Magnitude STFT with reflected ends.

    audio [B,T] -> [B, n_fft // 2 + 1, T // hop_length + 1].
    """
    pad = n_fft // 2
    mode = "reflect" if audio.shape[-1] > pad else "constant"
    padded = nn.functional.pad(audio[:, None], (pad, pad), mode=mode)[:, 0]
    spectrum = torch.stft(
        padded, n_fft, hop_length, window=window, center=False, return_complex=True
    )
    return spectrum.abs()


def stft(audio: Tensor, n_fft: int, hop_length: int, window: Tensor) -> Tensor:
    """STFT with silence beyond the ends, as torch.istft takes it.

    audio [B,T] -> complex [B, n_fft // 2 + 1, T // hop_length + 1].
    """
    return torch.stft(
        audio, n_fft, hop_length, window=window, pad_mode="constant", return_complex=True
    )


class EncoderFeatures(nn.Module):
    """audio [B,1,T] -> features [B, bands + low_bins, T // hop_length].

    The bands are log-mel; or log magnitudes at linear frequency, which keep fine detail; or their
    cepstrum, in which all features are standardised, so that what is fine is no smaller than what
    is coarse. T is a multiple of samples_per_frame.
    """

    mel: Tensor
    window: Tensor
    low_window: Tensor
    cosines: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config, bins = config, config.n_fft // 2 + 1
        bands = {"mel": config.n_mels, "linear": bins, "cepstrum": min(CEPSTRUM, bins)}
        self.num_features = bands[config.encoder_spectrum] + config.low_bins
        filters = mel_filterbank(config.n_fft, config.n_mels, config.sample_rate)
        self.register_buffer("mel", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.register_buffer("low_window", torch.hann_window(config.low_n_fft), persistent=False)
        if config.encoder_spectrum == "cepstrum":
            orders = torch.arange(bands["cepstrum"])[:, None]
            cosines = (math.pi * orders * (torch.arange(bins) + 0.5) / bins).cos()
            self.register_buffer("cosines", cosines * (2 / bins) ** 0.5, persistent=False)
            self.register_buffer("mean", torch.zeros(self.num_features))
            self.register_buffer("spread", torch.ones(self.num_features))

    def forward(self, audio: Tensor) -> Tensor:
        features = self.raw(audio)
        if self.config.encoder_spectrum != "cepstrum":
            return features
        return (features - self.mean[:, None]) / self.spread[:, None]

    def raw(self, audio: Tensor) -> Tensor:
        """Features that are not yet standardised."""
        config, audio = self.config, audio[:, 0].float()
        frames = audio.shape[-1] // config.hop_length
        # All near zero mean and unit spread, so that the first convolution starts well scaled.
        bands = magnitude(audio, config.n_fft, config.hop_length, self.window)
        if config.encoder_spectrum == "mel":
            bands = (self.mel @ bands).clamp_min(1e-5).log() / 2 + 1.5
        else:
            bands = bands.clamp_min(1e-4).log() / 2 + 0.5
        if config.encoder_spectrum == "cepstrum":
            bands = self.cosines @ bands
        low = magnitude(audio, config.low_n_fft, config.hop_length, self.low_window)
        log_low = low[:, : config.low_bins].clamp_min(1e-3).log() / 2
        return torch.cat([bands, log_low], dim=1)[..., :frames]

    def set_scale(self, mean: Tensor, spread: Tensor) -> None:
        """Mean and standard deviation [features] of `raw`, where features are standardised."""
        self.mean.copy_(mean)
        self.spread.copy_(spread.clamp_min(1e-3))
