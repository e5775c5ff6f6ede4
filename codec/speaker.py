"""The speaker encoder: whose voice a clip is, as a vector and as a short code.

Log-mel frames, ConvNeXt blocks and attentive statistics pooling (arXiv 1803.10963) make one vector
of a clip. Its leading principal axes over speakers are rounded to levels, one number an axis: a
code has no table to look vectors up in, codes near each other are voices near each other, and
every level of an axis is met by many speakers, however few there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.nn.features import magnitude, mel_filterbank
from codec.nn.layers import Conv, blocks
from codec.pretrained import Pretrained

REACH = 2.4  # standard deviations over speakers, to both sides, that the levels of an axis span
LONGEST = 30.0  # seconds of a clip that are listened to


@dataclass(frozen=True)
class SpeakerEncoderConfig:
    """Shape of the network and of its codes."""

    sample_rate: int = 16000  # Hz: most recordings of people have no more
    hop_length: int = 320  # samples
    n_fft: int = 512  # samples
    n_mels: int = 64
    dim: int = 192
    num_blocks: int = 5
    attention_dim: int = 64
    embedding_dim: int = 64
    code_length: int = 16  # axes, and numbers of a code
    code_levels: int = 16  # values of each

    def __post_init__(self) -> None:
        if not 1 <= self.code_length <= self.embedding_dim:
            raise ValueError(
                f"code_length is {self.code_length}, must lie in 1 to embedding_dim "
                f"{self.embedding_dim}"
            )
        if not 2 <= self.code_levels <= 256:
            raise ValueError(f"code_levels is {self.code_levels}, must lie in 2 to 256")


class AttentivePooling(nn.Module):
    """Frames [B,C,N] -> weighted means and standard deviations of every channel, [B,2C]."""

    def __init__(self, dim: int, attention_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(dim, attention_dim, 1)
        self.score = nn.Conv1d(attention_dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.score(self.hidden(x).tanh()).float().softmax(dim=-1)
        mean = (weights * x).sum(dim=-1)
        variance = (weights * (x - mean[..., None]).square()).sum(dim=-1)
        return torch.cat([mean, variance.clamp_min(1e-6).sqrt()], dim=1)


class SpeakerEncoder(Pretrained):
    """audio -> embedding -> code."""

    model_type, config_class = "affecttts-speaker-encoder", SpeakerEncoderConfig
    config: SpeakerEncoderConfig
    mel: Tensor
    window: Tensor
    centre: Tensor
    axes: Tensor
    spread: Tensor

    def __init__(self, config: SpeakerEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Conv(config.n_mels, config.dim, 5)
        self.blocks = blocks(config.dim, config.num_blocks)
        self.pooling = AttentivePooling(config.dim, config.attention_dim)
        self.norm = nn.LayerNorm(2 * config.dim)
        self.head = nn.Linear(2 * config.dim, config.embedding_dim)
        filters = mel_filterbank(config.n_fft, config.n_mels, config.sample_rate)
        self.register_buffer("mel", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.register_buffer("centre", torch.zeros(config.embedding_dim))
        self.register_buffer("axes", torch.eye(config.code_length, config.embedding_dim))
        self.register_buffer("spread", torch.ones(config.code_length))

    def features(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> log-mel [B,n_mels,N] less each band's mean: level and microphone are no
        part of a voice.
        """
        config = self.config
        spectrum = magnitude(audio[:, 0].float(), config.n_fft, config.hop_length, self.window)
        mel = (self.mel @ spectrum).clamp_min(1e-4).log()
        return (mel - mel.mean(dim=-1, keepdim=True)) / 2

    def forward(self, features: Tensor) -> Tensor:
        """features [B,n_mels,N] -> unit vectors [B,embedding_dim]."""
        pooled = self.pooling(self.blocks(self.stem(features)))
        return nn.functional.normalize(self.head(self.norm(pooled)).float(), dim=-1)

    @torch.no_grad()
    def embed(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] at `sample_rate` -> unit vectors [B,embedding_dim]."""
        longest = round(LONGEST * self.config.sample_rate)
        return self(self.features(audio[..., :longest]))

    # -- codes
    def set_axes(self, speakers: Tensor) -> None:
        """Take the axes of codes from the vectors [S,embedding_dim] of as many speakers as there
        are: their principal components, the widest first.
        """
        mean = speakers.mean(dim=0)
        _, values, axes = torch.linalg.svd(speakers - mean, full_matrices=True)
        count = self.config.code_length
        spread = torch.zeros(count)
        known = min(count, len(values))
        spread[:known] = values[:known] / max(1, len(speakers)) ** 0.5
        self.centre.copy_(mean)
        self.axes.copy_(axes[:count])
        self.spread.copy_(spread.clamp_min(1e-4))

    def encode(self, embedding: Tensor) -> Tensor:
        """Vectors [..,embedding_dim], such as the mean over clips of a voice -> codes int64
        [..,code_length], each number from 0 to code_levels - 1.
        """
        places = (embedding - self.centre) @ self.axes.T / self.spread
        last = self.config.code_levels - 1
        return ((places / REACH + 1) * last / 2).round().long().clamp(0, last)

    def decode(self, code: Tensor) -> Tensor:
        """codes [..,code_length] -> vectors [..,embedding_dim] at the middle of their levels."""
        places = (code * 2 / (self.config.code_levels - 1) - 1) * REACH
        return (places * self.spread) @ self.axes + self.centre
