"""What a teacher is: it reads a whole utterance and gives a vector for every stretch of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from affecttts.data.manifest import Utterance


@dataclass(frozen=True)
class Clip:
    """An utterance as a teacher gets it."""

    utterance: Utterance
    audio: np.ndarray  # float32 [T]
    sample_rate: int  # Hz
    f0: np.ndarray  # float32 [N] Hz, 0 = unvoiced, one value per hop
    hop_length: int  # samples
    usual_f0: float  # Hz, median of the speaker
    usual_level: float  # log10 of power, median of the speaker's clips

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True)
class TeacherAnswer:
    """A teacher's vectors for an utterance, in the order of time."""

    vectors: np.ndarray  # float [N,dim]
    ends: np.ndarray | None = None  # float [N] seconds, of each stretch; None: all last 1 / rate


class Teacher(Protocol):
    """A frozen model or method; nothing is loaded before the first answer.

    `id` names the teacher and all that its answers depend on; caches made by another are refused.
    """

    id: str
    rate: float | None  # vectors per second; None where every answer has its own `ends`
    per_gain: np.ndarray | None = None  # float32 [dim], what ten times the power adds to a vector

    def teach(self, clip: Clip) -> TeacherAnswer | None:
        """Vectors of one utterance; None where there is nothing to read, e.g. no transcript."""
        ...


def frames_at(
    answer: TeacherAnswer, rate: float | None, start: float, count: int, frame_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """An answer at codec frames.

    Faster vectors are averaged over each frame, slower ones interpolated; those with `ends` hold.

    Args:
        rate: the teacher's.
        start: seconds into the utterance at which the first frame begins.
        count: F, number of frames.
        frame_rate: codec frames per second.

    Returns:
        features float32 [F,dim], zero where unknown, and known bool [F].
    """
    if answer.ends is not None:
        places = places_at(answer, start, count, frame_rate)
        return _rows(answer.vectors, places), places < len(answer.vectors)
    borders = (start + np.arange(count + 1) / frame_rate) * rate
    middles, total = (borders[:-1] + borders[1:]) / 2, len(answer.vectors)
    known = middles < total
    if rate >= frame_rate:
        features = _averages(answer.vectors, borders)
    else:
        features = interpolated(answer.vectors, middles - 0.5)
    return np.where(known[:, None], features, 0).astype(np.float32), known


def windows_at(
    answer: TeacherAnswer, start: float, count: int, frame_rate: float, reach: int
) -> np.ndarray:
    """Every frame's vector with `reach` more to either side, float32 [F, 2 * reach + 1, dim].

    Vectors past either end are zero, and so are whole frames past the last stretch.
    """
    places = places_at(answer, start, count, frame_rate)
    window = places[:, None] + np.arange(-reach, reach + 1)
    window = np.where((places < len(answer.vectors))[:, None], window, -1)
    return _rows(answer.vectors, window)


def places_at(answer: TeacherAnswer, start: float, count: int, frame_rate: float) -> np.ndarray:
    """Index of the stretch of every frame's middle, int64 [F]; len(vectors) past the last one."""
    middles = start + (np.arange(count) + 0.5) / frame_rate
    return np.searchsorted(answer.ends, middles, side="right")


def _rows(vectors: np.ndarray, index: np.ndarray) -> np.ndarray:
    inside = (index >= 0) & (index < len(vectors))
    return np.where(inside[..., None], vectors[index.clip(0, len(vectors) - 1)], 0).astype(
        np.float32
    )


def _averages(vectors: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """Mean of the vectors between successive borders, in units of vectors."""
    borders = borders.clip(0, len(vectors))
    first, last = int(borders[0]), min(len(vectors), int(np.ceil(borders[-1])))
    sums = np.cumsum(np.asarray(vectors[first:last], dtype=np.float64), axis=0)
    sums = (
        np.concatenate([np.zeros_like(sums[:1]), sums])
        if len(sums)
        else np.zeros((1, vectors.shape[1]))
    )
    place = borders - first
    low = place.astype(int).clip(0, len(sums) - 1)
    high = np.minimum(low + 1, len(sums) - 1)
    at_border = sums[low] + (place - low)[:, None] * (sums[high] - sums[low])
    return np.diff(at_border, axis=0) / np.maximum(np.diff(borders), 1e-9)[:, None]


def interpolated(vectors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Vectors [N,dim] at fractional places [F], held beyond both ends: float32 [F,dim]."""
    places = places.clip(0, len(vectors) - 1)
    low = places.astype(int)
    high = np.minimum(low + 1, len(vectors) - 1)
    share = (places - low)[:, None]
    return (1 - share) * vectors[low].astype(np.float32) + share * vectors[high].astype(np.float32)
