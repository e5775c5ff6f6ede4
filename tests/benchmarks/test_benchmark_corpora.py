"""Corpora side by side, and the synthetic manifest of the scale benchmark."""

from dataclasses import replace

import pytest

pytest.importorskip("scipy")

from corpus_twins import drawn, shifts_by_emotion
from manifest_scale import measure, write_rows

from affecttts.evaluation.signal.acoustics import Acoustics
from tiny_models import DATA

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


@pytest.mark.parametrize("step", ["check", "check again", "plan"])
def test_the_scale_benchmark_loses_no_row(tmp_path, step):
    assert measure(step, write_rows(tmp_path, 70))["rows"] == 70
