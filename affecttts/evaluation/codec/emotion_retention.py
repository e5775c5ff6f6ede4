"""What is left of the emotion in a codec's copies, as judges hear it: agreement, accuracy, and what
was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from affecttts.evaluation.codec.metric import EMOTION, KEPT, Metric, Pair, Score

if TYPE_CHECKING:
    from affecttts.evaluation.judges.emotion import EmotionJudge

DIMENSIONS = ("valence", "arousal")  # in the order of a manifest's vad


def emotion_metrics(judge: EmotionJudge) -> tuple[Metric, ...]:
    """The metrics of a judge, which reads each signal once; those of DIMENSIONS too if it has
    `affect`, of audio and rate to their values in -1..1.

    agreement: original and copy get the same answer. accuracy: the copy gets the manifest's label.
    degradation: share of rightly recognised originals whose copies are not. loss: accuracy on
    originals minus that on copies, in points. Clips whose label the judge does not know count for
    agreement alone.
    """

    @lru_cache(maxsize=KEPT)
    def answer(audio: bytes, sample_rate: int) -> str:
        probabilities = judge(np.frombuffer(audio, dtype=np.float32), sample_rate)
        return judge.labels[int(np.argmax(probabilities))]

    def guesses(pair: Pair) -> list[str]:
        return [answer(audio.tobytes(), pair.sample_rate) for audio in (pair.original, pair.copy)]

    def right(pair: Pair) -> list[bool] | None:
        if pair.row.emotion not in judge.labels:
            return None
        return [guess == pair.row.emotion for guess in guesses(pair)]

    def of_right(count: Callable[[bool, bool], Score]) -> Callable[[Pair], Score]:
        return lambda pair: count(*right(pair)) if right(pair) else float("nan")

    def agreement(pair: Pair) -> float:
        first, second = guesses(pair)
        return 100.0 * (first == second)

    accuracy = of_right(lambda before, after: 100.0 * after)
    lost = of_right(lambda before, after: (100.0 * (before and not after), float(before)))
    loss = of_right(lambda before, after: 100.0 * (before - after))
    kinds = (
        ("agreement", "%", True, agreement),
        ("accuracy", "%", True, accuracy),
        ("degradation", "%", False, lost),
        ("loss", "points", False, loss),
    )
    metrics = [_metric(judge, *kind) for kind in kinds]
    return (*metrics, *(_dimension(judge, name) for name in DIMENSIONS if hasattr(judge, "affect")))


def _metric(
    judge: EmotionJudge, kind: str, unit: str, better: bool, measure: Callable[[Pair], Score]
) -> Metric:
    return Metric(
        f"emotion {kind}, {judge.card.name}",
        unit,
        better,
        EMOTION,
        measure,
        judge.card.packages,
        judge.card.install,
        by_emotion=kind == "loss",
    )


def _dimension(judge: EmotionJudge, name: str) -> Metric:
    def level(pair: Pair) -> float:
        return float(judge.affect(pair.copy, pair.sample_rate)[name])

    return Metric(f"{name}, {judge.card.name}", "", None, EMOTION, level)
