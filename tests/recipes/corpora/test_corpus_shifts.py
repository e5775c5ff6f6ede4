"""Corpora side by side, and how emotions move a voice in one."""

import sys
from dataclasses import replace

import pytest

pytest.importorskip("scipy")


from affecttts.evaluation.signal.acoustics import Acoustics
from affecttts.evaluation.speech.shifts import ALL_VOICES, read_cells
from tiny_models import DATA, load_recipe

drawn, shifts_by_emotion = (
    getattr(load_recipe("corpora/corpus_twins"), name) for name in ("drawn", "shifts_by_emotion")
)

NEUTRAL = Acoustics(
    f0_st=10.0,
    f0_hz=178.0,
    f0_range_st=6.0,
    rate=12.0,
    level_db=-23.0,
    tilt_db=-15.0,
    speech_seconds=2.0,
)


def test_shifts_are_from_the_speakers_own_neutral(utterances):
    row = utterances[0]
    clips = [
        (replace(row, speaker="a", emotion="neutral"), NEUTRAL),
        (replace(row, speaker="b", emotion="neutral"), replace(NEUTRAL, f0_st=20.0)),
        (replace(row, speaker="a", emotion="sad"), replace(NEUTRAL, f0_st=8.0)),
        (replace(row, speaker="b", emotion="sad"), replace(NEUTRAL, f0_st=16.0, level_db=-27.0)),
        (replace(row, speaker="c", emotion="sad"), NEUTRAL),  # without a neutral clip
    ]
    shifts = shifts_by_emotion(clips)
    sad, neutral = (shifts[name] for name in ("sad", "neutral"))
    assert sad.pop("clips") == neutral.pop("clips") == 2
    means = {name: value.mean for name, value in sad.items()}
    assert means == pytest.approx(
        {"f0": -3.0, "range": 0.0, "rate": 0.0, "level": -2.0, "tilt": 0.0}
    )
    assert sad["f0"].low == pytest.approx(-4.0) and sad["f0"].high == pytest.approx(-2.0)
    assert all(value.mean == pytest.approx(0.0) for value in neutral.values())


def test_clips_are_drawn_evenly():
    rows = drawn(DATA, 5)
    assert len(rows) == 5 and len({row.id for row in rows}) == 5 and len(drawn(DATA, 99)) == 12


def test_the_shifts_of_a_corpus_are_measured_and_written(tmp_path, monkeypatch, capsys):
    recipe = load_recipe("corpora/measure_shifts")
    options = ["--manifest", DATA / "manifest.jsonl", "--output", tmp_path / "shifts.json"]
    monkeypatch.setattr(sys, "argv", ["measure_shifts", *map(str, options)])
    recipe.main()
    cells = read_cells(tmp_path / "shifts.json")
    pairs = {(row.emotion, row.speaker) for row in recipe.read_manifest(DATA / "manifest.jsonl")}
    assert cells and {(e, v) for e, v, _ in cells if v != ALL_VOICES} < pairs
    assert all(emotion != "neutral" for emotion, _, _ in cells)
    assert "surprised" in capsys.readouterr().out
