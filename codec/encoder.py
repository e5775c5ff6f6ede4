"""Encoder: features at 100 Hz -> latents at the codec frame rate."""

from __future__ import annotations

from torch import Tensor, nn

from codec.config import CodecConfig
from codec.features import EncoderFeatures
from codec.layers import blocks


class Encoder(nn.Module):
    """audio [B,1,T] -> latents [B,D,F], F = T // samples_per_frame."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        stride = config.frame_stride
        self.features = EncoderFeatures(config)
        self.stem = nn.Conv1d(self.features.num_features, config.stem_dim, 5, padding=2)
        self.stem_blocks = blocks(config.stem_dim, config.stem_blocks)
        self.downsample = nn.Conv1d(config.stem_dim, config.encoder_dim, stride, stride=stride)
        self.blocks = blocks(config.encoder_dim, config.encoder_blocks)
        self.norm = nn.LayerNorm(config.encoder_dim)
        self.project = nn.Linear(config.encoder_dim, config.latent_dim)

    def forward(self, audio: Tensor) -> Tensor:
        hidden = self.stem_blocks(self.stem(self.features(audio)))
        hidden = self.blocks(self.downsample(hidden))
        return self.project(self.norm(hidden.transpose(1, 2))).transpose(1, 2)
