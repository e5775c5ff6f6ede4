"""The rows of `retention.py`: copies of codecs with and without the modules beside their originals,
clip by clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affecttts.evaluation.judges.words import WordCounts
from affecttts.evaluation.signal.fidelity import compare_pitch, level_correlation
from affecttts.evaluation.stats.bootstrap import (
    Interval,
    difference_interval,
    ends,
    interval,
    ratio_interval,
    resamples,
)
from affecttts.evaluation.tokens.probes import ProbeAnswers

SIDES = ("off", "on")
Judge = Callable[[np.ndarray, int], np.ndarray]  # audio [T] and Hz -> probabilities [E]
# measure -> off, on, on - off as `Interval`s, and "by seed" the differences alone
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Hearing:
    """What a signal sounds like."""

    audio: np.ndarray  # float32 [T]
    f0: np.ndarray  # Hz, 0 = unvoiced
    probabilities: dict[str, np.ndarray]  # judge -> [E]
    words: WordCounts | None  # None without a transcript or a word judge


@dataclass(frozen=True)
class Heard:
    """A group of clips as heard: the originals, and per side and seed the copies, all in one
    order.
    """

    original: list[Hearing]
    copies: dict[str, list[list[Hearing]]]  # side -> [seed][clip]


def likeness(original: Hearing, copy: Hearing, hop: int) -> dict[str, float]:
    """How near a copy is to its original; not-a-number where too little is voiced to tell."""
    correlation, cents, _ = compare_pitch(original.f0, copy.f0)
    measures = {
        "log-F0 correlation": correlation,
        "F0 error, cents": cents,
        "level correlation": level_correlation(original.audio, copy.audio, hop),
    }
    for judge, first in original.probabilities.items():
        second = copy.probabilities[judge]
        measures[f"{judge}: same emotion, %"] = 100.0 * (first.argmax() == second.argmax())
        measures[f"{judge}: probability moved, %"] = 50.0 * float(np.abs(first - second).sum())
    return measures


def likeness_rows(heard: Heard, hop: int) -> Rows:
    """Means over clips and seeds, differences paired by clip."""
    scores = {
        side: [[likeness(*pair, hop) for pair in zip(heard.original, copies)] for copies in seeds]
        for side, seeds in heard.copies.items()
    }
    rows = {}
    for name in scores["on"][0][0]:
        off, on = (
            np.array([[score[name] for score in seed] for seed in scores[side]]) for side in SIDES
        )
        rows[name] = {
            "off": interval(off.mean(0)),
            "on": interval(on.mean(0)),
            "difference": interval((on - off).mean(0)),
            "by seed": [interval(difference).mean for difference in on - off],
        }
    return rows


def word_rows(heard: Heard) -> Rows:
    """Word error rates and their paired difference; nothing without transcripts."""
    spoken = [place for place, hearing in enumerate(heard.original) if hearing.words]
    if not spoken:
        return {}
    words = np.array([heard.original[place].words.words for place in spoken])
    off, on = (
        100.0
        * np.array(
            [[copies[place].words.errors for place in spoken] for copies in heard.copies[side]]
        )
        for side in SIDES
    )
    row = {"off": ratio_interval(off.mean(0), words), "on": ratio_interval(on.mean(0), words)}
    row["difference"] = difference_interval(on.mean(0), off.mean(0), words)
    return {
        "word errors, %": row
        | {"by seed": [float(value) for value in (on - off).sum(1) / words.sum()]}
    }


def affect_rows(heard: Heard, judges: dict[str, Judge]) -> Rows:
    """Correlation over clips of the arousal and the valence that a judge's probabilities make of
    originals and copies.
    """
    from affecttts.emotion.table import load_emotions

    rows, table = {}, load_emotions()
    for name, judge in judges.items():
        if not set(getattr(judge, "labels", ("",))) <= set(table.ids):
            continue
        for index, axis in enumerate(("valence", "arousal")):
            place = np.array([table.get(label).vad[index] for label in judge.labels])
            original = _told(heard.original, name, place)
            statistics = {
                side: [_Likeness(original, _told(copies, name, place)) for copies in seeds]
                for side, seeds in heard.copies.items()
            }
            rows[f"{name}: {axis} correlation"] = both(
                statistics["off"], statistics["on"], np.arange(len(original))
            )
    return rows


def _told(hearings: Sequence[Hearing], judge: str, place: np.ndarray) -> np.ndarray:
    """What a judge's probabilities make of each hearing on one axis: [N]."""
    return np.array([hearing.probabilities[judge] @ place for hearing in hearings])


@dataclass(frozen=True)
class _Likeness:
    """Correlation of two rows of numbers over the clips that are picked; not-a-number where one
    does not vary.
    """

    first: np.ndarray  # [N]
    second: np.ndarray  # [N]

    def __call__(self, picks: np.ndarray) -> float:
        first, second = self.first[picks], self.second[picks]
        return (
            float(np.corrcoef(first, second)[0, 1])
            if first.std() and second.std()
            else float("nan")
        )


def probe_rows(
    off: Sequence[dict[str, ProbeAnswers]], on: Sequence[dict[str, ProbeAnswers]]
) -> Rows:
    """Recall of the probes on Q1, one set of answers per seed, paired by utterance; the intervals
    are over speakers.
    """
    return {
        name: both(
            [answers[name].recall for answers in off],
            [answers[name].recall for answers in on],
            on[0][name].speakers,
        )
        for name in on[0]
    }


Statistic = Callable[[np.ndarray], float]  # of picked clips, int [n]


def both(off: Sequence[Statistic], on: Sequence[Statistic], groups: np.ndarray) -> dict[str, Any]:
    """Statistics of clips, one per seed: their means and paired difference, with bootstrap
    intervals.

    Args:
        groups: [N], which of the clips are drawn together, such as those of a speaker.
    """
    everything = np.arange(len(groups))
    members = [everything[groups == group] for group in np.unique(groups)]
    draws = resamples(len(members))
    picks = [everything, *(np.concatenate([members[place] for place in draw]) for draw in draws)]
    values = np.array([[[told(pick) for told in side] for side in (off, on)] for pick in picks])
    means = values.mean(-1)
    columns = {"off": means[:, 0], "on": means[:, 1], "difference": means[:, 1] - means[:, 0]}
    rows = {name: Interval(float(x[0]), *ends(x[1:])) for name, x in columns.items()}
    return rows | {"by seed": [float(value) for value in values[0, 1] - values[0, 0]]}
