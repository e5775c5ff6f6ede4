"""Discriminators: multi-period (HiFi-GAN, arXiv 2010.05646) and multi-resolution STFT (UnivNet, arXiv 2106.07889)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of the discriminators."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    windows: tuple[int, ...] = (512, 1024, 2048)  # samples; hop is a quarter
    period_channels: int = 12
    stft_channels: int = 12


@dataclass(frozen=True)
class Judgement:
    """What one sub-discriminator says of a batch."""

    score: Tensor  # [B, ...], 1 = real, 0 = generated
    features: list[Tensor]  # activations of every layer but the last


class ConvStack(nn.Module):
    """Weight-normed 2-D convolutions with leaky ReLU, returning every activation."""

    def __init__(self, layers: list[nn.Conv2d]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(self, x: Tensor) -> Judgement:
        features = []
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

    def __init__(self, window: int, channels: int) -> None:
        super().__init__()
        self.size = window
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        layers = [nn.Conv2d(2, channels, (3, 9), padding=(1, 4))]
        layers += [nn.Conv2d(channels, channels, (3, 9), (1, 2), (1, 4)) for _ in range(3)]
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, 1, 3, padding=1)]
        self.stack = ConvStack(layers)

    def forward(self, audio: Tensor) -> Judgement:
        spectrum = torch.stft(audio[:, 0], self.size, self.size // 4, window=self.window, return_complex=True)
        return self.stack(torch.view_as_real(spectrum).permute(0, 3, 2, 1))


class Discriminator(nn.Module):
    """All sub-discriminators. audio [B,1,T] -> one Judgement each."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            [PeriodDiscriminator(period, config.period_channels) for period in config.periods]
            + [StftDiscriminator(window, config.stft_channels) for window in config.windows]
        )

    def forward(self, audio: Tensor) -> list[Judgement]:
        audio = audio.float()
        audio = audio - audio.mean(dim=-1, keepdim=True)
        audio = 0.8 * audio / audio.abs().amax(dim=-1, keepdim=True).clamp_min(1e-4)
        return [part(audio) for part in self.parts]
