"""Residual vector quantiser with EMA codebooks (SoundStream arXiv 2107.03312, EnCodec arXiv
2210.13438).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.quantize.base import (
    SEARCHED_AT_ONCE,
    Codebook,
    QuantizerOutput,
    active_stages,
    code_statistics,
    frame_mean,
    in_frames,
)


class ResidualQuantizer(nn.Module):
    """K codebooks, each quantising what the earlier ones left."""

    def __init__(self, config: CodecConfig, learns: bool = True) -> None:
        super().__init__()
        self.dropout, self.size = config.quantizer_dropout, config.codebook_size
        shape = (config.codebook_size, config.latent_dim, config.ema_decay, learns)
        self.codebooks = nn.ModuleList(Codebook(*shape) for _ in range(config.num_codebooks))

    def books(self, count: int | None = None) -> list[Codebook]:
        """The first `count` codebooks; None = all."""
        return cast("list[Codebook]", list(self.codebooks)[:count])

    @torch.no_grad()
    def initialise(
        self,
        latents: Tensor,
        generator: torch.Generator | None = None,
        mask: Tensor | None = None,
        progress: Callable[[Iterable[Codebook]], Iterable[Codebook]] = iter,
        iterations: int = 20,
    ) -> None:
        """K-means start of every stage on what the earlier ones leave of the latents.

        Args:
            latents: [B,D,F].
            mask: bool [B,F], frames that count; None = all.
            progress: goes around the codebooks, as tqdm does.
            iterations: of k-means.
        """
        residual = in_frames(latents.float().transpose(1, 2), mask)
        for codebook in progress(self.books()):
            codebook.initialise(residual, generator, iterations)
            residual = residual - codebook.vectors[codebook.nearest(residual)]

    def forward(
        self, latents: Tensor, num_codebooks: int | None = None, mask: Tensor | None = None
    ) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training the codebooks learn and items lose their last
        stages at random.

        Frames outside `mask`, bool [B,F], are quantised too, but count for no codebook, loss or
        statistic.
        """
        with torch.autocast(latents.device.type, enabled=False):
            return self._quantize(latents.float(), num_codebooks or len(self.codebooks), mask)

    def _quantize(
        self, latents: Tensor, num_codebooks: int, mask: Tensor | None
    ) -> QuantizerOutput:
        active = active_stages(
            len(latents), num_codebooks, self.dropout if self.training else 0.0, latents.device
        )
        residual, total = latents, torch.zeros_like(latents)
        stages, codes, losses = [], [], []
        restarts = torch.zeros((), device=latents.device)
        for index, codebook in enumerate(self.books(num_codebooks)):
            points = residual.detach().transpose(1, 2)
            picks = codebook.nearest(points)
            vectors = codebook.vectors[picks].transpose(1, 2)
            keep = (active > index).to(latents.dtype)[:, None, None]
            losses.append(frame_mean(((residual - vectors).pow(2) * keep).transpose(1, 2), mask))
            stages.append(residual + (vectors - residual).detach())
            total = total + vectors * keep
            if self.training:
                restarts = restarts + codebook.update(
                    in_frames(points, mask), in_frames(picks, mask)
                )
            codes.append(picks)
            residual = residual - vectors
        quantized, picked = latents + (total - latents).detach(), torch.stack(codes, dim=1)
        perplexity, usage = code_statistics(picked, self.size, mask)
        commitment = torch.stack(losses).sum()
        return QuantizerOutput(
            quantized, tuple(stages), picked, commitment, perplexity, usage, restarts
        )

    @torch.no_grad()
    def search(self, latents: Tensor, num_codebooks: int, beam: int) -> Tensor:
        """latents [B,D,F] -> codes int64 [B,k,F] by a beam search over sums of code vectors.

        With a beam of 1 these are the codes of `forward` (M-best search: Barnes, Rizvi and
        Nasrabadi 1996, "Advances in residual vector quantization: a review").
        """
        points = latents.float().transpose(1, 2)
        parts = points.flatten(0, 1).split(max(1, SEARCHED_AT_ONCE // beam))
        found = torch.cat([self._best_sums(part, num_codebooks, beam) for part in parts])
        return found.unflatten(0, points.shape[:2]).transpose(1, 2)

    def _best_sums(self, points: Tensor, num_codebooks: int, beam: int) -> Tensor:
        """points [N,D] -> codes int64 [N,k]."""
        left = points[:, None]
        codes = torch.zeros(len(points), 1, 0, dtype=torch.long, device=points.device)
        for codebook in self.books(num_codebooks):
            lengths = left.square().sum(dim=-1, keepdim=True) + codebook.vectors.square().sum(dim=1)
            distances = (lengths - 2 * left @ codebook.vectors.t()).flatten(1)
            best = distances.topk(min(beam, distances.shape[1]), dim=1, largest=False).indices
            hypotheses, picks = best // codebook.size, best % codebook.size
            left = _of_each(left, hypotheses) - codebook.vectors[picks]
            codes = torch.cat([_of_each(codes, hypotheses), picks[..., None]], dim=-1)
        return codes[:, 0]

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        books = self.books(codes.shape[1])
        vectors = [book.vectors[codes[:, k]] for k, book in enumerate(books)]
        return torch.stack(vectors).sum(dim=0).transpose(1, 2)

    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [codebook_size, D] per book."""
        return [book.vectors for book in self.books()]


def _of_each(values: Tensor, places: Tensor) -> Tensor:
    """Values [N,H,C] at places int64 [N,B]: [N,B,C]."""
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[2]))
