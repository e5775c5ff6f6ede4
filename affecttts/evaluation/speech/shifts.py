"""How speech with an emotion differs from the same words in the same voice without, by cell, in a
corpus and in a model.

A cell is emotion x voice x measure. It is clear in the corpus where |mean| > standard deviation of
its paired shifts; only clear cells say what a model should do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from affecttts.evaluation.resources import CORPUS_SHIFTS
from affecttts.evaluation.signal.acoustics import SHIFTS, Acoustics, shift
from codec.atomic import write_text

ALL_VOICES = "all"
NEUTRAL = "neutral"
SMALL = 0.5  # of the median clear shift: what a neutral prompt may move


class Spoken(NamedTuple):
    """One measured clip."""

    emotion: str
    voice: str
    text: str
    acoustics: Acoustics


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


def twins(clips: Iterable[Spoken]) -> list[Pair]:
    """Each clip with an emotion beside the neutral clip of the same text and voice, where there is
    one.
    """
    clips = list(clips)
    neutral = {(clip.voice, clip.text): clip.acoustics for clip in clips if clip.emotion == NEUTRAL}
    return [
        Pair(clip.emotion, clip.voice, shift(neutral[clip.voice, clip.text], clip.acoustics))
        for clip in clips
        if clip.emotion != NEUTRAL and (clip.voice, clip.text) in neutral
    ]


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
    if len(values) == 0:
        return Cell(float("nan"), float("inf"), 0)
    return Cell(
        float(values.mean()),
        float(values.std(ddof=1)) if len(values) > 1 else float("inf"),
        len(values),
    )


def right_cells(model: Cells, corpus: Cells) -> list[float]:
    """1 or 0 for each clear cell of a single voice: has its mean shift the corpus's sign?"""
    return [
        float(np.sign(model[key].mean) == np.sign(cell.mean)) for key, cell in _clear(model, corpus)
    ]


def strengths(model: Cells, corpus: Cells) -> list[float]:
    """Model shift over corpus shift in each clear cell of a single voice; 1 = as strong as the
    corpus.
    """
    return [model[key].mean / cell.mean for key, cell in _clear(model, corpus)]


def _clear(model: Cells, corpus: Cells) -> Iterable[tuple[tuple[str, str, str], Cell]]:
    return (
        (k, cell)
        for k, cell in corpus.items()
        if cell.clear and k[1] != ALL_VOICES and k in model and model[k].pairs
    )


def right_pairs(pairs: Sequence[Pair], corpus: Cells) -> list[float]:
    """1 or 0 for each measure of each pair, where its cell is clear: has it the corpus's sign?

    Voices that the corpus does not have are held against all of its voices together.
    """
    answers = []
    for pair in pairs:
        for name, value in pair.shifts.items():
            cell = corpus.get((pair.emotion, pair.voice, name)) or corpus.get(
                (pair.emotion, ALL_VOICES, name)
            )
            if cell is not None and cell.clear and np.isfinite(value):
                answers.append(float(np.sign(value) == np.sign(cell.mean)))
    return answers


def ordered_cells(by_intensity: Sequence[Cells], corpus: Cells) -> list[float]:
    """1 or 0 for each clear emotion x measure cell (voices together): does its shift grow with each
    intensity?
    """
    return [
        float(np.all(np.diff([cells[key].mean for cells in by_intensity]) * np.sign(cell.mean) > 0))
        for key, cell in corpus.items()
        if cell.clear and key[1] == ALL_VOICES and all(key in cells for cells in by_intensity)
    ]


def follows(shifts: dict[str, float], emotion: str, corpus: Cells) -> bool:
    """Whether more than half of the emotion's clear measures move as in the corpus; of neutral,
    whether more than half stay.
    """
    if emotion == NEUTRAL:
        return (
            float(np.mean([abs(shifts[name]) < SMALL * typical(name, corpus) for name in SHIFTS]))
            > 0.5
        )
    cells = {
        name: corpus[emotion, ALL_VOICES, name]
        for name in SHIFTS
        if (emotion, ALL_VOICES, name) in corpus
    }
    right = [
        np.sign(shifts[name]) == np.sign(cell.mean) for name, cell in cells.items() if cell.clear
    ]
    return bool(right) and float(np.mean(right)) > 0.5


def typical(name: str, corpus: Cells) -> float:
    """Median size of the corpus's clear shifts of one measure, voices together."""
    clear = [
        abs(c.mean)
        for (_, voice, m), c in corpus.items()
        if m == name and voice == ALL_VOICES and c.clear
    ]
    return float(np.median(clear)) if clear else float("nan")


def write_cells(path: Path, cells: Cells, source: str) -> None:
    """Write cells as emotion -> voice -> measure -> [mean, standard deviation, pairs], one line per
    emotion and voice.
    """
    tree: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (emotion, voice, measure), cell in cells.items():
        tree.setdefault(emotion, {}).setdefault(voice, {})[measure] = [round(x, 3) for x in cell]
    emotions = [
        f'  "{emotion}": {{\n'
        + ",\n".join(f'   "{voice}": {json.dumps(row)}' for voice, row in voices.items())
        + "\n  }"
        for emotion, voices in tree.items()
    ]
    head = {"source": source, "units": SHIFTS, "fields": ["mean", "deviation", "pairs"]}
    lines = [f' "{key}": {json.dumps(value)}' for key, value in head.items()]
    text = "{\n" + ",\n".join(lines) + ',\n "cells": {\n' + ",\n".join(emotions) + "\n }\n}\n"
    write_text(path, text)


def read_cells(path: Path = CORPUS_SHIFTS) -> Cells:
    """Read what `write_cells` wrote; default: the training corpus of the shipped model."""
    tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {
        (emotion, voice, measure): Cell(*values)
        for emotion, voices in tree.items()
        for voice, measures in voices.items()
        for measure, values in measures.items()
    }
