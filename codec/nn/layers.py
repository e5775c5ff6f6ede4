"""Building blocks that work at frame rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, then a gated-scale MLP over channels (Vocos, arXiv 2306.00814).
    [B,C,F] -> [B,C,F].
    """

    def __init__(
        self, dim: int, expansion: int = 3, kernel_size: int = 7, scale: float = 0.2
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, dim * expansion)
        self.contract = nn.Linear(dim * expansion, dim)
        self.scale = nn.Parameter(torch.full((dim,), scale))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.norm(self.depthwise(x).transpose(1, 2))
        hidden = self.contract(nn.functional.gelu(self.expand(hidden)))
        return x + (self.scale * hidden).transpose(1, 2)


def blocks(dim: int, count: int) -> nn.Sequential:
    """`count` ConvNeXt blocks of one width."""
    return nn.Sequential(*[ConvNeXtBlock(dim) for _ in range(count)])
