"""A frame-wise phone classifier, and a loss on its hidden features that keeps words intelligible.

A small network learns from aligned phones which one a frame belongs to. Distances between its
features of a copy and of the original weigh the spectrum by what tells phones apart, where a plain
spectral distance weighs all bins alike (the deep feature loss of arXiv 1806.10522, with a phone
classifier as the network).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.nn.features import magnitude, mel_filterbank
from codec.pretrained import Pretrained


@dataclass(frozen=True)
class PhoneClassifierConfig:
    """Shape of the network; the defaults have a receptive field of 230 ms."""

    sample_rate: int = 24000  # Hz
    hop_length: int = 240  # samples
    n_fft: int = 600  # samples
    n_mels: int = 80
    dim: int = 256
    dilations: tuple[int, ...] = (1, 2, 3, 4)  # one block each
    classes: int = 64  # phones, and what is none


@dataclass(frozen=True)
class PhoneClassifierOutput:
    """Output for N frames of speech."""

    hidden: list[Tensor]  # [B,C,N] after each block
    logits: Tensor  # [B,classes,N]


class DilatedBlock(nn.Module):
    """[B,C,N] -> [B,C,N] with a receptive field of 2 * dilation + 1 frames."""

    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, dim)
        self.mix = nn.Conv1d(dim, dim, 3, padding=dilation, dilation=dilation)
        self.out = nn.Conv1d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(nn.functional.gelu(self.mix(self.norm(x))))


class PhoneClassifier(Pretrained):
    """Features of audio [B,1,T] -> PhoneClassifierOutput with N = T // hop_length frames."""

    model_type, config_class = "affectcodec-listener", PhoneClassifierConfig  # as in saved models
    config: PhoneClassifierConfig
    mel: Tensor
    window: Tensor

    def __init__(self, config: PhoneClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv1d(config.n_mels, config.dim, 5, padding=2)
        self.blocks = nn.ModuleList(
            DilatedBlock(config.dim, dilation) for dilation in config.dilations
        )
        self.head = nn.Conv1d(config.dim, config.classes, 1)
        self.register_buffer(
            "mel", mel_filterbank(config.n_fft, config.n_mels, config.sample_rate), persistent=False
        )
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    def stored_tensors(self) -> dict[str, Tensor]:
        """Weights in half precision."""
        return {name: tensor.half() for name, tensor in self.state_dict().items()}

    def features(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> log-mel [B,n_mels,N] less each band's mean, so independent of level and
        channel.
        """
        config, frames = self.config, audio.shape[-1] // self.config.hop_length
        spectrum = magnitude(audio[:, 0].float(), config.n_fft, config.hop_length, self.window)
        mel = (self.mel @ spectrum).clamp_min(1e-4).log()[..., :frames]
        return (mel - mel.mean(dim=-1, keepdim=True)) / 2

    def forward(self, features: Tensor) -> PhoneClassifierOutput:
        hidden: list[Tensor] = []
        x = self.stem(features)
        for block in self.blocks:
            x = block(x)
            hidden.append(x)
        return PhoneClassifierOutput(hidden, self.head(nn.functional.gelu(x)))


class PhoneticLoss(nn.Module):
    """Distance between a frozen phone classifier's outputs for a copy and for its original."""

    def __init__(self, phone_classifier: PhoneClassifier) -> None:
        super().__init__()
        self.phone_classifier = phone_classifier.requires_grad_(False).eval()

    def forward(self, copy: Tensor, original: Tensor) -> dict[str, Tensor]:
        """copy, original [B,1,T].

        Returns:
            `phone_features`: L1 between hidden features over their mean size, mean over the blocks;
            `phones`: Kullback-Leibler divergence of the copy's phones from the original's, nats a
            frame.
        """
        with torch.autocast(copy.device.type, enabled=False):
            with torch.no_grad():
                target = self.phone_classifier(self.phone_classifier.features(original))
            output = self.phone_classifier(self.phone_classifier.features(copy))
            parts = [
                (a - b).abs().mean() / b.abs().mean() for a, b in zip(output.hidden, target.hidden)
            ]
            wanted, found = (part.logits.log_softmax(dim=1) for part in (target, output))
            divergence = (wanted.exp() * (wanted - found)).sum(dim=1).mean()
        return {"phone_features": torch.stack(parts).mean(), "phones": divergence}
