"""Means with bootstrap intervals. Every random draw is seeded, so a table can be printed twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 1000
COVERAGE = 0.95


class Interval(NamedTuple):
    """A mean and the ends of its bootstrap interval, in the unit of the values."""

    mean: float
    low: float
    high: float


def resamples(count: int, seed: int = 0) -> np.ndarray:
    """Places int [RESAMPLES, count] of items drawn with replacement."""
    return np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))


def ends(values: Sequence[float]) -> tuple[float, float]:
    """Ends of the middle 95 % of resampled or permuted values, of the finite ones; not-a-numbers
    where there are none.
    """
    kept, tail = np.asarray(values, dtype=float), (1 - COVERAGE) / 2
    kept = kept[np.isfinite(kept)]
    low, high = np.quantile(kept, [tail, 1 - tail]) if len(kept) else (np.nan, np.nan)
    return float(low), float(high)


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Mean of `values` with a 95 % interval by resampling them; not-a-numbers are left out."""
    kept = np.asarray(values, dtype=float)
    kept = kept[np.isfinite(kept)]
    return ratio_interval(kept, np.ones_like(kept), seed)


def median_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Median of `values`, as the interval's middle, with a 95 % interval by resampling them."""
    kept = np.asarray(values, dtype=float)
    kept = kept[np.isfinite(kept)]
    if len(kept) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    drawn = np.median(kept[resamples(len(kept), seed)], axis=1)
    return Interval(float(np.median(kept)), *ends(drawn))


def ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], seed: int = 0
) -> Interval:
    """sum(numerators) / sum(denominators) with a 95 % interval by resampling the pairs, as a corpus
    word error rate.
    """
    top, bottom = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if len(top) == 0 or bottom.sum() == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    draws = resamples(len(top), seed)
    ratios = top[draws].sum(axis=1) / np.maximum(bottom[draws].sum(axis=1), 1e-12)
    return Interval(float(top.sum() / bottom.sum()), *ends(ratios))


def difference_interval(
    first: Sequence[float], second: Sequence[float], denominators: Sequence[float], seed: int = 0
) -> Interval:
    """Paired difference of two corpus rates over the same denominators: sum(first - second) /
    sum(denominators).
    """
    return ratio_interval(
        np.asarray(first, dtype=float) - np.asarray(second, dtype=float), denominators, seed
    )
