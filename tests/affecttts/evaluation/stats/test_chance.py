"""Permutation bands, and confusion."""

import numpy as np
import pytest

from affecttts.evaluation.stats.chance import chance_band
from affecttts.evaluation.stats.confusion import mean_recall, recognition

LABELS = ("angry", "calm", "happy", "sad")


def test_guessing_lies_within_the_band_and_knowing_above_it():
    draw = np.random.default_rng(3)
    truth = draw.integers(4, size=200)
    band = chance_band(truth, draw.integers(4, size=200), mean_recall)
    assert band.low < 25 < band.high and band.high - band.low < 20
    assert mean_recall(truth, truth) == 100 > band.high


def test_a_constant_answer_has_no_band_but_chance():
    truth = np.arange(80) % 4
    assert chance_band(truth, np.zeros(80, dtype=int), mean_recall) == (25.0, 25.0)


def test_recognition_counts_and_leaves_out_what_the_judge_has_no_word_for():
    heard = np.eye(4)[[0, 0, 1, 3, 2]]
    found = recognition(["angry", "calm", "calm", "sad", "bored"], heard, LABELS)
    assert found.n == 4 and found.accuracy.mean == 75
    assert found.mean_recall.mean == pytest.approx(100 * (1 + 0.5 + 1) / 3)
    assert found.counts[1].tolist() == [1, 1, 0, 0] and found.counts.sum() == 4
    assert {name: (n, value.mean) for name, (n, value) in found.recalls().items()} == {
        "angry": (1, 100.0),
        "calm": (2, 50.0),
        "sad": (1, 100.0),
    }
    assert recognition(["bored"], heard[:1], LABELS) is None
