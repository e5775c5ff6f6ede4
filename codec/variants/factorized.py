"""Residual quantiser with factorised, normalised codes that learn by gradient (DAC, arXiv
2306.06546).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, normalize
from torch.nn.utils.parametrizations import weight_norm

from codec.config import CodecConfig
from codec.quantize.base import (
    QuantizerOutput,
    active_stages,
    code_statistics,
    frame_mean,
    in_frames,
    k_means,
)


class FactorizedCodebook(nn.Module):
    """Looks points up by cosine in a few dimensions."""

    def __init__(self, size: int, dim: int, code_dim: int) -> None:
        super().__init__()
        self.size = size
        self.inward = weight_norm(nn.Linear(dim, code_dim))
        self.outward = weight_norm(nn.Linear(code_dim, dim))
        self.vectors = nn.Parameter(torch.randn(size, code_dim))

    def nearest(self, codes: Tensor) -> Tensor:
        """Projected points [..., code_dim] -> indices [...]."""
        return (normalize(codes, dim=-1) @ normalize(self.vectors, dim=-1).t()).argmax(dim=-1)

    @torch.no_grad()
    def initialise(self, points: Tensor, generator: torch.Generator | None) -> None:
        """K-means start from points [N,D], by direction."""
        codes = self.inward(points)
        self.vectors.copy_(
            k_means(normalize(codes, dim=-1), self.size, 20, generator) * codes.norm(dim=-1).mean()
        )


class FactorizedQuantizer(nn.Module):
    """K factorised codebooks, each quantising what the earlier ones left.

    The residual is not detached, as in DAC: with learned projections it still carries gradient, and
    a sum of detached stages would multiply the gradient of the latents by K.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.dropout, self.size = config.quantizer_dropout, config.codebook_size
        self.codebooks = nn.ModuleList(
            FactorizedCodebook(config.codebook_size, config.latent_dim, config.code_dim)
            for _ in range(config.num_codebooks)
        )

    def books(self, count: int | None = None) -> list[FactorizedCodebook]:
        """The first `count` codebooks; None = all."""
        return cast("list[FactorizedCodebook]", list(self.codebooks)[:count])

    @torch.no_grad()
    def initialise(
        self, latents: Tensor, generator: torch.Generator | None = None, mask: Tensor | None = None
    ) -> None:
        """K-means start of every stage on what the earlier ones leave of latents [B,D,F].

        `mask`, bool [B,F]: frames that count; None = all.
        """
        residual = in_frames(latents.float().transpose(1, 2), mask)
        for book in self.books():
            book.initialise(residual, generator)
            residual = residual - book.outward(book.vectors[book.nearest(book.inward(residual))])

    def forward(
        self, latents: Tensor, num_codebooks: int | None = None, mask: Tensor | None = None
    ) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training items lose their last stages at random.

        `mask`: as in ResidualQuantizer.
        """
        with torch.autocast(latents.device.type, enabled=False):
            return self._quantize(latents.float(), num_codebooks or len(self.codebooks), mask)

    def _quantize(
        self, latents: Tensor, num_codebooks: int, mask: Tensor | None
    ) -> QuantizerOutput:
        batch, device = latents.shape[0], latents.device
        active = active_stages(batch, num_codebooks, self.dropout if self.training else 0.0, device)
        residual = latents.transpose(1, 2)
        stages: list[Tensor] = []
        picks: list[Tensor] = []
        commitment = codebook = latents.new_zeros(())
        total = torch.zeros_like(residual)
        for index, book in enumerate(self.books(num_codebooks)):
            keep = (active > index).to(latents.dtype)[:, None, None]
            codes = book.inward(residual)
            picks.append(book.nearest(codes.detach()))
            vectors = book.vectors[picks[-1]]
            commitment = commitment + frame_mean(
                mse_loss(codes, vectors.detach(), reduction="none") * keep, mask
            )
            codebook = codebook + frame_mean(
                mse_loss(vectors, codes.detach(), reduction="none") * keep, mask
            )
            stage = book.outward(codes + (vectors - codes).detach())
            stages.append(stage.transpose(1, 2))
            total, residual = total + stage * keep, residual - stage
        picked, none = torch.stack(picks, dim=1), torch.zeros((), device=device)
        statistics = code_statistics(picked, self.size, mask)
        return QuantizerOutput(
            total.transpose(1, 2), tuple(stages), picked, commitment, *statistics, none, codebook
        )

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        parts = [
            book.outward(book.vectors[codes[:, k]])
            for k, book in enumerate(self.books(codes.shape[1]))
        ]
        return torch.stack(parts).sum(dim=0).transpose(1, 2)

    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [codebook_size, D] per book."""
        return [book.outward(book.vectors).detach() for book in self.books()]
