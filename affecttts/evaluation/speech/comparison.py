"""Two models on the same items: differences with intervals and paired tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affecttts.errors import RequestError
from affecttts.evaluation.judges.emotion import EmotionJudge
from affecttts.evaluation.report.journal import read_journal
from affecttts.evaluation.speech.emotion_scores import Ear
from affecttts.evaluation.speech.plan import meant_emotion
from affecttts.evaluation.speech.scores import Take
from affecttts.evaluation.stats.paired import Comparison, compare
from affecttts.synthesis.request import SpeechRequest

NAN = float("nan")


@dataclass(frozen=True)
class Difference:
    """This model's value minus the other's."""

    name: str
    comparison: Comparison


def other_takes(report: Path, requests: dict[str, SpeechRequest]) -> dict[str, Take]:
    """What another report's judges heard of the same requests, by key.

    Raises:
        RequestError: it is no report, or has none of the requests.
    """
    path = report / "items.jsonl"
    if not path.is_file():
        raise RequestError(
            f"{report}: no report of `evaluate tts` there (no items.jsonl); give "
            "the folder of one to compare with"
        )
    done = read_journal(path)
    takes = {
        key: Take(request.text, request.voice, meant_emotion(request), done[key])
        for key, request in requests.items()
        if key in done
    }
    if not takes:
        raise RequestError(
            f"{report}: has none of these items; evaluate both models on the same "
            "items, voices and seeds"
        )
    return takes


def differences(
    mine: dict[str, Take],
    theirs: dict[str, Take],
    keys: Sequence[str],
    judges: Sequence[EmotionJudge],
) -> list[Difference]:
    """All that both reports have of the items with these keys."""
    keys = [key for key in dict.fromkeys(keys) if key in theirs]
    rows = [
        _difference(
            name,
            mine,
            theirs,
            keys,
            lambda take, part=part: 100 * take.heard[part]["errors"],
            lambda take, part=part: take.heard[part]["words"],
        )
        for name, part in (
            ("word errors, %", "words"),
            ("word errors, Whisper base, %", "whisper_base"),
        )
    ]
    rows += [
        _difference(name, mine, theirs, keys, lambda take, part=part: take.heard[part])
        for name, part in (("naturalness, DistillMOS", "distillmos"), ("sound, DNSMOS", "sound"))
    ]
    for judge in judges:
        ears = Ear(judge, mine.values()), Ear(judge, theirs.values())
        sides = [
            [_right(ear, takes[key]) for key in keys] for ear, takes in zip(ears, (mine, theirs))
        ]
        rows.append(Difference(f"emotion heard right, {judge.card.name}, %", compare(*sides)))
    return [row for row in rows if row.comparison.n]


def _difference(
    name: str,
    mine: dict[str, Take],
    theirs: dict[str, Take],
    keys: Sequence[str],
    value: Callable[[Take], float],
    weight: Callable[[Take], float] = lambda take: 1.0,
) -> Difference:
    def known(measure: Callable[[Take], float], take: Take) -> float:
        try:
            return measure(take)
        except KeyError:  # that judge was missing
            return NAN

    first, second = ([known(value, side[key]) for key in keys] for side in (mine, theirs))
    weights = np.nan_to_num([known(weight, mine[key]) for key in keys])
    return Difference(name, compare(first, second, weights))


def _right(ear: Ear, take: Take) -> float:
    heard = ear(take)
    if heard is None or take.meant not in ear.judge.labels:
        return NAN
    return 100.0 * (ear.judge.labels[int(heard.argmax())] == take.meant)
