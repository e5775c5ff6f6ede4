"""The detail layer: codes of its own for what a copy's spectrum lacks, to store speech with (ours,
not of the paper).
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.features import mel_filterbank, mel_interpolation, stft
from codec.quantize.residual import ResidualQuantizer

FLOOR = 1e-3  # of the power of a band; differences below it are not coded
NOTHING = 1e-12  # a floor that only digital silence meets
MOST_DB = 25.0  # by which a band is raised or lowered
BEAM = 8  # of the search for codes
PASSES = 2  # of correction: overlapping windows and bands change levels by less than the gains
STEP = 1.3  # of a correction, relative to the difference that is left
HIGH_HZ = 5000.0  # differences above weigh config.detail_high_weight: speech needs them less


class DetailLayer(nn.Module):
    """A coded equaliser: codes say by how much each band of the copy is too soft or too loud in
    every frame, and the decoder corrects it.

    It reads nothing of the codec beneath it but the copy, so the codes below stay as they are.
    M = config.detail_bands, N = T // hop_length = F * frame_stride feature frames, C = M *
    frame_stride.
    """

    bands: Tensor
    weights: Tensor
    spread: Tensor
    window: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config, self.width = config, config.detail_bands * config.frame_stride
        # Half a hop apart where the hop is even: gains of neighbouring frames then blend smoothly.
        self.gains_per_hop = math.gcd(2, config.hop_length)
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
        """original, copy [B,1,T] -> how far the copy's levels are below the original's, in weighted
        dB, those of a codec frame in one vector: [B,C,F].
        """
        return self._between(self._levels(original), self._levels(copy))

    def encode(self, original: Tensor, copy: Tensor, num_codebooks: int) -> Tensor:
        """original, copy [B,1,T], T a multiple of samples_per_frame -> codes int64 [B,k,F]."""
        return self.quantizer.search(self.missing(original, copy), num_codebooks, BEAM)

    def forward(self, copy: Tensor, codes: Tensor) -> Tensor:
        """copy [B,1,T] and codes int64 [B,k,F] -> the copy with its levels corrected, [B,1,T].

        Windows and bands overlap, so levels change by less than the gains. The change is measured,
        as in `missing` but below its floor too, and the gains are corrected.
        """
        wanted, levels = self.quantizer.lookup(codes), self._levels(copy, NOTHING)
        spectrum, most, gains = self._stft(copy, self.gains_per_hop), MOST_DB * self.weights, wanted
        audio = self._raised(spectrum, gains, copy.shape[-1])
        for _ in range(PASSES):
            change = self._between(self._levels(audio, NOTHING), levels)
            gains = (gains + STEP * (wanted - change)).clamp(-most, most)
            audio = self._raised(spectrum, gains, copy.shape[-1])
        return audio

    def _raised(self, spectrum: Tensor, gains: Tensor, length: int) -> Tensor:
        """The sound of a spectrum, `gains_per_hop` frames a hop, with gains [B,C,F] in weighted dB:
        [B,1,length].
        """
        config = self.config
        decibels = (
            (gains / self.weights)
            .transpose(1, 2)
            .reshape(len(gains), -1, config.detail_bands)
            .transpose(1, 2)
        )
        # N hops have one frame more than there are gains, and frames between hops: the last gains
        # are used twice.
        decibels = torch.cat([decibels, decibels[..., -1:]], dim=-1)
        decibels = nn.functional.interpolate(
            decibels, spectrum.shape[-1], mode="linear", align_corners=True
        )
        spectrum = spectrum * (self.spread.T @ decibels * (math.log(10) / 20)).exp()
        hop = config.hop_length // self.gains_per_hop
        return torch.istft(spectrum, config.detail_n_fft, hop, window=self.window, length=length)[
            :, None
        ]

    def _between(self, levels: Tensor, lower: Tensor) -> Tensor:
        """Levels and lower ones, dB [B,M,N] each -> their difference, weighted dB [B,C,F]."""
        apart = (levels - lower).clamp(-MOST_DB, MOST_DB).transpose(1, 2)
        return apart.reshape(len(apart), -1, self.width).transpose(1, 2) * self.weights

    def _levels(self, audio: Tensor, floor: float = FLOOR) -> Tensor:
        """audio [B,1,T] -> dB, [B,M,N]; `floor` is the least power of a band."""
        power = self.bands @ self._stft(audio).abs().square()
        return 10 * power.clamp_min(floor).log10()[..., : audio.shape[-1] // self.config.hop_length]

    def _stft(self, audio: Tensor, per_hop: int = 1) -> Tensor:
        """audio [B,1,T] -> complex [B, n_fft // 2 + 1, N * per_hop + 1]."""
        return stft(
            audio[:, 0].float(),
            self.config.detail_n_fft,
            self.config.hop_length // per_hop,
            self.window,
        )
