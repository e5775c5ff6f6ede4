"""The detail layer: what a copy's spectrum lacks, in codes of its own, for whoever stores speech (ours)."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.features import mel_filterbank, mel_interpolation, stft
from codec.quantizer import ResidualQuantizer

FLOOR = 1e-3  # of the power of a band; below it a difference is not worth a code
MOST_DB = 25.0  # that a band is made louder or softer
BEAM = 4  # sums of codes that are followed
HIGH_HZ = 5000.0  # differences above weigh config.detail_high_weight: they matter less to understanding


class DetailLayer(nn.Module):
    """A coded equaliser: the level that each band of the copy lacks, frame by frame, goes into codes and is given to it.

    It knows nothing of the codec beneath it but the copy, so codes below it stay as they are and any decoder may make it.
    M = config.detail_bands, N = T // hop_length = F * frame_stride feature frames, C = M * frame_stride.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config, self.width = config, config.detail_bands * config.frame_stride
        books = replace(config, num_codebooks=config.detail_codebooks, latent_dim=self.width)
        self.quantizer = ResidualQuantizer(books, learns=False)
        shape = config.detail_n_fft, config.detail_bands, config.sample_rate
        filters = mel_filterbank(*shape)
        bands = filters / filters.sum(dim=1, keepdim=True).clamp_min(1e-6)
        high = bands @ torch.linspace(0, config.sample_rate / 2, bands.shape[1]) > HIGH_HZ
        weights = torch.where(high, config.detail_high_weight, 1.0).repeat(config.frame_stride)
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("weights", weights[:, None], persistent=False)
        self.register_buffer("spread", mel_interpolation(*shape), persistent=False)
        self.register_buffer("window", torch.hann_window(config.detail_n_fft), persistent=False)

    def missing(self, original: Tensor, copy: Tensor) -> Tensor:
        """original, copy [B,1,T] -> what the copy's levels lack, weighted dB, all of a codec frame together: [B,C,F]."""
        lacking = (self._levels(original) - self._levels(copy)).clamp(-MOST_DB, MOST_DB).transpose(1, 2)
        return lacking.reshape(len(lacking), -1, self.width).transpose(1, 2) * self.weights

    def encode(self, original: Tensor, copy: Tensor, num_codebooks: int) -> Tensor:
        """original, copy [B,1,T], T a multiple of samples_per_frame -> codes int64 [B,k,F]."""
        return self.quantizer.search(self.missing(original, copy), num_codebooks, BEAM)

    def forward(self, copy: Tensor, codes: Tensor) -> Tensor:
        """The copy [B,1,T] with the levels that codes int64 [B,k,F] say it lacks: [B,1,T]."""
        lacking = self.quantizer.lookup(codes) / self.weights
        lacking = lacking.transpose(1, 2).reshape(len(codes), -1, self.config.detail_bands)
        gains = (lacking @ self.spread * (math.log(10) / 20)).exp().transpose(1, 2)
        # The STFT of N * hop samples has one frame more than there are gains: the last ones serve twice.
        spectrum = self._stft(copy) * torch.cat([gains, gains[..., -1:]], dim=-1)
        config, length = self.config, copy.shape[-1]
        return torch.istft(spectrum, config.detail_n_fft, config.hop_length, window=self.window, length=length)[:, None]

    def _levels(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> dB, [B,M,N]."""
        power = self.bands @ self._stft(audio).abs().square()
        return 10 * power.clamp_min(FLOOR).log10()[..., : audio.shape[-1] // self.config.hop_length]

    def _stft(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> complex [B, n_fft // 2 + 1, N + 1]."""
        return stft(audio[:, 0].float(), self.config.detail_n_fft, self.config.hop_length, self.window)
