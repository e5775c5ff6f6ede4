"""Convolutions whose frames come in pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.nn.layers import Conv, ConvNeXtBlock


class Frames:
    """Frames that still wait for their context along the last axis of [B,C,F]."""

    def __init__(self, behind: int, ahead: int) -> None:
        self.behind, self.ahead = behind, ahead
        self._kept: Tensor | None = None

    def push(self, x: Tensor, last: bool) -> Tensor:
        """All frames at hand; those within `behind` and `ahead` of the ends are context alone."""
        before = x.new_zeros(*x.shape[:-1], self.behind) if self._kept is None else self._kept
        x = torch.cat([before, x], dim=-1)
        x = nn.functional.pad(x, (0, self.ahead)) if last else x
        self._kept = x[..., max(0, x.shape[-1] - self.behind - self.ahead) :]
        return x

    def whole(self, x: Tensor) -> int:
        """How many frames of `push`'s answer have their whole context."""
        return max(0, x.shape[-1] - self.behind - self.ahead)


class StreamingConv:
    """A `Conv` or the depthwise convolution of a ConvNeXt block, with the frames that it read."""

    def __init__(self, layer: Conv | ConvNeXtBlock) -> None:
        self.block = layer if isinstance(layer, ConvNeXtBlock) else None
        self.conv = layer.depthwise if isinstance(layer, ConvNeXtBlock) else layer
        self.frames = Frames(*self.conv.context)

    def push(self, x: Tensor, last: bool) -> Tensor:
        x = self.frames.push(x, last)
        count = self.frames.whole(x)
        if not count:
            return x.new_zeros(len(x), self.conv.out_channels, 0)
        convolved = self.conv.within(x)
        if self.block is None:
            return convolved
        return self.block.mix(x[..., self.frames.behind :][..., :count], convolved)
