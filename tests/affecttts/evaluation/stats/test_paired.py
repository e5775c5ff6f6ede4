"""Paired comparisons: a real difference is found, chance is not, errors are counted as corpus
rates.
"""

import numpy as np
import pytest

from affecttts.evaluation.stats.paired import compare


def test_a_shift_common_to_all_clips_is_found():
    base = np.random.default_rng(0).normal(size=40)
    result = compare(base + 0.3 + 0.1 * np.random.default_rng(1).normal(size=40), base)
    assert (
        result.low < 0.3 < result.high and result.low > 0.2 and result.p < 0.001 and result.n == 40
    )


def test_p_is_uniform_under_chance():
    draws = np.random.default_rng(2)
    found = [compare(*draws.normal(size=(2, 30)), seed=k).p for k in range(200)]
    assert 0.02 <= np.mean(np.array(found) < 0.1) <= 0.19 and min(found) > 0


def test_few_clips_cannot_be_significant():
    assert compare([2, 3, 4], [1, 1, 1]).p >= 0.2  # all of 8 sign patterns but two


def test_rates_weigh_clips_by_their_words_and_unknowns_are_left_out():
    result = compare([1, 0, np.nan, 5], [0, 0, 1, 0], [10, 30, 10, 0])
    assert result.difference == pytest.approx(1 / 40) and result.n == 2
    assert compare([np.nan], [1.0]).n == 0
