"""The last codebooks of a layered codec: what the first ones, made for a language model, leave out.

Scalable coding: the codes of the base layer stay as they are, with or without the detail, so a codec can be given detail after
a language model has learned its codes.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from codec.config import CodecConfig
from codec.encoder import Encoder
from codec.quantizer import QuantizerOutput, ResidualQuantizer


class Detail(nn.Module):
    """A second encoder with a residual quantiser of its own; what it says is added to the base layer's latents."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim = config.detail_dim
        self.encoder = Encoder(replace(config, stem_dim=dim, encoder_dim=dim, encoder_blocks=config.detail_blocks))
        self.quantizer = ResidualQuantizer(replace(config, num_codebooks=config.detail_codebooks))
        nn.init.zeros_(self.encoder.project.weight)  # a fresh one changes nothing
        nn.init.zeros_(self.encoder.project.bias)

    def forward(self, audio: Tensor, num_codebooks: int, mask: Tensor | None = None) -> QuantizerOutput:
        """audio [B,1,T] of whole frames -> its first `num_codebooks` codes; `mask` as ResidualQuantizer's."""
        return self.quantizer(self.encoder(audio), num_codebooks, mask)
