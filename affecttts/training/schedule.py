"""What changes in the course of a run, as pure functions of the step, so that nothing need be
restored on resume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def learning_rate(step: int, peak: float, warmup: int, total: int, floor: float = 0.05) -> float:
    """Linear warm-up over `warmup` steps, then a cosine to `floor` x peak at `total` steps."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def ramp(step: int, start: int, end: int) -> float:
    """0 up to `start`, 1 from `end` on, linear between."""
    return 1.0 if step >= end else max(0.0, (step - start) / max(1, end - start))


def faded(step: int, total: int, parts: Sequence[float]) -> float:
    """1 up to the first of two parts of `total` steps, 0 from the second on, linear between; 1
    where there are no parts.
    """
    return 1 - ramp(step, *(round(part * total) for part in parts)) if parts else 1.0
