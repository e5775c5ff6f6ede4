"""Which frames of a recording sound."""

import numpy as np

from codec.training.activity import frame_levels, sounding_level


def test_levels_of_frames():
    levels = frame_levels(np.concatenate([np.full(100, 0.1), np.zeros(150)]), 100)
    np.testing.assert_allclose(levels, [-20.0, -100.0, -100.0], atol=1e-3)


def test_pauses_are_silent_at_any_gain():
    sound = np.random.default_rng(0).standard_normal(20 * 480)
    sound[8 * 480 : 12 * 480] *= 1e-3
    for gain in (0.003, 0.3):
        sounding = frame_levels(gain * sound, 480) >= sounding_level(gain * sound, 480)
        assert sounding.tolist() == [True] * 8 + [False] * 4 + [True] * 8


def test_nothing_sounds_in_digital_silence():
    assert not (frame_levels(np.zeros(2000), 100) >= sounding_level(np.zeros(2000), 100)).any()
