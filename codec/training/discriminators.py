"""Discriminators: multi-period and multi-scale (HiFi-GAN, arXiv 2010.05646), multi-resolution STFT
(UnivNet, arXiv 2106.07889; EnCodec's is of that kind) and the same in bands (DAC, arXiv
2306.06546).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from codec.pretrained import Pretrained

BANDS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)  # of the Nyquist frequency


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Which discriminators there are, and their sizes; an empty list leaves a kind out."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    windows: tuple[int, ...] = (512, 1024, 2048)  # samples; hop is a quarter
    period_channels: int = 12
    stft_channels: int = 12
    scales: tuple[int, ...] = ()  # factors by which the waveform is averaged down, e.g. 1, 2, 4
    scale_channels: int = 16
    band_windows: tuple[int, ...] = ()  # samples, of STFTs read in bands, e.g. 512, 1024, 2048
    band_channels: int = 12


@dataclass(frozen=True)
class Judgement:
    """Output of one sub-discriminator for a batch."""

    score: Tensor  # [B, ...], 1 = real, 0 = generated
    features: list[Tensor]  # activations of every layer but the last


class ConvStack(nn.Module):
    """Weight-normed convolutions with leaky ReLU, returning every activation."""

    def __init__(self, layers: list[nn.Conv1d] | list[nn.Conv2d]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(self, x: Tensor) -> Judgement:
        features: list[Tensor] = []
        for layer in self.layers[:-1]:
            x = nn.functional.leaky_relu(layer(x), 0.1)
            features.append(x)
        return Judgement(self.layers[-1](x), features)


class PeriodDiscriminator(nn.Module):
    """Reads the waveform folded to [period, T / period]."""

    def __init__(self, period: int, channels: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, channels, channels * 2, channels * 4, channels * 8]
        layers = [nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0)) for a, b in zip(widths, widths[1:])]
        self.stack = ConvStack([*layers, nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0))])

    def forward(self, audio: Tensor) -> Judgement:
        audio = nn.functional.pad(audio, (0, -audio.shape[-1] % self.period))
        return self.stack(audio.unflatten(-1, (-1, self.period)))


class StftDiscriminator(nn.Module):
    """Reads the complex STFT as two channels over time and frequency."""

    window: Tensor

    def __init__(self, window: int, channels: int) -> None:
        super().__init__()
        self.size = window
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        layers = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
        layers += [nn.Conv2d(channels, channels, (3, 9), (1, 2), (1, 4)) for _ in range(3)]
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Conv2d(channels, 1, 3, padding=1),
        ]
        self.stack = ConvStack(layers)

    def forward(self, audio: Tensor) -> Judgement:
        spectrum = torch.stft(
            audio[:, 0], self.size, self.size // 4, window=self.window, return_complex=True
        )
        return self.stack(torch.view_as_real(spectrum).permute(0, 3, 2, 1))


class ScaleDiscriminator(nn.Module):
    """Reads the waveform at a lower rate by grouped convolutions of growing reach."""

    def __init__(self, factor: int, channels: int) -> None:
        super().__init__()
        self.pool = (
            nn.AvgPool1d(2 * factor, factor, factor // 2, count_include_pad=False)
            if factor > 1
            else nn.Identity()
        )
        widths = [channels, channels * 2, channels * 4, channels * 8]
        layers = [nn.Conv1d(1, channels, 15, padding=7)]
        layers += [
            nn.Conv1d(a, b, 41, 4, 20, groups=max(1, channels // 4))
            for a, b in zip(widths, widths[1:])
        ]
        layers += [
            nn.Conv1d(widths[-1], widths[-1], 5, padding=2),
            nn.Conv1d(widths[-1], 1, 3, padding=1),
        ]
        self.stack = ConvStack(layers)

    def forward(self, audio: Tensor) -> Judgement:
        return self.stack(self.pool(audio))


class BandDiscriminator(nn.Module):
    """Reads the complex STFT in five bands through convolutions of their own and one last layer."""

    window: Tensor

    def __init__(self, window: int, channels: int) -> None:
        super().__init__()
        self.size = window
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        self.borders = [round(share * (window // 2 + 1)) for share in BANDS]
        self.bands = nn.ModuleList(ConvStack(self._layers(channels)) for _ in BANDS[1:])
        self.last = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    @staticmethod
    def _layers(channels: int) -> list[nn.Conv2d]:
        layers = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
        layers += [nn.Conv2d(channels, channels, (3, 9), (1, 2), (1, 4)) for _ in range(3)]
        return [*layers, nn.Conv2d(channels, channels, 3, padding=1)]

    def forward(self, audio: Tensor) -> Judgement:
        spectrum = torch.stft(
            audio[:, 0], self.size, self.size // 4, window=self.window, return_complex=True
        )
        spectrum = torch.view_as_real(spectrum).permute(0, 3, 2, 1)
        judged = [
            stack(spectrum[..., low:high])
            for stack, low, high in zip(self.bands, self.borders, self.borders[1:])
        ]
        joined = nn.functional.leaky_relu(torch.cat([band.score for band in judged], dim=-1), 0.1)
        return Judgement(
            self.last(joined), [*(feature for band in judged for feature in band.features), joined]
        )


class Discriminator(Pretrained):
    """All sub-discriminators. audio [B,1,T] -> one Judgement each."""

    model_type, config_class = "affectcodec_discriminator", DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.parts = nn.ModuleList(
            [PeriodDiscriminator(period, config.period_channels) for period in config.periods]
            + [StftDiscriminator(window, config.stft_channels) for window in config.windows]
            + [ScaleDiscriminator(factor, config.scale_channels) for factor in config.scales]
            + [BandDiscriminator(window, config.band_channels) for window in config.band_windows]
        )
        if not self.parts:
            raise ValueError(
                "no discriminators: periods, windows, scales and band_windows are all empty"
            )

    def forward(self, audio: Tensor) -> list[Judgement]:
        audio = audio.float()
        audio = audio - audio.mean(dim=-1, keepdim=True)
        audio = 0.8 * audio / audio.abs().amax(dim=-1, keepdim=True).clamp_min(1e-4)
        return [part(audio) for part in self.parts]
