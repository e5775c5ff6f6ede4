"""What a teacher is: it reads a whole utterance and says something of every stretch of it."""

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
class Lesson:
    """Vectors in the order of time."""

    vectors: np.ndarray  # float [N,dim]
    # float [N] seconds at which each vector's stretch ends; None: all last 1 / rate
    ends: np.ndarray | None = None


class Teacher(Protocol):
    """A frozen model or method; teachers inherit from it. Nothing is loaded before the first
    lesson.
    """

    # names the teacher and all that its answers depend on; a cache made by another id is refused
    id: str
    rate: float | None  # vectors per second; None where every lesson has its own `ends`
    # float32 [dim], what ten times the power adds to a vector; None = nothing
    per_gain: np.ndarray | None = None

    def teach(self, clip: Clip) -> Lesson | None:
        """The lesson of one utterance; None where the teacher has nothing to go by, e.g. no
        transcript.
        """
        ...


def frames_at(
    lesson: Lesson, rate: float | None, start: float, count: int, frame_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """A lesson brought to codec frames.

    Faster lessons are averaged over each frame, slower ones interpolated; stretches with `ends`
    hold their value.

    Args:
        rate: the teacher's.
        start: seconds into the utterance at which the first frame begins.
        count: F, number of frames.
        frame_rate: codec frames per second.

    Returns:
        features float32 [F,dim], zero where unknown, and known bool [F].
    """
    if lesson.ends is not None:
        places = places_at(lesson, start, count, frame_rate)
        return _rows(lesson.vectors, places), places < len(lesson.vectors)
    borders = (start + np.arange(count + 1) / frame_rate) * rate
    middles, total = (borders[:-1] + borders[1:]) / 2, len(lesson.vectors)
    known = middles < total
    if rate >= frame_rate:
        features = _averages(lesson.vectors, borders)
    else:
        features = interpolated(lesson.vectors, middles - 0.5)
    return np.where(known[:, None], features, 0).astype(np.float32), known


def windows_at(
    lesson: Lesson, start: float, count: int, frame_rate: float, reach: int
) -> np.ndarray:
    """The vector whose stretch every frame lies in, with `reach` more to either side: float32 [F, 2
    * reach + 1, dim].

    Vectors past either end are zero, and so are whole frames past the last stretch.
    """
    places = places_at(lesson, start, count, frame_rate)
    window = places[:, None] + np.arange(-reach, reach + 1)
    window = np.where((places < len(lesson.vectors))[:, None], window, -1)
    return _rows(lesson.vectors, window)


def places_at(lesson: Lesson, start: float, count: int, frame_rate: float) -> np.ndarray:
    """Index of the stretch in which the middle of every frame lies, int64 [F]; len(vectors) past
    the last one.
    """
    middles = start + (np.arange(count) + 0.5) / frame_rate
    return np.searchsorted(lesson.ends, middles, side="right")


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
