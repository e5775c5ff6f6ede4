"""The last codebooks of a layered codec: what the first ones, made for a language model, leave out.

Scalable coding: the codes of the base layer stay as they are, with or without the detail, so a codec can be given detail after
a language model has learned its codes.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from codec.config import CodecConfig
from codec.encoder import Encoder
from codec.quantizer import QuantizerOutput, ResidualQuantizer, project, projected


class Detail(nn.Module):
    """A second encoder and a residual quantiser in a space of their own; what they say is added to the base layer's latents.

    The space is narrow and its scale is fixed, so that latents cannot run away from their codebooks; what is said out loud is
    up to the projection back.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim, narrow = config.detail_dim, config.detail_latent_dim
        shape = replace(config, stem_dim=dim, encoder_dim=dim, encoder_blocks=config.detail_blocks, latent_dim=narrow)
        self.encoder = Encoder(shape)
        self.norm = nn.LayerNorm(narrow, elementwise_affine=False)
        self.quantizer = ResidualQuantizer(replace(shape, num_codebooks=config.detail_codebooks))
        self.outward = nn.Linear(narrow, config.latent_dim, bias=False)
        nn.init.zeros_(self.outward.weight)  # a fresh one changes nothing

    def latents(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] of whole frames -> latents [B,N,F] of unit variance in every frame, before the quantiser."""
        return self.norm(self.encoder(audio).transpose(1, 2)).transpose(1, 2)

    def project(self, latents: Tensor) -> Tensor:
        """[B,N,F] -> what is added to the base layer's latents, [B,D,F]."""
        return project(self.outward, latents)

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> [B,D,F]; equals `forward(...).quantized` in evaluation."""
        return self.project(self.quantizer.lookup(codes))

    def forward(self, audio: Tensor, num_codebooks: int, mask: Tensor | None = None) -> QuantizerOutput:
        """audio [B,1,T] of whole frames -> its first `num_codebooks` codes int64 [B,k,F] and what they add to the latents,
        [B,D,F]; `mask` as ResidualQuantizer's."""
        return projected(self.outward, self.quantizer(self.latents(audio), num_codebooks, mask))
