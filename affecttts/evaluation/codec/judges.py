"""Which judges hear codecs' copies, and whether they may: none that taught a codec under test,
unless forced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from affecttts.errors import RequestError
from affecttts.evaluation.codec.emotion_retention import emotion_metrics
from affecttts.evaluation.codec.metric import Metric
from affecttts.evaluation.codec.metrics import JUDGES, METRICS
from affecttts.evaluation.codec.systems import Absent, System
from affecttts.evaluation.judges.declarations import JudgeCard, screen
from affecttts.evaluation.judges.emotion import load_emotion_judge

USUAL = ("acoustic", "spectral")  # the relative one would need every speaker's neutral clips


@dataclass(frozen=True)
class CodecPanel:
    """What is measured, who judges, and what a reader must be told."""

    metrics: tuple[Metric, ...] = METRICS
    cards: tuple[JudgeCard, ...] = tuple(JUDGES.values())
    alarms: tuple[str, ...] = ()


def convene(
    systems: Sequence[System | Absent],
    names: Sequence[str] = (),
    without: Sequence[str] = (),
    force: bool = False,
) -> CodecPanel:
    """The panel for these systems.

    Args:
        names: of emotion judges, see `load_emotion_judge`; none = the usual ones.
        without: judges to leave out: names of `JUDGES` or an emotion judge.
        force: let in judges that taught a codec.

    Raises:
        RequestError: an unknown judge, or one that taught a codec under test.
        CheckpointError: a folder that holds no judge.
    """
    asked = tuple(names) or USUAL
    if unknown := set(without) - {*JUDGES, *asked}:
        raise RequestError(
            f"--without-judge {min(unknown)}: no judge here; known: {', '.join((*JUDGES, *asked))}"
        )
    judges = [load_emotion_judge(name) for name in asked if name not in without]
    kept = tuple(metric for metric in METRICS if metric.judge not in without)
    cards = tuple(card for name, card in JUDGES.items() if name not in without) + tuple(
        judge.card for judge in judges
    )
    teachers = {
        teacher
        for system in systems
        if not isinstance(system, Absent)
        for teacher in system.teachers
    }
    alarms = screen(cards, sorted(teachers), "", force)
    return CodecPanel(
        (*kept, *(metric for judge in judges for metric in emotion_metrics(judge))),
        cards,
        tuple(alarms),
    )
