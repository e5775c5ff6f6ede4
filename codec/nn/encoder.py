"""Encoder that works at frame rate: spectral features -> latents at the codec frame rate."""

from __future__ import annotations

from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.features import EncoderFeatures
from codec.nn.layers import Conv, blocks


class Encoder(nn.Module):
    """audio [B,1,T] -> hidden frames [B,C,F] -> latents [B,D,F], F = T // samples_per_frame."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        stride = config.frame_stride
        self.features = EncoderFeatures(config)
        self.stem = Conv(self.features.num_features, config.stem_dim, 5)
        self.stem_blocks = blocks(config.stem_dim, config.stem_blocks)
        self.downsample = nn.Conv1d(config.stem_dim, config.encoder_dim, stride, stride=stride)
        self.blocks = blocks(config.encoder_dim, config.encoder_blocks)
        self.norm = nn.LayerNorm(config.encoder_dim)
        self.project = nn.Linear(config.encoder_dim, config.latent_dim)

    def hidden(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> the last hidden layer, [B, config.hidden_dim, F]."""
        return self.blocks(self.downsample(self.stem_blocks(self.stem(self.features(audio)))))

    def latents(self, hidden: Tensor) -> Tensor:
        """[B, config.hidden_dim, F] -> [B,D,F]."""
        return self.project(self.norm(hidden.transpose(1, 2))).transpose(1, 2)

    def forward(self, audio: Tensor) -> Tensor:
        return self.latents(self.hidden(audio))
