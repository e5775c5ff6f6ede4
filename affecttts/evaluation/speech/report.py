"""report.json and report.html of a TTS evaluation."""

from __future__ import annotations

from typing import Any

from affecttts.evaluation.judges.declarations import declared
from affecttts.evaluation.report.page import write_page
from affecttts.evaluation.report.plain import to_plain
from affecttts.evaluation.speech.chapters import emotion_chapters, plain_chapters
from affecttts.evaluation.speech.comparison import Difference, differences
from affecttts.evaluation.speech.emotion_scores import Ear, shifts_of
from affecttts.evaluation.speech.evaluation import Evaluated
from affecttts.evaluation.speech.page import sections, table_of
from affecttts.evaluation.speech.plain_scores import faults
from affecttts.evaluation.speech.plan import key_of
from affecttts.evaluation.speech.shifts import Cells, read_cells, summarize
from affecttts.evaluation.stats.summary import markdown_table
from codec.files import write_json

PAIRS_ENOUGH = 60  # clips beside their neutral twins from which a corpus's shifts are known


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
        *plain_chapters(evaluated),
        *emotion_chapters(evaluated, cells, source, ears, of_corpus, found),
    ]
    compared, failures = _comparison(evaluated), _failures(evaluated)
    report = {
        "facts": evaluated.facts,
        "alarms": list(evaluated.alarms),
        "judges": declared(evaluated.panel.cards),
        "missing": evaluated.panel.missing,
        "chapters": chapters,
        "comparison": compared,
        "confusion": {
            name: {"labels": model.labels, "counts": model.counts.tolist()}
            for name, model, _ in found
        },
        "failures": failures,
    }
    write_json(evaluated.options.report / "report.json", to_plain(report))
    write_page(
        evaluated.options.report / "report.html",
        "Evaluation of speech synthesis",
        sections(evaluated, chapters, cells, found, compared, failures),
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


def _failures(evaluated: Evaluated) -> dict[str, list[str]]:
    """Item -> its faults, for those that have any."""
    found = {}
    for (name, request), take in zip(evaluated.plan.items, evaluated.items()):
        reason = evaluated.spoken[key_of(request)].finish_reason
        wrong = [fault for fault, there in faults(take, reason).items() if there]
        if wrong:
            found[name] = wrong
    return found


def _comparison(evaluated: Evaluated) -> list[Difference]:
    keys = [key_of(request) for _, request in evaluated.plan.items]
    return differences(
        evaluated.takes, evaluated.rival, keys, list(evaluated.panel.emotions.values())
    )


def render(report: dict[str, Any]) -> str:
    """What `build` returned as Markdown tables, for a terminal."""
    parts = [f"ALARM: {alarm}" for alarm in report["alarms"]]
    for chapter in report["chapters"]:
        table = table_of(chapter)
        parts.append(
            f"{table.title}\n\n"
            + markdown_table(list(table.columns), [list(row) for row in table.rows])
        )
    return "\n".join(parts)
