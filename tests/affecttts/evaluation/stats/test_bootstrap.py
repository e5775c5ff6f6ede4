"""Bootstrap intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from affecttts.evaluation.stats.bootstrap import difference_interval, interval, ratio_interval


def test_the_interval_contains_the_mean_and_is_repeatable():
    values = np.random.default_rng(1).normal(5.0, 2.0, 200)
    first = interval(values)
    assert first == interval(values)
    assert first.low < first.mean < first.high
    assert first.mean == pytest.approx(values.mean())
    assert first.high - first.low == pytest.approx(2 * 1.96 * 2.0 / math.sqrt(200), rel=0.25)


def test_not_a_numbers_are_left_out():
    assert interval([1.0, float("nan"), 1.0]) == (1.0, 1.0, 1.0)
    assert all(math.isnan(value) for value in interval([]))


def test_a_corpus_rate_weights_long_utterances():
    assert ratio_interval([1, 0], [1, 9]).mean == pytest.approx(0.1)


def test_equal_systems_do_not_differ():
    assert difference_interval([3, 1, 2], [3, 1, 2], [10, 10, 10]) == (0.0, 0.0, 0.0)
