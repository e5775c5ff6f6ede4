"""Building blocks that work at frame rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Conv(nn.Conv1d):
    """Convolution that keeps the length and reads `lookahead` frames ahead. [B,C,F] -> [B,C',F].

    Args:
        lookahead: None = as many as behind; 0 = causal.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        lookahead: int | None = None,
        groups: int = 1,
    ) -> None:
        super().__init__(inputs, outputs, kernel_size, groups=groups)
        ahead = kernel_size // 2 if lookahead is None else lookahead
        self.context = (kernel_size - 1 - ahead, ahead)

    def forward(self, input: Tensor) -> Tensor:
        return self.within(nn.functional.pad(input, self.context))

    def within(self, x: Tensor) -> Tensor:
        """Frames whose whole context `x` holds: as many fewer as `context` has."""
        return super().forward(x)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, then a gated-scale MLP over channels (Vocos, arXiv 2306.00814).
    [B,C,F] -> [B,C,F].
    """

    def __init__(
        self,
        dim: int,
        lookahead: int | None = None,
        expansion: int = 3,
        kernel_size: int = 7,
        scale: float = 0.2,
    ) -> None:
        super().__init__()
        self.depthwise = Conv(dim, dim, kernel_size, lookahead, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, dim * expansion)
        self.contract = nn.Linear(dim * expansion, dim)
        self.scale = nn.Parameter(torch.full((dim,), scale))

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x, self.depthwise(x))

    def mix(self, x: Tensor, convolved: Tensor) -> Tensor:
        """What the block makes of frames [B,C,F] and their depthwise convolution."""
        hidden = self.norm(convolved.transpose(1, 2))
        hidden = self.contract(nn.functional.gelu(self.expand(hidden)))
        return x + (self.scale * hidden).transpose(1, 2)


def blocks(dim: int, count: int, lookahead: int | None = None) -> nn.Sequential:
    """`count` ConvNeXt blocks of one width."""
    return nn.Sequential(*[ConvNeXtBlock(dim, lookahead) for _ in range(count)])


class FixedLinear(nn.Module):
    """A linear map of some frames at a time that is set once and not trained: [B,C,N] -> [B,C',F].

    Args:
        kernel_size: frames that one answer is made of, centred on `stride` of them.
        stride: frames between answers.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.side = stride, (kernel_size - stride) // 2
        self.register_buffer("weight", torch.zeros(outputs, inputs, kernel_size))
        self.register_buffer("bias", torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.shape[-1] == 1:  # of no frame too, which a convolution refuses
            return self.weight[..., 0] @ x + self.bias[:, None]
        padded = nn.functional.pad(x, (self.side, self.side), mode="replicate")
        return nn.functional.conv1d(padded, self.weight, self.bias, self.stride)

    def set(self, weight: Tensor, bias: Tensor) -> None:
        """Weight [C',C,kernel_size] and bias [C']."""
        self.weight.copy_(weight)
        self.bias.copy_(bias)
