"""A flat start: phones from nothing but audio and phone strings, by one Gaussian a phone.

Phones share the speech of every clip evenly at first; Gaussians are fitted to what each one got,
and the likeliest segmentation under them is the next division (Viterbi training: Juang and Rabiner
1990; the flat start is HTK's). A few rounds are enough for a network to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from affecttts.data.alignment.likelihoods import with_silent_pauses
from affecttts.data.alignment.units import Inventory
from affecttts.data.alignment.viterbi import Aligner

CEPSTRA = 13
ROUNDS = 8
WEIGHT = 0.15  # of a frame's log-likelihood: its values and its neighbours are not independent
SPEECH = 0.35  # of the way from a clip's quiet to its loud frames
LEAST_VARIANCE = 0.05  # share of the variance of all frames
FAR = -30.0  # log-likelihood below the best class of a frame, so that no frame alone decides


@dataclass(frozen=True)
class Spoken:
    """A clip of the corpus."""

    features: np.ndarray  # float16 [N,mels], log-mel
    classes: np.ndarray  # int64 [P]

    @property
    def length(self) -> int:
        """Frames."""
        return len(self.features)


def even_counts(clip: Spoken, inventory: Inventory) -> np.ndarray:
    """Frames [P] where the sounds share the speech between the first and the last loud frame."""
    level = clip.features.astype(np.float32).mean(axis=1)
    quiet, loud = np.percentile(level, (5, 95))
    places = np.flatnonzero(level > quiet + SPEECH * (loud - quiet))
    first, last = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, clip.length)
    sounds = inventory.sounds[clip.classes]
    ends = first + np.round(np.cumsum(sounds) * (last - first) / max(1, sounds.sum())).astype(int)
    ends[-1] = clip.length
    return np.diff(ends, prepend=0)


def cepstra(features: np.ndarray) -> np.ndarray:
    """Log-mel [N,mels] -> cepstra with two differences [N,3 * CEPSTRA]."""
    mels = features.shape[1]
    places = np.pi / mels * (np.arange(mels) + 0.5)
    basis = np.cos(np.outer(places, np.arange(CEPSTRA))) / np.sqrt(mels)
    static = features.astype(np.float32) @ basis.astype(np.float32)
    if len(static) < 3:
        return np.hstack([static, 0 * static, 0 * static])
    slope = np.gradient(static, axis=0)
    return np.hstack([static, slope, np.gradient(slope, axis=0)])


@dataclass(frozen=True)
class Gaussians:
    """Means and variances [C,V] of the classes; pauses sound as silence."""

    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(
        cls, frames: Sequence[np.ndarray], labels: Sequence[np.ndarray], classes: int
    ) -> Gaussians:
        """Fit to frames [N,V] of clips and their labels [N]."""
        width = frames[0].shape[1]
        total, sums, squares = np.zeros(classes), np.zeros((classes, width)), np.zeros(0)
        squares = np.zeros_like(sums)
        for values, label in zip(frames, labels):
            which = np.zeros((classes, len(label)), dtype=np.float32)
            which[label, np.arange(len(label))] = 1
            total += which.sum(axis=1)
            sums += which @ values
            squares += which @ values**2
        mean = sums.sum(axis=0) / total.sum()
        spread = squares.sum(axis=0) / total.sum() - mean**2
        few = 1.0  # frames of the whole corpus that every class starts from
        means = (sums + few * mean) / (total + few)[:, None]
        variances = (squares + few * (spread + mean**2)) / (total + few)[:, None] - means**2
        return cls(means, np.maximum(variances, LEAST_VARIANCE * spread))

    def likelihoods(self, values: np.ndarray, inventory: Inventory) -> np.ndarray:
        """Weighted log-likelihoods [N,C] of frames [N,V]."""
        inverse = 1 / self.variances
        distance = (
            values**2 @ inverse.T
            - 2 * values @ (self.means * inverse).T
            + (self.means**2 * inverse).sum(axis=1)
            + np.log(self.variances).sum(axis=1)
        )
        result = -0.5 * distance
        result -= result.max(axis=1, keepdims=True)
        result[:, list(inventory.pauses)] = FAR
        return with_silent_pauses(WEIGHT * np.maximum(result, FAR), inventory)


def _or(found: np.ndarray | None, before: np.ndarray) -> np.ndarray:
    return before if found is None else found


def labels_of(clip: Spoken, counts: np.ndarray, inventory: Inventory) -> np.ndarray:
    """Class [N] of every frame, where pauses are silence."""
    sounds = np.where(inventory.sounds[clip.classes], clip.classes, inventory.silence)
    return np.repeat(sounds, counts)


def flat_start(
    clips: Sequence[Spoken],
    inventory: Inventory,
    durations: Callable[[Sequence[tuple[np.ndarray, np.ndarray]]], Aligner],
    progress: Callable[[range], Sequence[int] | range] = lambda rounds: rounds,
) -> list[np.ndarray]:
    """Frames [P] of the phones of every clip.

    Args:
        durations: fits an aligner to classes and counts.
        progress: wraps the rounds.
    """
    counts = [even_counts(clip, inventory) for clip in clips]
    frames = [cepstra(clip.features) for clip in clips]
    for _ in progress(range(ROUNDS)):
        labels = [labels_of(clip, count, inventory) for clip, count in zip(clips, counts)]
        gaussians = Gaussians.fit(frames, labels, inventory.size)
        aligner = durations([(clip.classes, count) for clip, count in zip(clips, counts)])
        counts = [
            _or(aligner.counts(gaussians.likelihoods(values, inventory), clip.classes), before)
            for clip, values, before in zip(clips, frames, counts)
        ]
    return counts
