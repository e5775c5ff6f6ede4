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
    """The metrics that this judge makes possible; it hears each signal once. A judge that also has
    `affect`, of audio and rate to values of DIMENSIONS in -1..1, gives those too.

    agreement: original and copy are heard alike. accuracy: the copy is heard as the manifest's
    label. degradation: share of those originals heard rightly whose copies are not. loss: accuracy
    on originals minus that on copies, in points. Clips whose label the judge does not know count
    for agreement alone.
    """

    @lru_cache(maxsize=KEPT)
    def heard(audio: bytes, sample_rate: int) -> str:
        return judge.labels[
            int(np.argmax(judge(np.frombuffer(audio, dtype=np.float32), sample_rate)))
        ]

    def guesses(pair: Pair) -> list[str]:
        return [heard(audio.tobytes(), pair.sample_rate) for audio in (pair.original, pair.copy)]

    def right(pair: Pair) -> list[bool] | None:
        return (
            [guess == pair.row.emotion for guess in guesses(pair)]
            if pair.row.emotion in judge.labels
            else None
        )

    def of_right(count: Callable[[bool, bool], Score]) -> Callable[[Pair], Score]:
        return lambda pair: count(*right(pair)) if right(pair) else float("nan")

    def agreement(pair: Pair) -> float:
        first, second = guesses(pair)
        return 100.0 * (first == second)

    kinds = (
        ("agreement", "%", True, agreement),
        ("accuracy", "%", True, of_right(lambda before, after: 100.0 * after)),
        (
            "degradation",
            "%",
            False,
            of_right(lambda before, after: (100.0 * (before and not after), float(before))),
        ),
        ("loss", "points", False, of_right(lambda before, after: 100.0 * (before - after))),
    )
    metrics = [
        Metric(
            f"emotion {kind}, {judge.card.name}",
            unit,
            better,
            EMOTION,
            measure,
            judge.card.packages,
            judge.card.install,
            by_emotion=kind == "loss",
        )
        for kind, unit, better, measure in kinds
    ]
    return (*metrics, *(_dimension(judge, name) for name in DIMENSIONS if hasattr(judge, "affect")))


def _dimension(judge: EmotionJudge, name: str) -> Metric:
    def level(pair: Pair) -> float:
        return float(judge.affect(pair.copy, pair.sample_rate)[name])

    return Metric(f"{name}, {judge.card.name}", "", None, EMOTION, level)
