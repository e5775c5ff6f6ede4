"""What chance alone would reach: bands by permutation. Every draw is seeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from affecttts.evaluation.stats.bootstrap import RESAMPLES, ends


class Band(NamedTuple):
    """Between which values a statistic lies in 95 % of the permutations; above `high` it is better
    than chance.
    """

    low: float
    high: float


HALF = Band(50.0, 50.0)  # % of two answers


def chance_band(
    truth: np.ndarray,
    answers: np.ndarray,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    seed: int = 0,
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
    return Band(*ends(values))
