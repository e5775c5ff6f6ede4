"""Codebooks, and what all quantisers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.distributed as dist
from torch import Tensor, nn

RESTART_SHARE = 0.1  # a code used less than this share of the uniform rate is restarted
EPSILON = 1e-5
SEARCHED_AT_ONCE = 4096  # points


@dataclass(frozen=True)
class QuantizerOutput:
    """Result of quantising latents [B,D,F] with k active codebooks."""

    quantized: Tensor  # [B,D,F], straight-through sum of all stages
    stages: tuple[Tensor, ...]  # k times [B,D,F], straight-through; stages[0] is Q1's output
    codes: Tensor  # int64 [B,k,F]
    commitment: Tensor  # scalar, summed over stages
    perplexity: Tensor  # [k], exp of the entropy of the batch's codes
    usage: Tensor  # [k], share of each book's codes that the batch uses
    restarts: Tensor  # scalar, codes restarted in this step
    codebook: Tensor | None = None  # scalar, loss of codebooks that learn by gradient


def _sum_over_processes(tensor: Tensor) -> Tensor:
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def k_means(
    points: Tensor, count: int, iterations: int, generator: torch.Generator | None = None
) -> Tensor:
    """Lloyd's algorithm. points [N,D] -> centres [count,D].

    Fewer points than centres are repeated with jitter.
    """
    spread = points.std(dim=0, keepdim=True).clamp_min(1e-6)
    picks = torch.randperm(len(points), generator=generator)
    picks = picks.repeat(-(-count // len(points)))[:count].to(points.device)
    jitter = torch.randn(count, points.shape[1], generator=generator).to(points.device)
    centres = points[picks] + 1e-3 * spread * jitter
    for _ in range(iterations):
        picks = nearest(points, centres)
        counts = torch.bincount(picks, minlength=count).to(points.dtype)
        sums = torch.zeros_like(centres).index_add_(0, picks, points)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp_min(1), centres)
    return centres


def nearest(points: Tensor, vectors: Tensor) -> Tensor:
    """Indices [N] of the vectors [K,D] that are nearest to points [N,D]."""
    lengths = vectors.square().sum(dim=1)
    return torch.cat(
        [
            (2 * part @ vectors.t() - lengths).argmax(dim=1)
            for part in points.split(SEARCHED_AT_ONCE)
        ]
    )


class Codebook(nn.Module):
    """An EMA codebook: nearest-neighbour look-up, update by counts and sums, restart of dead codes.

    One that is fitted once (`learns` is false) is stored without what only an update needs.
    """

    vectors: Tensor
    sums: Tensor
    counts: Tensor

    def __init__(self, size: int, dim: int, decay: float, learns: bool = True) -> None:
        super().__init__()
        self.size, self.decay = size, decay
        vectors = torch.randn(size, dim) * 0.1
        self.register_buffer("vectors", vectors)
        self.register_buffer("sums", vectors.clone(), persistent=learns)
        self.register_buffer("counts", torch.ones(size), persistent=learns)

    def initialise(
        self, points: Tensor, generator: torch.Generator | None = None, iterations: int = 20
    ) -> None:
        """K-means start from points [N,D]."""
        centres = k_means(points, self.size, iterations, generator)
        self.vectors.copy_(centres)
        self.counts.fill_(1.0)
        self.sums.copy_(centres)

    def nearest(self, points: Tensor) -> Tensor:
        """points [..., D] -> indices [...]."""
        return nearest(points.flatten(0, -2), self.vectors).unflatten(0, points.shape[:-1])

    @torch.no_grad()
    def update(self, points: Tensor, indices: Tensor) -> Tensor:
        """EMA step and restart of unused codes; returns how many were restarted."""
        counts = torch.bincount(indices, minlength=self.size).to(points.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, indices, points)
        self.counts.lerp_(_sum_over_processes(counts), 1 - self.decay)
        self.sums.lerp_(_sum_over_processes(sums), 1 - self.decay)
        dead = self.counts < RESTART_SHARE * self.counts.mean()
        self._restart(dead, points)
        total = self.counts.sum()
        smooth = (self.counts + EPSILON) / (total + self.size * EPSILON) * total
        self.vectors.copy_(self.sums / smooth[:, None])
        return dead.sum()

    def _restart(self, dead: Tensor, points: Tensor) -> None:
        """Set running sums and counts both, else the next division undoes the restart."""
        picks = torch.randint(len(points), (self.size,), device=points.device)
        fresh = points[picks]
        if dist.is_available() and dist.is_initialized():
            dist.broadcast(fresh, 0)
        usual = self.counts.mean()
        self.counts.copy_(torch.where(dead, usual, self.counts))
        self.sums.copy_(torch.where(dead[:, None], fresh * usual, self.sums))


def project(linear: nn.Linear, latents: Tensor) -> Tensor:
    """A linear layer over the channels of latents: [B,N,F] -> [B,D,F]."""
    return linear(latents.transpose(1, 2)).transpose(1, 2)


def projected(linear: nn.Linear, output: QuantizerOutput) -> QuantizerOutput:
    """The output of a quantiser of a space of its own, mapped by `linear`: [B,N,F] -> [B,D,F]."""
    stages = tuple(project(linear, stage) for stage in output.stages)
    return replace(output, quantized=project(linear, output.quantized), stages=stages)


def joined(outputs: Sequence[QuantizerOutput]) -> QuantizerOutput:
    """Quantisers beside one another, whose outputs [B,D,F] are added."""
    return QuantizerOutput(
        quantized=torch.stack([output.quantized for output in outputs]).sum(0),
        stages=tuple(stage for output in outputs for stage in output.stages),
        codes=torch.cat([output.codes for output in outputs], dim=1),
        commitment=torch.stack([output.commitment for output in outputs]).sum(),
        perplexity=torch.cat([output.perplexity for output in outputs]),
        usage=torch.cat([output.usage for output in outputs]),
        restarts=torch.stack([output.restarts for output in outputs]).sum(),
        codebook=outputs[0].codebook,
    )


def active_stages(
    batch: int, num_codebooks: int, dropout: float, device: torch.device, few: bool = False
) -> Tensor:
    """How many stages every item keeps, int64 [batch]: all, or a random number for a share
    `dropout`.

    It is drawn evenly, or with `few` in inverse proportion to itself.
    """
    active = torch.full((batch,), num_codebooks, device=device)
    if dropout == 0:
        return active
    counts = torch.arange(1, num_codebooks + 1, device=device)
    weights = 1 / counts if few else torch.ones_like(counts, dtype=torch.float32)
    drawn = torch.multinomial(weights, batch, replacement=True) + 1
    return torch.where(torch.rand(batch, device=device) < dropout, drawn, active)


def in_frames(values: Tensor, mask: Tensor | None) -> Tensor:
    """Values [B,F,...] at the frames of `mask`, bool [B,F]: [N,...]. None = all frames."""
    return values.flatten(0, 1) if mask is None else values[mask]


def frame_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of values [B,F,C] over channels and the frames of `mask`, bool [B,F] (None = all)."""
    if mask is None:
        return values.mean()
    return (values * mask[..., None]).sum() / (mask.sum() * values.shape[-1]).clamp_min(1)


def code_statistics(codes: Tensor, size: int, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Perplexity (1 to `size`) and share of used codes per book, [K] each.

    Args:
        codes: int64 [B,K,F].
        mask: bool [B,F], frames that count; None = all.
    """
    picks = in_frames(codes.transpose(1, 2), mask)
    counts = torch.stack([torch.bincount(book, minlength=size) for book in picks.t()]).float()
    share = counts / max(1, len(picks))
    return torch.exp(-(share * share.clamp_min(1e-10).log()).sum(1)), (counts > 0).float().mean(1)
