"""Running averages of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def averaging(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """For `torch.optim.swa_utils.AveragedModel`: an exponential moving average whose memory grows
    with the run up to `decay`, so that the start is soon forgotten.
    """

    @torch.no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        steps = float(count)
        kept = min(decay, (1 + steps) / (10 + steps))
        for mean, now in zip(averaged, current, strict=True):
            mean.lerp_(now.to(mean.dtype), 1 - kept)

    return update
