"""The page of a TTS evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from affecttts.evaluation.judges.declarations import EXTRA
from affecttts.evaluation.report.page import Alarm, Clip, Figure, Players, Section, Table
from affecttts.evaluation.signal.acoustics import SHIFTS
from affecttts.evaluation.speech.chapters import Chapter
from affecttts.evaluation.speech.comparison import Difference
from affecttts.evaluation.speech.emotion_scores import shift_rows, shifts_of
from affecttts.evaluation.speech.evaluation import Evaluated
from affecttts.evaluation.speech.figures import confusion_figure, contour_figure
from affecttts.evaluation.speech.plan import evenly, key_of
from affecttts.evaluation.speech.scores import Score
from affecttts.evaluation.speech.shifts import Cells, summarize
from affecttts.evaluation.speech.speaking import clip_audio
from affecttts.evaluation.stats.bootstrap import Interval
from affecttts.evaluation.stats.chance import Band
from affecttts.evaluation.stats.summary import show
from affecttts.synthesis.request import SpeechRequest

COLUMNS = (
    "measure",
    "n",
    "model [95 %]",
    "n of corpus",
    "corpus, the ceiling [95 %]",
    "floor or chance",
)
PLAYED = 12  # items with a player
HONESTY = (
    "Intervals: 1000 bootstrap resamples over clips. Chance: labels permuted 1000 times, 95 % of "
    "what comes out. A judge hears "
    "what its training taught it: compare the model with the corpus in the same row, never with "
    "100 %."
)


def sections(
    evaluated: Evaluated,
    chapters: Sequence[Chapter],
    cells: Cells,
    found: list[tuple],
    compared: Sequence[Difference],
    failures: dict[str, list[str]],
) -> list[Section]:
    """Sections of the page, in the order of reading."""
    drawn = find_spec("matplotlib") is not None
    figures: list[Figure | Table] = []
    for name, model, corpus in found if drawn else []:
        figures.append(confusion_figure(f"{name}: the model", model))
        figures += [confusion_figure(f"{name}: the corpus", corpus)] if corpus else []
    contours = {r.emotion: _sound(evaluated, key_of(r)) for r in evaluated.plan.contours}
    contours = {name: clip for name, clip in contours.items() if len(clip[0])}
    if drawn and contours:
        text = evaluated.plan.contours[0].text
        note = f'"{text}"; grey: {next(iter(contours))}.'
        figures.append(contour_figure("F0 of the same text in all emotions", contours, note))
    if not drawn:
        figures.append(
            Table("Figures", ("what", "why not"), (("confusion matrices, F0 contours", EXTRA),))
        )
    emotions = [request.emotion for request in evaluated.plan.contours]
    shifts = shift_rows(summarize(shifts_of(evaluated.with_twins())), cells, emotions)
    columns = ("emotion", *(f"{measure}, {unit}" for measure, unit in SHIFTS.items()))
    note = "* = the corpus's mean exceeds the deviation of its pairs."
    table = Table("Shifts from the neutral twin, model / corpus", columns, tuple(shifts), note)
    return [
        Section("How to read this", (*map(Alarm, evaluated.alarms), _judge_table(evaluated))),
        Section("Scores", tuple(table_of(chapter) for chapter in chapters)),
        *(
            [Section("Compared with the other model", (_comparison_table(compared),))]
            if evaluated.rival
            else []
        ),
        Section("Emotion in pictures", (table, *figures)),
        Section("Failures", (_failure_table(evaluated, failures),)),
        Section("Listen", (_players(evaluated), _contour_players(contours))),
    ]


def _judge_table(evaluated: Evaluated) -> Table:
    rows = [
        (c.name, c.measures, c.licence, c.provenance, ", ".join(c.taught) or "none known")
        for c in evaluated.panel.cards
    ]
    rows += [(part, "missing", "", why, "") for part, why in evaluated.panel.missing.items()]
    return Table(
        "Judges",
        ("judge", "measures", "licence", "provenance", "is or taught"),
        tuple(rows),
        HONESTY,
    )


def table_of(chapter: Chapter) -> Table:
    """A chapter as cells of text."""
    rows = tuple(_cells_of(score) for score in chapter.scores) or (
        (chapter.missing or "nothing to measure", *[""] * 5),
    )
    return Table(chapter.title, COLUMNS, rows, chapter.note)


def _cells_of(score: Score) -> tuple[str, ...]:
    ceiling = show(score.ceiling) if score.ceiling else ""
    return (
        score.name,
        str(score.n),
        show(score.value),
        str(score.ceiling_n or ""),
        ceiling,
        _floor(score.floor),
    )


def _floor(floor: Interval | Band | None) -> str:
    if isinstance(floor, Band):
        return (
            f"{floor.low:.3g}"
            if floor.low == floor.high
            else (f"{floor.low:.3g} to {floor.high:.3g}")
        )
    return show(floor) if floor is not None else ""


def _comparison_table(compared: Sequence[Difference]) -> Table:
    rows = tuple(
        (row.name, str(c.n), show(Interval(c.difference, c.low, c.high)), f"{c.p:.3g}")
        for row in compared
        for c in [row.comparison]
    )
    note = (
        "On the same items. p: two-sided, by flipping signs; not corrected for the number of rows."
    )
    return Table(
        "This model minus the other", ("measure", "n", "difference [95 %]", "p"), rows, note
    )


def _failure_table(evaluated: Evaluated, failures: dict[str, list[str]]) -> Table:
    texts = {name: request.text for name, request in evaluated.plan.items}
    rows = tuple((name, ", ".join(wrong), texts[name]) for name, wrong in failures.items())
    return Table("Items with a fault", ("item", "faults", "text"), rows or (("none", "", ""),))


def _players(evaluated: Evaluated) -> Players:
    """The same items in every report with the same items."""
    chosen = evenly(evaluated.plan.items, PLAYED)
    clips = [
        (f"{name}: {_manner(request)}, {request.voice}", *_sound(evaluated, key_of(request)))
        for name, request in chosen
    ]
    return Players("Items, spread evenly", tuple(Clip(*clip) for clip in clips if len(clip[1])))


def _manner(request: SpeechRequest) -> str:
    strength = f" {request.intensity:g}" if request.intensity is not None else ""
    return request.prompt or f"{request.emotion or 'neutral'}{strength}"


def _contour_players(contours: dict[str, tuple[np.ndarray, int]]) -> Players:
    return Players(
        "The same text in all emotions", tuple(Clip(name, *clip) for name, clip in contours.items())
    )


def _sound(evaluated: Evaluated, key: str) -> tuple[np.ndarray, int]:
    return clip_audio(evaluated.clips, key)
