"""Residual vector quantiser with EMA codebooks (SoundStream arXiv 2107.03312, EnCodec arXiv 2210.13438)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from codec.config import CodecConfig

RESTART_SHARE = 0.1  # a code used less than this share of the uniform rate is restarted
EPSILON = 1e-5


@dataclass(frozen=True)
class QuantizerOutput:
    """Result of quantising latents [B,D,F] with k active codebooks."""

    quantized: Tensor  # [B,D,F], straight-through sum of all stages
    stages: tuple[Tensor, ...]  # k times [B,D,F]: straight-through output of each stage; stages[0] is Q1
    codes: Tensor  # int64 [B,k,F]
    commitment: Tensor  # scalar, summed over stages
    perplexity: Tensor  # [k], exp of the entropy of the batch's codes
    restarts: Tensor  # scalar, codes restarted in this step
    codebook: Tensor | None = None  # scalar, pulls codebooks to the latents where they learn by gradient


def _sum_over_processes(tensor: Tensor) -> Tensor:
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def k_means(points: Tensor, count: int, iterations: int, generator: torch.Generator | None = None) -> Tensor:
    """Lloyd's algorithm. points [N,D] -> centres [count,D]; with fewer points than centres, jittered copies."""
    spread = points.std(dim=0, keepdim=True).clamp_min(1e-6)
    picks = torch.randperm(len(points), generator=generator)
    picks = picks.repeat(-(-count // len(points)))[:count].to(points.device)
    jitter = torch.randn(count, points.shape[1], generator=generator).to(points.device)
    centres = points[picks] + 1e-3 * spread * jitter
    for _ in range(iterations):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=count).to(points.dtype)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp_min(1), centres)
    return centres


class Codebook(nn.Module):
    """One EMA codebook: nearest neighbour look-up, update by counts and sums, restart of dead codes."""

    def __init__(self, size: int, dim: int, decay: float) -> None:
        super().__init__()
        self.size, self.decay = size, decay
        vectors = torch.randn(size, dim) * 0.1
        self.register_buffer("vectors", vectors)
        self.register_buffer("sums", vectors.clone())
        self.register_buffer("counts", torch.ones(size))

    def initialise(self, points: Tensor, generator: torch.Generator | None = None) -> None:
        """K-means start from points [N,D]."""
        centres = k_means(points, self.size, iterations=20, generator=generator)
        self.vectors.copy_(centres)
        self.counts.fill_(1.0)
        self.sums.copy_(centres)

    def nearest(self, points: Tensor) -> Tensor:
        """points [N,D] -> indices [N]."""
        return (points @ self.vectors.t() * 2 - self.vectors.pow(2).sum(dim=1)).argmax(dim=1)

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
        """Both the running sum and the running count are set, else the next division undoes the restart."""
        picks = torch.randint(len(points), (self.size,), device=points.device)
        fresh = points[picks]
        if dist.is_available() and dist.is_initialized():
            dist.broadcast(fresh, 0)
        usual = self.counts.mean()
        self.counts.copy_(torch.where(dead, usual, self.counts))
        self.sums.copy_(torch.where(dead[:, None], fresh * usual, self.sums))


class ResidualQuantizer(nn.Module):
    """K codebooks, each quantising what the earlier ones left."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.dropout = config.quantizer_dropout
        self.codebooks = nn.ModuleList(
            Codebook(config.codebook_size, config.latent_dim, config.ema_decay) for _ in range(config.num_codebooks)
        )

    @torch.no_grad()
    def initialise(self, latents: Tensor, generator: torch.Generator | None = None) -> None:
        """K-means start of every stage on the residuals of latents [B,D,F]."""
        residual = latents.float().transpose(1, 2).flatten(0, 1)
        for codebook in self.codebooks:
            codebook.initialise(residual, generator)
            residual = residual - codebook.vectors[codebook.nearest(residual)]

    def forward(self, latents: Tensor, num_codebooks: int | None = None) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training the codebooks learn and items lose their last stages at random."""
        with torch.autocast(latents.device.type, enabled=False):
            return self._quantize(latents.float(), num_codebooks or len(self.codebooks))

    def _quantize(self, latents: Tensor, num_codebooks: int) -> QuantizerOutput:
        batch, dim, frames = latents.shape
        active = active_stages(batch, num_codebooks, self.dropout if self.training else 0.0, latents.device)
        residual, total = latents, torch.zeros_like(latents)
        stages, codes, losses, perplexities = [], [], [], []
        restarts = torch.zeros((), device=latents.device)
        for index, codebook in enumerate(self.codebooks[:num_codebooks]):
            points = residual.transpose(1, 2).reshape(-1, dim)
            picks = codebook.nearest(points.detach())
            vectors = codebook.vectors[picks].view(batch, frames, dim).transpose(1, 2)
            keep = (active > index).to(latents.dtype)[:, None, None]
            losses.append(((residual - vectors.detach()).pow(2) * keep).mean())
            stages.append(residual + (vectors - residual).detach())
            total = total + vectors.detach() * keep
            if self.training:
                restarts = restarts + codebook.update(points.detach(), picks)
            perplexities.append(perplexity(picks, codebook.size))
            codes.append(picks.view(batch, frames))
            residual = residual - vectors.detach()
        quantized = latents + (total - latents).detach()
        return QuantizerOutput(
            quantized, tuple(stages), torch.stack(codes, dim=1), torch.stack(losses).sum(), torch.stack(perplexities), restarts
        )

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        vectors = [book.vectors[codes[:, k]] for k, book in enumerate(self.codebooks[: codes.shape[1]])]
        return torch.stack(vectors).sum(dim=0).transpose(1, 2)


    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [codebook_size, D] per book."""
        return [book.vectors for book in self.codebooks]


def active_stages(batch: int, num_codebooks: int, dropout: float, device: torch.device) -> Tensor:
    """How many stages every item keeps, int64 [batch]: all of them, or for a share `dropout` a number drawn evenly."""
    active = torch.full((batch,), num_codebooks, device=device)
    if dropout == 0:
        return active
    drawn = torch.randint(1, num_codebooks + 1, (batch,), device=device)
    return torch.where(torch.rand(batch, device=device) < dropout, drawn, active)


def perplexity(picks: Tensor, size: int) -> Tensor:
    """Exp of the entropy of codes int64 [N], a scalar between 1 and `size`."""
    share = torch.bincount(picks, minlength=size).float() / len(picks)
    return torch.exp(-(share * share.clamp_min(1e-10).log()).sum())
