"""Forced alignment without a download: which codec frames belong to which phone.

How the phones sound and how long they last is counted on base data, whose durations are known, in the space of the
codec's own quantised latents. A new speaker is then aligned, the model is bent towards what was found, and so on: Viterbi
training with maximum-a-posteriori means (Gauvain & Lee 1994, eq. 23) in a discriminant space (LDA over neighbouring
frames, Haeb-Umbach & Ney 1992), with explicit durations (semi-Markov; Levinson 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import split_phones
from affecttts.text.symbols import SYMBOLS

SILENCE = len(SYMBOLS)
NUM_CLASSES = len(SYMBOLS) + 1
PAUSES = tuple(SYMBOLS.index(symbol) for symbol in " .,?!")  # may be silent, whatever they are in the base data
CONTEXT = 2  # frames to either side that a frame is seen with
DIMENSIONS = 16  # of the discriminant space
FRAME_WEIGHT = 0.5  # of a frame's log-likelihood: frames that share their context are not independent
PRIOR_FRAMES = 100.0  # MAP: so many frames does the base model's mean weigh
PRIOR_DURATIONS = 50.0  # the same for the durations of a phone
ROUNDS = 2  # of alignment and re-estimation


def phone_classes(ipa: str) -> np.ndarray:
    """Classes int64 [P] of the blocks of a phone string: silence, phones without their stress, silence."""
    inner = [SYMBOLS.index(phone.symbol) for phone in split_phones(ipa)]
    return np.array([SILENCE, *inner, SILENCE])


def latents(codebooks: Sequence[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Quantised latents float32 [F,D] of codes [K,F]; `codebooks` are [N,D] each, at least K of them."""
    return sum(book[row.astype(np.int64)] for book, row in zip(codebooks, codes)).astype(np.float32)


@dataclass(frozen=True)
class Clip:
    """One utterance of one speaker."""

    features: np.ndarray  # float32 [F,D]
    classes: np.ndarray  # int64 [P]
    counts: np.ndarray | None = None  # int64 [P] frames of every block, where they are known


@dataclass(frozen=True)
class Alignment:
    """Where the phones of a clip lie, and whether they are its phones at all."""

    counts: np.ndarray  # int64 [P], summing to F
    margin: float  # log-likelihood a frame above that of the same phones in reverse order: near 0 for a wrong transcript


@dataclass(frozen=True)
class Aligner:
    """How phones sound and how long they last."""

    projection: np.ndarray  # [C,d] to the space where every phone has unit covariance, C = (2 CONTEXT + 1) D
    means: np.ndarray  # [NUM_CLASSES,d]
    log_durations: np.ndarray  # [NUM_CLASSES, MAX_DURATION + 1]

    @classmethod
    def fit(cls, speakers: Sequence[Sequence[Clip]]) -> Aligner:
        """Estimate from clips with known counts.

        Args:
            speakers: the clips of every speaker.

        Raises:
            ValueError: fewer frames than the covariance has dimensions.
        """
        frames, labels = [], []
        for clips in speakers:
            frames += _stacked(clips)
            labels += [np.repeat(clip.classes, clip.counts) for clip in clips]
        x, y = np.concatenate(frames).astype(np.float64), np.concatenate(labels)
        if len(x) < 2 * x.shape[1]:
            raise ValueError(f"{len(x)} frames of base data; at least {2 * x.shape[1]} are needed to align a voice")
        means, seen = _class_means(x, y)
        projection = _discriminants(x, y, means, seen)
        durations = _duration_counts([clip for clips in speakers for clip in clips], [c.counts for s in speakers for c in s])
        return cls(projection, means @ projection, _log_share(durations + 1.0 / (MAX_DURATION + 1)))

    def adapted(self, clips: Sequence[Clip], rounds: int = ROUNDS) -> Aligner:
        """Bend towards one speaker's clips, whose counts are unknown."""
        model, frames = self, [x @ self.projection for x in _stacked(clips)]
        for _ in range(rounds):
            counts = [model._best(x, clip.classes)[0] for x, clip in zip(frames, clips)]
            model = self._reestimated(clips, frames, counts)
        return model

    def align(self, clips: Sequence[Clip]) -> list[Alignment]:
        """Align the clips of one speaker."""
        return [self._aligned(x @ self.projection, clip.classes) for x, clip in zip(_stacked(clips), clips)]

    def _aligned(self, frames: np.ndarray, classes: np.ndarray) -> Alignment:
        counts, score = self._best(frames, classes)
        _, reverse = self._best(frames, classes[::-1])
        return Alignment(counts, (score - reverse) / len(frames))

    def _reestimated(self, clips: Sequence[Clip], frames: list[np.ndarray], counts: list[np.ndarray]) -> Aligner:
        x = np.concatenate(frames)
        y = np.concatenate([np.repeat(clip.classes, count) for clip, count in zip(clips, counts)])
        means, seen = _class_means(x, y)
        weight = (seen / (seen + PRIOR_FRAMES))[:, None]
        found = _duration_counts(clips, counts)
        durations = found + PRIOR_DURATIONS * np.exp(self.log_durations)
        return replace(self, means=weight * means + (1 - weight) * self.means, log_durations=_log_share(durations))

    def _best(self, frames: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, float]:
        """Counts [P] of the likeliest segmentation of frames [F,d], and its log-likelihood."""
        length, reach = len(frames), MAX_DURATION + 1
        sums = np.vstack([np.zeros(NUM_CLASSES), self._likelihoods(frames).cumsum(axis=0)])
        score = np.full(length + 1, -np.inf)
        score[0] = 0.0
        lengths = np.zeros((len(classes), length + 1), dtype=np.int64)
        for index, kind in enumerate(classes):
            # score'[t] = max over d of score[t-d] + duration[d] + frames t-d .. t-1 of this phone
            before = np.concatenate([np.full(MAX_DURATION, -np.inf), score - sums[:, kind]])
            options = np.lib.stride_tricks.sliding_window_view(before, reach)[:, ::-1] + self.log_durations[kind]
            lengths[index] = options.argmax(axis=1)
            score = options[np.arange(length + 1), lengths[index]] + sums[:, kind]
        counts, place = np.zeros(len(classes), dtype=np.int64), length
        for index in range(len(classes) - 1, -1, -1):
            counts[index] = lengths[index, place]
            place -= counts[index]
        return counts, float(score[-1])

    def _likelihoods(self, frames: np.ndarray) -> np.ndarray:
        """Log-likelihoods [F,NUM_CLASSES] of frames [F,d] up to a constant; a pause sounds as itself or as silence."""
        squared = (frames**2).sum(axis=1, keepdims=True) - 2 * frames @ self.means.T + (self.means**2).sum(axis=1)
        likelihoods = -0.5 * FRAME_WEIGHT * squared
        for kind in PAUSES:
            likelihoods[:, kind] = np.maximum(likelihoods[:, kind], likelihoods[:, SILENCE])
        return likelihoods


def _stacked(clips: Sequence[Clip]) -> list[np.ndarray]:
    """Features of one speaker [F,C]: level and spread of the voice taken out, every frame beside its neighbours."""
    everything = np.concatenate([clip.features for clip in clips])
    centre, spread = everything.mean(axis=0), everything.std(axis=0) + 1e-6
    result = []
    for clip in clips:
        padded = np.pad((clip.features - centre) / spread, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
        result.append(np.concatenate([padded[i : i + len(clip.features)] for i in range(2 * CONTEXT + 1)], axis=1))
    return result


def _class_means(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means [NUM_CLASSES,C] (that of all frames where a class is not seen) and frames seen [NUM_CLASSES]."""
    seen = np.bincount(y, minlength=NUM_CLASSES)
    sums = np.zeros((NUM_CLASSES, x.shape[1]))
    np.add.at(sums, y, x)
    means = np.where(seen[:, None] > 0, sums / np.maximum(seen, 1)[:, None], x.mean(axis=0))
    return means, seen


def _discriminants(x: np.ndarray, y: np.ndarray, means: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Linear discriminants [C,d], scaled to unit covariance within classes."""
    inside = x - means[y]
    within = inside.T @ inside / len(x)
    within += np.eye(len(within)) * 1e-3 * np.trace(within) / len(within)
    values, vectors = np.linalg.eigh(within)
    whiten = vectors / np.sqrt(values)
    spread = (means - x.mean(axis=0)) @ whiten * np.sqrt(seen / len(x))[:, None]
    _, axes = np.linalg.eigh(spread.T @ spread)
    return whiten @ axes[:, ::-1][:, :DIMENSIONS]


def _duration_counts(clips: Sequence[Clip], counts: Sequence[np.ndarray]) -> np.ndarray:
    """How often every class lasted so many frames: [NUM_CLASSES, MAX_DURATION + 1]."""
    table = np.zeros((NUM_CLASSES, MAX_DURATION + 1))
    for clip, found in zip(clips, counts):
        np.add.at(table, (clip.classes, np.minimum(found, MAX_DURATION)), 1.0)
    return table


def _log_share(table: np.ndarray) -> np.ndarray:
    return np.log(table / table.sum(axis=1, keepdims=True))
