"""Strided convolutions over samples with an LSTM in the middle: SEANet, as in EnCodec (arXiv
2210.13438), for the preset `paper`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from codec.config import CodecConfig
from codec.nn.decoder import DecoderOutput


def _convolution(inside: int, outside: int, kernel: int) -> nn.Module:
    return weight_norm(nn.Conv1d(inside, outside, kernel, padding=kernel // 2))


class ResidualUnit(nn.Module):
    """Two convolutions through half the channels, added to the input. [B,C,T] -> [B,C,T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ELU(),
            _convolution(channels, channels // 2, 3),
            nn.ELU(),
            _convolution(channels // 2, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SkipLSTM(nn.Module):
    """A bidirectional LSTM whose input is added to both directions. [B,C,F] -> [B,2C,F]."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            frames = x.float().transpose(1, 2)
            return (self.lstm(frames)[0] + torch.cat([frames, frames], dim=-1)).transpose(1, 2)


class Downsample(nn.Module):
    """Strided convolution of kernel 2 x stride. [B,C,T] -> [B,2C,T / stride]."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.padding = (stride // 2, stride - stride // 2)
        self.convolution = weight_norm(nn.Conv1d(channels, 2 * channels, 2 * stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(nn.functional.pad(x, self.padding))


class Upsample(nn.Module):
    """Transposed convolution of kernel 2 x stride. [B,C,T] -> [B,outside,T * stride]."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.convolution = weight_norm(nn.ConvTranspose1d(inside, outside, 2 * stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        first, length = self.stride // 2, x.shape[-1] * self.stride
        return self.convolution(x)[..., first : first + length]


class SeanetEncoder(nn.Module):
    """audio [B,1,T] -> hidden frames [B,C,F] -> latents [B,D,F], F = T // samples_per_frame."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.seanet_filters
        layers: list[nn.Module] = [_convolution(1, width, 7)]
        for stride in config.seanet_strides:
            layers += [
                ResidualUnit(width),
                nn.ELU(),
                Downsample(width, stride),
            ]
            width *= 2
        self.layers = nn.Sequential(*layers)
        self.lstm = SkipLSTM(width, config.seanet_lstm)
        self.project = nn.Sequential(nn.ELU(), _convolution(2 * width, config.latent_dim, 7))

    def hidden(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> input of the LSTM, [B, config.hidden_dim, F]."""
        return self.layers(audio)

    def latents(self, hidden: Tensor) -> Tensor:
        """[B, config.hidden_dim, F] -> [B,D,F]."""
        return self.project(self.lstm(hidden))

    def forward(self, audio: Tensor) -> Tensor:
        return self.latents(self.hidden(audio))


class SeanetDecoder(nn.Module):
    """latents [B,D,F] -> DecoderOutput without pitch; the encoder in reverse."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.seanet_filters * 2 ** len(config.seanet_strides)
        self.stem = _convolution(config.latent_dim, width, 7)
        self.lstm = SkipLSTM(width, config.seanet_lstm)
        layers: list[nn.Module] = []
        inside = 2 * width
        for stride in reversed(config.seanet_strides):
            width //= 2
            layers += [
                nn.ELU(),
                Upsample(inside, width, stride),
                ResidualUnit(width),
            ]
            inside = width
        self.layers = nn.Sequential(*layers, nn.ELU(), _convolution(width, 1, 7))

    def forward(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """`f0` is for decoders with pitch and changes nothing here."""
        audio = self.layers(self.lstm(self.stem(latents))).float()
        return DecoderOutput(lambda: audio)
