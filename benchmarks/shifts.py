"""Shifts between a neutral clip and the same words with an emotion, by cell, in the corpus and in the model.

A cell is emotion x voice x measure. It is clear in the corpus where |mean| > standard deviation of its paired shifts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from affecttts.evaluation.acoustics import SHIFTS, acoustics, letters, shift
from common import AFFECTED, DATA, VOICES, progress, read_lines

CORPUS_SHIFTS = DATA / "corpus_shifts.json"
ALL_VOICES = "all"


class Pair(NamedTuple):
    """The shift of one clip from its neutral twin."""

    emotion: str
    voice: str
    shifts: dict[str, float]  # measure -> shift


class Cell(NamedTuple):
    """Shifts of one emotion x voice x measure."""

    mean: float
    deviation: float
    pairs: int

    @property
    def clear(self) -> bool:
        """Whether the direction is one a listener could rely on."""
        return abs(self.mean) > self.deviation


Cells = dict[tuple[str, str, str], Cell]  # (emotion, voice or "all", measure)


def summarize(pairs: Iterable[Pair]) -> Cells:
    """Cells of all pairs, each voice alone and all voices together."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for pair in pairs:
        for measure, value in pair.shifts.items():
            for voice in (pair.voice, ALL_VOICES):
                values.setdefault((pair.emotion, voice, measure), []).append(value)
    return {key: _cell(np.array(numbers)) for key, numbers in values.items()}


def _cell(values: np.ndarray) -> Cell:
    values = values[np.isfinite(values)]
    return Cell(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("inf"), len(values))


def corpus_pairs(corpus: Path) -> list[Pair]:
    """Measure every clip of the emotive part that has a neutral clip of the same text and speaker.

    Args:
        corpus: folder with `emotive/manifest.jsonl`.
    """
    import soundfile

    rows = read_lines(corpus / "emotive" / "manifest.jsonl")
    neutral = {(row["speaker"], row["text"]): row for row in rows if row["emotion"] == "neutral"}
    matched = [row for row in rows if row["emotion"] != "neutral" and (row["speaker"], row["text"]) in neutral]
    measured: dict[str, Any] = {}

    def measure(row: dict[str, Any]) -> Any:
        if row["id"] not in measured:
            audio, sample_rate = soundfile.read(corpus / "emotive" / row["path"], dtype="float32")
            measured[row["id"]] = acoustics(audio, sample_rate, letters(row["text"]))
        return measured[row["id"]]

    return [
        Pair(row["emotion"], row["speaker"], shift(measure(neutral[row["speaker"], row["text"]]), measure(row)))
        for row in progress(matched, "corpus pairs")
    ]


def write_cells(path: Path, cells: Cells, source: str) -> None:
    """Write cells as emotion -> voice -> measure -> [mean, standard deviation, pairs]."""
    tree: dict[str, Any] = {"source": source, "units": SHIFTS, "fields": ["mean", "deviation", "pairs"], "cells": {}}
    for emotion in AFFECTED:
        for voice in (*VOICES, ALL_VOICES):
            tree["cells"].setdefault(emotion, {})[voice] = {
                measure: [round(x, 3) for x in cells[emotion, voice, measure]] for measure in SHIFTS
            }
    path.write_text(_compact(tree), encoding="utf-8")


def _compact(tree: dict[str, Any]) -> str:
    """JSON with one line per emotion and voice."""
    lines = [
        f'  "{emotion}": {{\n'
        + ",\n".join(f'   "{voice}": {json.dumps(row)}' for voice, row in voices.items())
        + "\n  }"
        for emotion, voices in tree["cells"].items()
    ]
    head = ",\n".join(f' "{key}": {json.dumps(tree[key])}' for key in ("source", "units", "fields"))
    return "{\n" + head + ',\n "cells": {\n' + ",\n".join(lines) + "\n }\n}\n"


def read_cells(path: Path = CORPUS_SHIFTS) -> Cells:
    """Read what `write_cells` wrote."""
    tree = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {
        (emotion, voice, measure): Cell(*values)
        for emotion, voices in tree.items()
        for voice, measures in voices.items()
        for measure, values in measures.items()
    }
