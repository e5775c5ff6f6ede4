"""The first codebook beside a residual quantiser of the others, so that distillation into it costs
them nothing (Mimi, in Moshi, arXiv 2410.00037).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.quantize.base import QuantizerOutput, joined, project, projected
from codec.quantize.residual import ResidualQuantizer


class SplitQuantizer(nn.Module):
    """Both halves read the latents through a projection, and their projected outputs are added.

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

    def _halves(self) -> list[tuple[ResidualQuantizer, nn.Linear, nn.Linear]]:
        """Both quantisers with the projections into and out of their space."""
        inward, outward = (cast("list[nn.Linear]", list(x)) for x in (self.inward, self.outward))
        return list(zip((self.first, self.rest), inward, outward))

    @torch.no_grad()
    def initialise(
        self, latents: Tensor, generator: torch.Generator | None = None, mask: Tensor | None = None
    ) -> None:
        """K-means start of every stage from latents [B,D,F] at the frames of `mask`, bool [B,F]."""
        for half, inward, _ in self._halves():
            half.initialise(project(inward, latents.float()), generator, mask)

    def forward(
        self, latents: Tensor, num_codebooks: int | None = None, mask: Tensor | None = None
    ) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training the codebooks learn and items lose their last
        stages at random.

        `mask`: as in ResidualQuantizer.
        """
        with torch.autocast(latents.device.type, enabled=False):
            latents, counts = latents.float(), self._counts(num_codebooks)
            return joined(
                [
                    projected(outward, half(project(inward, latents), count, mask))
                    for count, (half, inward, outward) in zip(counts, self._halves())
                    if count
                ]
            )

    def _counts(self, num_codebooks: int | None) -> tuple[int, int]:
        return 1, (len(self.rest.codebooks) if num_codebooks is None else num_codebooks - 1)

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        (first, _, outward), (rest, _, rest_outward) = self._halves()
        latents = project(outward, first.lookup(codes[:, :1]))
        if codes.shape[1] == 1:
            return latents
        return latents + project(rest_outward, rest.lookup(codes[:, 1:]))

    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [codebook_size, D] per book."""
        return [
            outward(vectors).detach()
            for half, _, outward in self._halves()
            for vectors in half.code_vectors()
        ]
