"""report.json and report.html of a TTS evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from affecttts.evaluation.judges.declarations import EXTRA, declared
from affecttts.evaluation.report.page import (
    Alarm,
    Clip,
    Figure,
    Players,
    Section,
    Table,
    write_page,
)
from affecttts.evaluation.report.plain import to_plain
from affecttts.evaluation.signal.acoustics import SHIFTS
from affecttts.evaluation.speech.comparison import Difference, differences
from affecttts.evaluation.speech.evaluation import Evaluated
from affecttts.evaluation.speech.figures import confusion_figure, contour_figure
from affecttts.evaluation.speech.plan import evenly
from affecttts.evaluation.speech.scores import (
    HALF,
    Ear,
    Score,
    beside,
    contrast,
    fault_scores,
    faults,
    ladder_scores,
    neutral_pairs,
    prompt_scores,
    prosody_scores,
    recognition_scores,
    shift_rows,
    shifts_of,
    sign_score,
    sound_scores,
    voice_scores,
    word_scores,
    words_by_emotion,
)
from affecttts.evaluation.speech.shifts import Cells, read_cells, summarize
from affecttts.evaluation.speech.speaking import clip_audio
from affecttts.evaluation.stats.bootstrap import Interval
from affecttts.evaluation.stats.chance import Band
from affecttts.evaluation.stats.summary import markdown_table, show
from codec.files import write_json

COLUMNS = (
    "measure",
    "n",
    "model [95 %]",
    "n of corpus",
    "corpus, the ceiling [95 %]",
    "floor or chance",
)
PLAYED = 12  # items with a player
PAIRS_ENOUGH = 60  # clips beside their neutral twins from which a corpus's shifts are known
HONESTY = (
    "Intervals: 1000 bootstrap resamples over clips. Chance: labels permuted 1000 times, 95 % of "
    "what comes out. A judge hears "
    "what its training taught it: compare the model with the corpus in the same row, never with "
    "100 %."
)


@dataclass(frozen=True)
class Chapter:
    """A table of scores on its way to JSON and HTML."""

    title: str
    scores: tuple[Score, ...]
    note: str = ""
    missing: str = ""  # how to install what would fill it


def build(evaluated: Evaluated) -> dict[str, Any]:
    """Write report.json and report.html into the report's folder; returns the contents of the
    first.
    """
    cells, source = _cells(evaluated)
    ears = [Ear(judge, evaluated.takes.values()) for judge in evaluated.panel.emotions.values()]
    of_corpus = [Ear(judge, evaluated.corpus) for judge in evaluated.panel.emotions.values()]
    items, found = evaluated.items(), []
    for ear, other in zip(ears, of_corpus):
        if model := ear.recognise(items):
            found.append((ear.judge.card.name, model, other.recognise(evaluated.corpus_items())))
    chapters = [
        *_plain_chapters(evaluated),
        *_emotion_chapters(evaluated, cells, source, ears, of_corpus, found),
    ]
    report = {
        "facts": evaluated.facts,
        "alarms": list(evaluated.alarms),
        "judges": declared(evaluated.panel.cards),
        "missing": evaluated.panel.missing,
        "chapters": chapters,
        "comparison": _comparison(evaluated),
        "confusion": {
            name: {"labels": model.labels, "counts": model.counts.tolist()}
            for name, model, _ in found
        },
        "failures": _failures(evaluated),
    }
    write_json(evaluated.options.report / "report.json", to_plain(report))
    sections = _sections(evaluated, chapters, cells, found)
    write_page(
        evaluated.options.report / "report.html",
        "Evaluation of speech synthesis",
        sections,
        evaluated.facts,
    )
    return report


def _cells(evaluated: Evaluated) -> tuple[Cells, str]:
    """What emotions do in the corpus: in that of the manifest where it has pairs enough, else in
    that of the shipped model.
    """
    pairs = shifts_of(evaluated.corpus)
    if len(pairs) >= PAIRS_ENOUGH:
        return summarize(pairs), str(evaluated.options.manifest)
    return read_cells(), "the training corpus of the shipped model"


def _plain_chapters(evaluated: Evaluated) -> list[Chapter]:
    """All that is not about emotion."""
    items, corpus, missing = evaluated.items(), evaluated.corpus_items(), evaluated.panel.missing
    spoken = [evaluated.spoken[ask.key] for _, ask in evaluated.plan.items]
    wrong = [faults(take, clip.finish_reason) for take, clip in zip(items, spoken)]
    factors = [clip.elapsed / clip.seconds if clip.seconds else float("nan") for clip in spoken]
    peaks = [clip.peak_megabytes for clip in evaluated.spoken.values() if clip.peak_megabytes]
    waits = [clip.elapsed for clip in spoken]
    speed = [
        beside("real-time factor", factors),
        beside("seconds to the first sound (nothing is streamed: all of it)", waits),
    ]
    if peaks:
        speed.append(
            Score(
                "peak memory of the process that spoke, MB",
                Interval(max(peaks), math.nan, math.nan),
                len(peaks),
            )
        )
    of_corpus = [faults(take, "end") for take in corpus]
    return [
        Chapter(
            "Words",
            tuple(word_scores(items, corpus)),
            "Floor: the transcript of the next item.",
            missing.get("words", ""),
        ),
        Chapter(
            "Words by emotion, errors in %",
            tuple(words_by_emotion(items)),
            "",
            missing.get("words", ""),
        ),
        Chapter(
            "Faults",
            tuple(fault_scores(wrong, of_corpus)),
            "0 in n says only that the rate is below about 300 / n %.",
        ),
        Chapter(
            "Voice",
            tuple(voice_scores(items, corpus)),
            "Floor: clips of other voices.",
            missing.get("voice", ""),
        ),
        Chapter(
            "Sound, DNSMOS overall (1 to 5)",
            tuple(sound_scores(items, corpus)),
            "",
            missing.get("sound", ""),
        ),
        Chapter(
            "Prosody",
            tuple(prosody_scores(items, corpus)),
            "Nearer to the corpus is nearer to its style, no better.",
        ),
        Chapter("Speed and memory", tuple(speed), "On this machine, as busy as it was."),
    ]


def _emotion_chapters(
    evaluated: Evaluated,
    cells: Cells,
    source: str,
    ears: list[Ear],
    of_corpus: list[Ear],
    found: list[tuple],
) -> list[Chapter]:
    takes, twins = evaluated.takes, evaluated.with_twins()
    cards = {judge.card.name: judge.card for judge in evaluated.panel.emotions.values()}
    chapters = [
        Chapter(
            f"Emotion, heard by {name}",
            tuple(recognition_scores(model, corpus)),
            cards[name].provenance,
        )
        for name, model, corpus in found
    ]
    pairs, corpus_pairs = neutral_pairs(twins), neutral_pairs(evaluated.corpus)
    contrasts = [
        beside(
            f"heard more than in the twin, {ear.judge.card.name}, %",
            contrast(ear, pairs),
            contrast(other, corpus_pairs),
            HALF,
        )
        for ear, other in zip(ears, of_corpus)
    ]
    contrasts.append(sign_score(shifts_of(twins), shifts_of(evaluated.corpus), cells))
    same = (
        "Same text, same voice, same seed, with the emotion and neutral: neither words nor "
        "voice can give the answer."
    )
    chapters.append(
        Chapter(
            "Contrast with neutral",
            tuple(contrasts),
            f"{same} Signs: of the clear shifts of {source}.",
        )
    )
    ladders = [[takes[ask.key] for ask in steps] for steps in evaluated.plan.ladders]
    if ladders:
        chapters.append(
            Chapter(
                "Intensity 0.5 < 1 < 1.5",
                tuple(ladder_scores(ears, ladders, cells)),
                "Chance: 1 of 6 orders.",
            )
        )
    prompted = [
        (takes[ask.key], emotion, takes[ask.twin.key]) for ask, emotion in evaluated.plan.prompted
    ]
    if prompted:
        note = (
            "Prompts that were not used to fit the reader; each stands for an emotion that it "
            "does not name."
        )
        chapters.append(
            Chapter("Free-text prompts", tuple(prompt_scores(ears, prompted, cells)), note)
        )
    return chapters


def _failures(evaluated: Evaluated) -> dict[str, list[str]]:
    """Item -> its faults, for those that have any."""
    found = {}
    for (name, ask), take in zip(evaluated.plan.items, evaluated.items()):
        wrong = [
            fault
            for fault, there in faults(take, evaluated.spoken[ask.key].finish_reason).items()
            if there
        ]
        if wrong:
            found[name] = wrong
    return found


def _comparison(evaluated: Evaluated) -> list[Difference]:
    keys = [ask.key for _, ask in evaluated.plan.items]
    return differences(
        evaluated.takes, evaluated.rival, keys, list(evaluated.panel.emotions.values())
    )


# -- the page
def _sections(
    evaluated: Evaluated, chapters: Sequence[Chapter], cells: Cells, found: list[tuple]
) -> list[Section]:
    drawn = find_spec("matplotlib") is not None
    figures: list[Figure | Table] = []
    for name, model, corpus in found if drawn else []:
        figures.append(confusion_figure(f"{name}: the model", model))
        figures += [confusion_figure(f"{name}: the corpus", corpus)] if corpus else []
    contours = {ask.emotion: _sound(evaluated, ask.key) for ask in evaluated.plan.contours}
    contours = {name: clip for name, clip in contours.items() if len(clip[0])}
    if drawn and contours:
        text = evaluated.plan.contours[0].text
        note = f'"{text}"; grey: {next(iter(contours))}.'
        figures.append(contour_figure("F0 of the same text in all emotions", contours, note))
    if not drawn:
        figures.append(
            Table("Figures", ("what", "why not"), (("confusion matrices, F0 contours", EXTRA),))
        )
    emotions = [ask.emotion for ask in evaluated.plan.contours]
    shifts = shift_rows(summarize(shifts_of(evaluated.with_twins())), cells, emotions)
    columns = ("emotion", *(f"{measure}, {unit}" for measure, unit in SHIFTS.items()))
    note = "* = the corpus's mean exceeds the deviation of its pairs."
    table = Table("Shifts from the neutral twin, model / corpus", columns, tuple(shifts), note)
    return [
        Section("How to read this", (*map(Alarm, evaluated.alarms), _judge_table(evaluated))),
        Section("Scores", tuple(_table(chapter) for chapter in chapters)),
        *(
            [Section("Compared with the other model", (_comparison_table(evaluated),))]
            if evaluated.rival
            else []
        ),
        Section("Emotion in pictures", (table, *figures)),
        Section("Failures", (_failure_table(evaluated),)),
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


def _table(chapter: Chapter) -> Table:
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


def _comparison_table(evaluated: Evaluated) -> Table:
    rows = tuple(
        (row.name, str(c.n), show(Interval(c.difference, c.low, c.high)), f"{c.p:.3g}")
        for row in _comparison(evaluated)
        for c in [row.comparison]
    )
    note = (
        "On the same items. p: two-sided, by flipping signs; not corrected for the number of rows."
    )
    return Table(
        "This model minus the other", ("measure", "n", "difference [95 %]", "p"), rows, note
    )


def _failure_table(evaluated: Evaluated) -> Table:
    texts = {name: ask.text for name, ask in evaluated.plan.items}
    rows = tuple(
        (name, ", ".join(wrong), texts[name]) for name, wrong in _failures(evaluated).items()
    )
    return Table("Items with a fault", ("item", "faults", "text"), rows or (("none", "", ""),))


def _players(evaluated: Evaluated) -> Players:
    """The same items in every report with the same items."""
    chosen = evenly(evaluated.plan.items, PLAYED)
    clips = [
        (f"{name}: {_manner(ask)}, {ask.voice}", *_sound(evaluated, ask.key))
        for name, ask in chosen
    ]
    return Players("Items, spread evenly", tuple(Clip(*clip) for clip in clips if len(clip[1])))


def _manner(ask) -> str:
    return ask.prompt or f"{ask.emotion or 'neutral'}" + (
        f" {ask.intensity:g}" if ask.intensity is not None else ""
    )


def _contour_players(contours: dict[str, tuple[np.ndarray, int]]) -> Players:
    return Players(
        "The same text in all emotions", tuple(Clip(name, *clip) for name, clip in contours.items())
    )


def _sound(evaluated: Evaluated, key: str) -> tuple[np.ndarray, int]:
    return clip_audio(evaluated.clips, key)


def render(report: dict[str, Any]) -> str:
    """What `build` returned as Markdown tables, for a terminal."""
    parts = [f"ALARM: {alarm}" for alarm in report["alarms"]]
    for chapter in report["chapters"]:
        table = _table(chapter)
        parts.append(
            f"{table.title}\n\n"
            + markdown_table(list(table.columns), [list(row) for row in table.rows])
        )
    return "\n".join(parts)
