"""Block-diagonal residual finite scalar quantiser, BD-RFSQ (arXiv 2605.23373), in which emotion and
acoustics never mix.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from codec.config import FSQ_SIZE, CodecConfig
from codec.quantize.base import (
    QuantizerOutput,
    active_stages,
    code_statistics,
    frame_mean,
    in_frames,
)

EMOTION_LEVELS = (2, 2, 2)
ACOUSTIC_LEVELS = (4, 4, 4, 4, 4, 4)
LEVELS = EMOTION_LEVELS + ACOUSTIC_LEVELS
EMOTION_CODES = math.prod(EMOTION_LEVELS)  # a code modulo this is its emotion part
LEAST_SCALE = 0.1
assert math.prod(LEVELS) == FSQ_SIZE


def finite_scalar(z: Tensor, levels: Tensor) -> Tensor:
    """Round tanh z to `levels` evenly spaced values in -1..1, ends included, straight-through.

    Symmetric also for two levels, where the usual offset of FSQ (arXiv 2309.15505) would saturate.
    """
    steps = levels - 1
    position = steps * (torch.tanh(z) + 1) / 2
    return 2 / steps * (position + (position.round() - position).detach()) - 1


class FsqStage(nn.Module):
    """One stage: both blocks projected to a few scalars of their own, rounded, projected back."""

    levels: Tensor
    places: Tensor

    def __init__(self, dim: int, emotion_channels: int) -> None:
        super().__init__()
        self.sizes = emotion_channels, dim - emotion_channels
        self.counts = len(EMOTION_LEVELS), len(ACOUSTIC_LEVELS)
        pairs = list(zip(self.sizes, self.counts))
        self.inward = nn.ModuleList(
            weight_norm(nn.Linear(size, count, bias=False)) for size, count in pairs
        )
        self.outward = nn.ModuleList(
            weight_norm(nn.Linear(count, size, bias=False)) for size, count in pairs
        )
        start = math.log(math.expm1(1 - LEAST_SCALE))  # a scale of 1
        self.log_scale = nn.Parameter(torch.full((len(LEVELS),), start))
        self.bias = nn.Parameter(torch.zeros(len(LEVELS)))
        self.register_buffer("levels", torch.tensor(LEVELS, dtype=torch.float32), persistent=False)
        places = torch.tensor([math.prod(LEVELS[:i]) for i in range(len(LEVELS))])
        self.register_buffer("places", places, persistent=False)

    @property
    def scale(self) -> Tensor:
        """[9], positive."""
        return nn.functional.softplus(self.log_scale) + LEAST_SCALE

    def project(self, residual: Tensor) -> Tensor:
        """[..., D] -> [..., 9], block by block."""
        parts = zip(self.inward, residual.split(self.sizes, dim=-1))
        return torch.cat([inward(part) for inward, part in parts], dim=-1)

    def expand(self, values: Tensor) -> Tensor:
        """Rounded values [..., 9] in -1..1 -> [..., D], block by block."""
        values = values / self.scale + self.bias
        parts = zip(self.outward, values.split(self.counts, dim=-1))
        return torch.cat([outward(part) for outward, part in parts], dim=-1)

    def forward(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        """[..., D] -> the same quantised, with straight-through gradient, and codes int64 [...]."""
        values = finite_scalar(self.scale * (self.project(residual) - self.bias), self.levels)
        digits = ((values.detach() + 1) / 2 * (self.levels - 1)).round().long()
        return self.expand(values), (digits * self.places).sum(-1)

    def decode(self, codes: Tensor) -> Tensor:
        """int64 [...] -> [..., D]."""
        digits = codes[..., None] // self.places % self.levels.long()
        return self.expand(2 / (self.levels - 1) * digits - 1)

    @torch.no_grad()
    def initialise(self, points: Tensor) -> None:
        """Scale and bias from the spread and mean of projected points [N,D]; tanh then covers one
        standard deviation.
        """
        values = self.project(points)
        self.bias.copy_(values.mean(0))
        scale = (1 / values.std(0).clamp_min(1e-3) - LEAST_SCALE).clamp(1e-3, 50.0)
        self.log_scale.copy_(torch.log(torch.expm1(scale)))


class BlockDiagonalFSQ(nn.Module):
    """K stages, each quantising what the earlier ones left.

    The first quarter of the channels is the emotion block, the rest acoustics: by induction no
    stage lets one depend on the other. Quantiser dropout favours few stages.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.dropout = config.quantizer_dropout
        self.stages = nn.ModuleList(
            FsqStage(config.latent_dim, config.emotion_channels)
            for _ in range(config.num_codebooks)
        )

    def active(self, count: int | None = None) -> list[FsqStage]:
        """The first `count` stages; None = all."""
        return cast("list[FsqStage]", list(self.stages)[:count])

    @torch.no_grad()
    def initialise(
        self, latents: Tensor, generator: torch.Generator | None = None, mask: Tensor | None = None
    ) -> None:
        """Scales and biases of every stage from latents [B,D,F]; nothing is random.

        `mask`, bool [B,F]: frames that count; None = all.
        """
        residual = in_frames(latents.float().transpose(1, 2), mask)
        for stage in self.active():
            stage.initialise(residual)
            residual = residual - stage(residual)[0]

    def forward(
        self, latents: Tensor, num_codebooks: int | None = None, mask: Tensor | None = None
    ) -> QuantizerOutput:
        """Quantise latents [B,D,F]; in training items lose their last stages at random.

        `mask`: as in ResidualQuantizer.
        """
        with torch.autocast(latents.device.type, enabled=False):
            return self._quantize(latents.float(), num_codebooks or len(self.stages), mask)

    def _quantize(
        self, latents: Tensor, num_codebooks: int, mask: Tensor | None
    ) -> QuantizerOutput:
        dropout = self.dropout if self.training else 0.0
        active = active_stages(len(latents), num_codebooks, dropout, latents.device, few=True)
        residual, total = latents.transpose(1, 2), torch.zeros_like(latents.transpose(1, 2))
        outputs: list[Tensor] = []
        codes: list[Tensor] = []
        commitment = latents.new_zeros(())
        for index, stage in enumerate(self.active(num_codebooks)):
            keep = (active > index).to(latents.dtype)[:, None, None]
            quantized, picks = stage(residual)
            commitment = commitment + frame_mean(
                (residual - quantized.detach()).square() * keep, mask
            )
            outputs.append(quantized.transpose(1, 2))
            codes.append(picks)
            total, residual = total + quantized * keep, residual - quantized.detach()
        picked, none = torch.stack(codes, dim=1), torch.zeros_like(commitment)
        statistics = code_statistics(picked, FSQ_SIZE, mask)
        return QuantizerOutput(
            total.transpose(1, 2), tuple(outputs), picked, commitment, *statistics, none
        )

    def lookup(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,F] -> latents [B,D,F]; equals `forward(...).quantized` in evaluation."""
        parts = [stage.decode(codes[:, k]) for k, stage in enumerate(self.active(codes.shape[1]))]
        return torch.stack(parts).sum(dim=0).transpose(1, 2)

    def code_vectors(self) -> list[Tensor]:
        """What every code adds to the latents: [2^15, D] per stage."""
        stages = self.active()
        every = torch.arange(FSQ_SIZE, device=stages[0].bias.device)
        return [stage.decode(every).detach() for stage in stages]
