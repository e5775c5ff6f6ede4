"""Scores of several runs over the same clips as means with intervals, also of their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from affecttts.evaluation.stats.bootstrap import Interval, ends, resamples

Item = TypeVar("Item")


def grouped(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    """Items by key, keys in order of first sight."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def over_clips(values: np.ndarray, seed: int = 0) -> Interval:
    """Mean of [seeds, clips] with an interval by resampling the clips; not-a-numbers are left
    out.
    """
    if not np.isfinite(values).any():
        return Interval(float("nan"), float("nan"), float("nan"))
    picks = resamples(values.shape[1], seed)
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0).sum(0), known.sum(0)
    means = sums[picks].sum(1) / np.maximum(counts[picks].sum(1), 1)
    return Interval(float(sums.sum() / counts.sum()), *ends(means))


def over_seeds(values: np.ndarray) -> Interval:
    """Mean of [seeds] with twice the standard error; a single seed has no interval of its own."""
    mean = float(np.mean(values))
    half = (
        2 * float(np.std(values, ddof=1)) / np.sqrt(len(values))
        if len(values) > 1
        else float("nan")
    )
    return Interval(mean, mean - half, mean + half)


def show(value: Interval | float) -> str:
    """A cell of a table."""
    if isinstance(value, Interval):
        return f"{value.mean:.3g}" + (
            f" [{value.low:.3g}, {value.high:.3g}]" if np.isfinite(value.low) else ""
        )
    return f"{value:.3g}"


def markdown_table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in [columns, ["---"] * len(columns), *rows]]
    return "\n".join(lines) + "\n"
