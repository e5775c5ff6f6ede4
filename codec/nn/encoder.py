"""Encoder that works at frame rate: spectral features -> latents at the codec frame rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.features import EncoderFeatures
from codec.nn.layers import Conv, FixedLinear, blocks

SIDE = 2  # feature frames to either side of a codec frame that the linear path reads


class Encoder(nn.Module):
    """audio [B,1,T] -> hidden frames [B,C,F] -> latents [B,D,F], F = T // samples_per_frame.

    An encoder of cepstra has a linear path from the features to the latents beside the deep one,
    which starts at nothing: see codec/training/linear_start.py.
    """

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
        self.linear = None
        if config.encoder_spectrum == "cepstrum":
            size = stride + 2 * SIDE
            self.linear = FixedLinear(self.features.num_features, config.latent_dim, size, stride)
            nn.init.zeros_(self.project.weight)
            nn.init.zeros_(self.project.bias)

    def hidden(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> the last hidden layer, [B, config.hidden_dim, F]; behind it what the
        linear path adds to the latents.
        """
        features = self.features(audio)
        deep = self.blocks(self.downsample(self.stem_blocks(self.stem(features))))
        return deep if self.linear is None else torch.cat([deep, self.linear(features)], dim=1)

    def latents(self, hidden: Tensor) -> Tensor:
        """[B, config.hidden_dim, F] -> [B,D,F]."""
        deep = hidden[:, : self.norm.normalized_shape[0]]
        latents = self.project(self.norm(deep.transpose(1, 2))).transpose(1, 2)
        return latents if self.linear is None else latents + hidden[:, deep.shape[1] :]

    def forward(self, audio: Tensor) -> Tensor:
        return self.latents(self.hidden(audio))
