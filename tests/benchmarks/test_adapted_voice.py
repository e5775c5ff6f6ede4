"""The benchmark of adapted voices on answers that are known."""

from __future__ import annotations

import pytest
from adapted_voice import Listening

from affecttts.evaluation.judges.words import WordCounts


def heard(cosine: float, errors: int) -> Listening:
    return Listening(
        [cosine - 0.1, cosine + 0.1],
        [WordCounts(10 - errors, errors, 0, 0, 0, 0), WordCounts(10, 0, 0, 0, 0, 0)],
    )


def test_a_voice_is_told_by_itself_and_beside_the_best_base_voice():
    base, adapted = heard(0.6, 1), heard(0.8, 3)
    assert [value.mean for value in base.row()] == pytest.approx([0.6, 5.0])
    assert [value.mean for value in adapted.row(base)] == pytest.approx([0.8, 15.0, 0.2, 10.0])
    gain = adapted.row(base)[2]
    assert gain.low == pytest.approx(0.2) and gain.high == pytest.approx(0.2), "paired by clip"
