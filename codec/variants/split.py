"""The first codebook apart from a residual quantiser of the others, so that what is distilled into
it costs them nothing (Mimi, in Moshi, arXiv 2410.00037).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.quantize.base import QuantizerOutput, joined, project, projected
from codec.quantize.residual import ResidualQuantizer


class SplitQuantizer(nn.Module):
    """Both halves read the latents through a projection of their own, and their projected outputs
    are added.

    Quantiser dropout leaves the first book and at least one of the others.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.first = ResidualQuantizer(replace(config, quantizer="rvq_ema", num_codebooks=1))
        self.rest = ResidualQuantizer(
            replace(config, quantizer="rvq_ema", num_codebooks=config.num_codebooks - 1)
        )
        dim = config.latent_dim
        self.inward = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(2))
        self.outward = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(2))

    @torch.no_grad()
    def initialise(
        self, latents: Tensor, generator: torch.Generator | None = None, mask: Tensor | None = None
    ) -> None:
        """K-means start of every stage from latents [B,D,F] at the frames of `mask`, bool [B,F]."""
        for half, inward in zip((self.first, self.rest), self.inward):
            half.initialise(project(inward, latents.float()), generator, mask)

    def forward(
        self, latents: Tensor, num_codebooks: int | None = None, mask: Tensor | None = None
    ) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training the codebooks learn and items lose their last
        stages at random.

        `mask`: as ResidualQuantizer's.
        """
        with torch.autocast(latents.device.type, enabled=False):
            latents, outputs = latents.float(), []
            parts = zip(
                (self.first, self.rest), self._counts(num_codebooks), self.inward, self.outward
            )
            for half, count, inward, outward in parts:
                if count:
                    outputs.append(projected(outward, half(project(inward, latents), count, mask)))
            return joined(outputs)

    def _counts(self, num_codebooks: int | None) -> tuple[int, int]:
        return 1, (len(self.rest.codebooks) if num_codebooks is None else num_codebooks - 1)

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        latents = project(self.outward[0], self.first.lookup(codes[:, :1]))
        return (
            latents
            if codes.shape[1] == 1
            else latents + project(self.outward[1], self.rest.lookup(codes[:, 1:]))
        )

    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [codebook_size, D] per book."""
        halves = zip((self.first, self.rest), self.outward)
        return [
            outward(vectors).detach() for half, outward in halves for vectors in half.code_vectors()
        ]
