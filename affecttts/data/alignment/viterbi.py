"""Forced alignment: the likeliest segmentation of frames into given phones, with explicit durations
(Levinson 1986), found exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from affecttts.data.alignment.units import Inventory

FREE_PAUSES = 0.5  # share of a uniform distribution in their durations: speakers pause differently
ALIKE = 1 / 25  # seconds; closer durations are counted together
IMPOSSIBLE = -1e9  # log-probability of a duration that is ruled out; finite, to be stored
UNIT = 1 / 25  # seconds; a margin is a mean over so much sound


@dataclass(frozen=True)
class Alignment:
    """Where the phones of a clip lie, and how well they fit.

    The margin is the log-likelihood of 40 ms above that of the same phones in reverse order, near 0
    for a wrong transcript, -inf where the phones do not fit into the clip.
    """

    counts: np.ndarray  # int64 [P] frames of every phone, summing to F
    margin: float


@dataclass(frozen=True)
class Aligner:
    """How long phones last, in frames.

    Args:
        log_durations: [C,D + 1] of each class of the inventory.
        frame_rate: Hz.
        stretch: [C] log-probability of every frame beyond D; None: nothing lasts longer.
    """

    inventory: Inventory
    log_durations: np.ndarray
    frame_rate: float
    stretch: np.ndarray | None = None

    @classmethod
    def fit(
        cls,
        inventory: Inventory,
        clips: Iterable[tuple[np.ndarray, Sequence[int]]],
        longest: int,
        frame_rate: float,
    ) -> Aligner:
        """Count on clips with known durations.

        Args:
            clips: classes [P] and frames [P] of the phones of each.
            longest: D, frames.
            frame_rate: Hz.
        """
        table = np.zeros((inventory.size, longest + 1))
        for classes, counts in clips:
            np.add.at(table, (classes, np.minimum(counts, longest)), 1.0)
        table = _smoothed(table, max(1, round(ALIKE * frame_rate))) + 1.0 / (longest + 1)
        shares = table / table.sum(axis=1, keepdims=True)
        pauses = list(inventory.pauses)
        shares[pauses] = (1 - FREE_PAUSES) * shares[pauses] + FREE_PAUSES / (longest + 1)
        return cls(inventory, np.log(shares), frame_rate)

    def counts(self, likelihoods: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
        """Frames [P] of phones, as `align` finds them; None where they do not fit into the clip."""
        counts, score = self._best(likelihoods, classes)
        return None if score < IMPOSSIBLE / 2 else counts

    def align(self, likelihoods: np.ndarray, classes: np.ndarray) -> Alignment:
        """Align phones, classes [P], with weighted log-probabilities [F,C]."""
        counts, score = self._best(likelihoods, classes)
        if score < IMPOSSIBLE / 2:
            return Alignment(counts, -np.inf)
        _, reverse = self._best(likelihoods, classes[::-1])
        seconds = len(likelihoods) / self.frame_rate
        return Alignment(counts, (score - reverse) / seconds * UNIT)

    def _best(self, likelihoods: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, float]:
        """Counts [P] of the likeliest segmentation, and its log-likelihood."""
        length = len(likelihoods)
        sums = np.vstack([np.zeros(self.inventory.size), likelihoods.cumsum(axis=0)])
        score = np.full(length + 1, -np.inf)
        score[0] = 0.0
        lengths = np.zeros((len(classes), length + 1), dtype=np.int64)
        for index, kind in enumerate(classes):
            best, lengths[index] = self._lasting(score - sums[:, kind], kind)
            score = best + sums[:, kind]
        counts, place = np.zeros(len(classes), dtype=np.int64), length
        for index in range(len(classes) - 1, -1, -1):
            counts[index] = lengths[index, place]
            place -= counts[index]
        return counts, float(score[-1])

    def _lasting(self, before: np.ndarray, kind: int) -> tuple[np.ndarray, np.ndarray]:
        """For every end [F + 1], the best over durations of `before` at the start, less what the
        duration costs; and that duration.
        """
        table, longest = self.log_durations[kind], self.log_durations.shape[1] - 1
        padded = np.concatenate([np.full(longest, -np.inf), before])
        options = np.lib.stride_tricks.sliding_window_view(padded, longest + 1)[:, ::-1] + table
        chosen = options.argmax(axis=1)
        best = options[np.arange(len(before)), chosen]
        if self.stretch is None or len(before) <= longest + 1:
            return best, chosen
        # beyond D: a running maximum, for every frame more costs the same
        slope, starts = self.stretch[kind], np.arange(len(before) - longest - 1)
        value = before[: len(starts)] - slope * starts
        running = np.maximum.accumulate(value)
        first = np.maximum.accumulate(np.where(value >= running, starts, 0))
        ends = starts + longest + 1
        beyond = running + table[longest] + slope * (ends - longest)
        longer = beyond > best[ends]
        best[ends[longer]] = beyond[longer]
        chosen[ends[longer]] = (ends - first)[longer]
        return best, chosen


def _smoothed(table: np.ndarray, width: int) -> np.ndarray:
    """Counts [C,D + 1] under a triangle of 2 * width - 1 durations."""
    triangle = np.bartlett(2 * width + 1)[1:-1]
    triangle /= triangle.sum()
    return np.apply_along_axis(lambda row: np.convolve(row, triangle, "same"), 1, table)
