"""What chance alone would reach: permutation bands for one system, paired permutation tests for two. All draws are seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from affecttts.evaluation.intervals import COVERAGE, RESAMPLES, Interval, interval


class Band(NamedTuple):
    """Between which values a statistic lies in 95 % of the permutations; above `high` it is better than chance."""

    low: float
    high: float


class Paired(NamedTuple):
    """Two systems on the same items."""

    difference: Interval  # second minus first
    p: float  # two-sided, by flipping the sign of each item's difference
    n: int


def chance_band(
    truth: np.ndarray, answers: np.ndarray, statistic: Callable[[np.ndarray, np.ndarray], float], seed: int = 0
) -> Band:
    """Band of `statistic(truth, answers)` when the labels are dealt out at random.

    Args:
        truth: labels [N].
        answers: what was heard, [N] or [N,..].
    """
    if len(truth) == 0:
        return Band(float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    values = [statistic(generator.permutation(truth), answers) for _ in range(RESAMPLES)]
    tail = (1 - COVERAGE) / 2
    return Band(*(float(value) for value in np.nanquantile(values, [tail, 1 - tail])))


def paired_test(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Paired:
    """Mean of second - first over items that both have, with a bootstrap interval and a sign-flip test (Fisher 1935)."""
    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    differences = differences[np.isfinite(differences)]
    if len(differences) == 0:
        return Paired(interval([]), float("nan"), 0)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(RESAMPLES, len(differences)))
    extreme = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12
    return Paired(interval(differences, seed), float((extreme.sum() + 1) / (RESAMPLES + 1)), len(differences))
