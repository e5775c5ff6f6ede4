"""Alternatives to the cross-attention of module 1: latents [B,F,D], features [B,F,E] -> [B,F,M]."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.attention import WindowedAttention


class SelfAttention(nn.Module):
    """Control: latents attend to themselves; the teacher's features are not read."""

    def __init__(self, config: CodecConfig, features: int) -> None:
        super().__init__()
        dim = config.latent_dim
        self.attention = WindowedAttention(
            dim, dim, config.modulation_dim, config.modulation_heads, config.modulation_window
        )

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        return self.attention(latents, latents)


class Addition(nn.Module):
    """The teacher's features of the frame itself, linearly."""

    def __init__(self, config: CodecConfig, features: int) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, config.modulation_dim)
        )

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        return self.project(features)


class Concatenation(nn.Module):
    """Latents beside convolved features of the teacher, through one layer (in the line of X-Codec,
    arXiv 2408.17175).
    """

    def __init__(self, config: CodecConfig, features: int) -> None:
        super().__init__()
        width = config.modulation_dim
        self.features = nn.Conv1d(features, width, 3, padding=1)
        self.norm = nn.LayerNorm(config.latent_dim + width)
        self.project = nn.Linear(config.latent_dim + width, width)

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        beside = self.features(features.transpose(1, 2)).transpose(1, 2)
        return nn.functional.gelu(self.project(self.norm(torch.cat([latents, beside], dim=-1))))


class AttentionPool(nn.Module):
    """One vector for a sequence: a softmax-weighted mean of its frames. [B,F,M] -> [B,1,M]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm, self.score = nn.LayerNorm(features), nn.Linear(features, 1)

    def forward(self, features: Tensor) -> Tensor:
        features = self.norm(features)
        return (self.score(features).softmax(dim=1) * features).sum(dim=1, keepdim=True)


class Film(nn.Module):
    """scale(e) * P z + shift(e), e pooled from the teacher's frames (FiLM, arXiv 1709.07871)."""

    def __init__(self, config: CodecConfig, features: int) -> None:
        super().__init__()
        self.pool = AttentionPool(features)
        self.latents = nn.Linear(config.latent_dim, config.modulation_dim, bias=False)
        self.scale_shift = nn.Linear(features, 2 * config.modulation_dim)

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        scale, shift = self.scale_shift(self.pool(features)).chunk(2, dim=-1)
        return scale * self.latents(latents) + shift


class EmotionBlock(nn.Module):
    """For bd_rfsq: emotion features of the frame go to the emotion channels, and the pooled ones
    scale and shift the others (CEM of arXiv 2605.23373). Its output is as wide as the latents.
    """

    def __init__(self, config: CodecConfig, features: int) -> None:
        super().__init__()
        self.channels = config.emotion_channels
        self.norm = nn.LayerNorm(features)
        self.emotion = nn.Linear(features, self.channels)
        self.pool = AttentionPool(features)
        self.scale_shift = nn.Linear(features, 2 * (config.latent_dim - self.channels))

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        scale, shift = self.scale_shift(self.pool(features)).chunk(2, dim=-1)
        return torch.cat(
            [self.emotion(self.norm(features)), scale * latents[..., self.channels :] + shift],
            dim=-1,
        )
