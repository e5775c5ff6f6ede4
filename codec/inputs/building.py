"""Networks built for weights that are about to be loaded: not started, and bounded in size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from codec.errors import CheckpointError

CONSTANTS = 32_000_000  # numbers that windows, filters and the like may hold besides the weights
STARTS = {  # what only starts a weight
    getattr(torch.Tensor, name)
    for name in ("uniform_", "normal_", "trunc_normal_")
    if hasattr(torch.Tensor, name)
} | {
    getattr(torch.nn.init, name)
    for name in (
        "uniform_",
        "normal_",
        "trunc_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "orthogonal_",
    )
}
FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.randn, torch.rand}


class Unstarted(TorchFunctionMode):
    """See `codec.inputs.weights.unstarted`."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.left = elements + CONSTANTS

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in STARTS:
            return args[0] if args else kwargs["tensor"]
        if func in FACTORIES:
            self.left -= _size(args, kwargs)
            if self.left < 0:
                raise CheckpointError("asks for more weights than its files hold")
        return func(*args, **kwargs)


def _size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """How many numbers a call of a factory asks for."""
    shape = kwargs.get("size", args[0] if args and not isinstance(args[0], int) else args)
    return math.prod(length for length in shape if isinstance(length, int))
