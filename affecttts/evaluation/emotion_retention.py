"""What is left of the emotion in a codec's copies, as judges hear it: agreement, accuracy, and what was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np

from affecttts.evaluation.codec_metrics import EMOTION, KEPT, Metric, Pair, Score

DIMENSIONS = ("valence", "arousal")  # in the order of a manifest's vad


class EmotionJudge(Protocol):
    """Hears an emotion. A judge of dimensions also has `affect`, of the same arguments: values of DIMENSIONS in -1..1."""

    name: str

    def __call__(self, audio: np.ndarray, sample_rate: int) -> Mapping[str, float]:
        """Probability of each label in audio [T]."""
        ...


def emotion_metrics(judge: EmotionJudge) -> tuple[Metric, ...]:
    """The metrics that this judge makes possible; it hears each signal once.

    agreement: original and copy are heard alike. accuracy: the copy is heard as the manifest's label. degradation: share of
    those originals heard rightly whose copies are not. loss: accuracy on originals minus that on copies, in points.
    Clips whose label the judge does not know count for agreement alone.
    """
    heard = lru_cache(maxsize=KEPT)(lambda audio, rate: dict(judge(np.frombuffer(audio, dtype=np.float32), rate)))

    def probabilities(audio: np.ndarray, pair: Pair) -> dict[str, float]:
        return heard(audio.tobytes(), pair.sample_rate)

    def guesses(pair: Pair) -> tuple[str, str]:
        first, second = (probabilities(audio, pair) for audio in (pair.original, pair.copy))
        return max(first, key=first.get), max(second, key=second.get)

    def right(pair: Pair) -> tuple[bool, bool] | None:
        known = pair.row.emotion in probabilities(pair.original, pair)
        return tuple(guess == pair.row.emotion for guess in guesses(pair)) if known else None

    def of_right(count: Callable[[bool, bool], Score]) -> Callable[[Pair], Score]:
        return lambda pair: count(*right(pair)) if right(pair) else float("nan")

    def agreement(pair: Pair) -> float:
        first, second = guesses(pair)
        return 100.0 * (first == second)

    kinds = (
        ("agreement", "%", True, agreement),
        ("accuracy", "%", True, of_right(lambda before, after: 100.0 * after)),
        ("degradation", "%", False, of_right(lambda before, after: (100.0 * (before and not after), float(before)))),
        ("loss", "points", False, of_right(lambda before, after: 100.0 * (before - after))),
    )
    metrics = [Metric(f"emotion {kind}, {judge.name}", unit, better, EMOTION, measure, by_emotion=kind == "loss")
               for kind, unit, better, measure in kinds]  # fmt: skip
    return (*metrics, *(_dimension(judge, name) for name in DIMENSIONS if hasattr(judge, "affect")))


def _dimension(judge: EmotionJudge, name: str) -> Metric:
    def level(pair: Pair) -> float:
        return float(judge.affect(pair.copy, pair.sample_rate)[name])

    return Metric(f"{name}, {judge.name}", "", None, EMOTION, level)
