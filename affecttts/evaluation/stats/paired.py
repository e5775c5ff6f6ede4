"""Two systems on the same clips: is the difference more than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from affecttts.evaluation.stats.bootstrap import difference_interval

FLIPS = 4000


class Comparison(NamedTuple):
    """First minus second: the difference, its bootstrap interval, the p-value of a sign-flip test,
    and clips.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int


def compare(
    first: Sequence[float],
    second: Sequence[float],
    denominators: Sequence[float] | None = None,
    seed: int = 0,
) -> Comparison:
    """Paired comparison of means, or of corpus rates over the same denominators, without NaN.

    The p-value is two-sided: how often random signs on the clips' differences make their sum as
    large (Fisher 1935). It is not corrected for the number of comparisons.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    weight = np.ones_like(a) if denominators is None else np.asarray(denominators, dtype=float)
    known = np.isfinite(a) & np.isfinite(b) & (weight > 0)
    a, b, weight = a[known], b[known], weight[known]
    if len(a) == 0:
        return Comparison(*(float("nan"),) * 4, 0)
    middle = difference_interval(a, b, weight, seed)
    difference = a - b
    signs = np.random.default_rng(seed).integers(0, 2, size=(FLIPS, len(a)), dtype=np.int8) * 2 - 1
    reached = np.abs(signs @ difference) >= abs(difference.sum()) * (1 - 1e-12)
    return Comparison(*middle, (1 + int(reached.sum())) / (1 + FLIPS), len(a))
