"""Our sentences, and how emotions move a voice in the corpus."""

from __future__ import annotations

import json

import numpy as np
import pytest

from affecttts.evaluation.resources import CORPUS_SHIFTS, sentences
from affecttts.evaluation.signal.acoustics import SHIFTS
from affecttts.evaluation.speech.shifts import (
    ALL_VOICES,
    Cell,
    Pair,
    ordered_cells,
    read_cells,
    right_cells,
    right_pairs,
    strengths,
    summarize,
    write_cells,
)

VOICES = ("heart", "bella", "fenrir", "michael")
AFFECTED = ("calm", "happy", "sad", "angry", "fearful", "surprised", "disgusted")


def test_sentences():
    rows = sentences()
    assert [len(sentences(kind)) for kind in ("normal", "long", "short")] == [100, 12, 12]
    assert all(set(row) == {"id", "text", "kind"} for row in rows)
    assert (
        len({row["id"] for row in rows}) == len({row["text"].lower() for row in rows}) == len(rows)
    )
    sizes = {
        kind: [len(row["text"].split()) for row in sentences(kind)]
        for kind in ("normal", "long", "short")
    }
    assert 5 <= min(sizes["normal"]) <= max(sizes["normal"]) <= 16
    assert 35 <= min(sizes["long"]) <= max(sizes["long"]) <= 45
    assert 1 <= min(sizes["short"]) <= max(sizes["short"]) <= 3


def test_corpus_shifts_are_whole_and_plausible():
    cells = read_cells()
    assert set(cells) == {
        (e, v, m) for e in AFFECTED for v in (*VOICES, ALL_VOICES) for m in SHIFTS
    }
    assert cells["happy", ALL_VOICES, "f0"].mean > 2 > -2 > cells["sad", ALL_VOICES, "f0"].mean
    assert sum(cell.clear for cell in cells.values()) > 0.75 * len(cells)


def test_cells_survive_writing(tmp_path):
    cells = read_cells()
    write_cells(tmp_path / "cells.json", cells, "a test")
    assert read_cells(tmp_path / "cells.json") == cells
    assert (
        json.loads((tmp_path / "cells.json").read_text())["units"]
        == json.loads(CORPUS_SHIFTS.read_text())["units"]
    )


def pairs_like(cells: dict[tuple[str, str, str], Cell], factor: float) -> list[Pair]:
    """Two pairs a voice and emotion, moved by `factor` times the corpus's mean."""
    return [
        Pair(emotion, voice, {name: factor * cells[emotion, voice, name].mean for name in SHIFTS})
        for emotion in AFFECTED
        for voice in VOICES
        for _ in range(2)
    ]


@pytest.mark.parametrize(("factor", "share"), [(0.5, 1.0), (-1.0, 0.0)])
def test_signs_and_strength_against_the_corpus(factor, share):
    corpus = read_cells()
    pairs = pairs_like(corpus, factor)
    model = summarize(pairs)
    assert set(right_cells(model, corpus)) == set(right_pairs(pairs, corpus)) == {share}
    assert np.allclose(strengths(model, corpus), factor)


def test_order_of_intensities():
    corpus = read_cells()
    steps = [summarize(pairs_like(corpus, factor)) for factor in (0.4, 0.8, 1.2)]
    assert set(ordered_cells(steps, corpus)) == {1.0}
    assert set(ordered_cells(steps[::-1], corpus)) == {0.0}
