"""Faults that are there are found, and no others."""

import numpy as np
import pytest

from affecttts.evaluation.signal.faults import longest_pause, sound_faults

RATE = 24000


def test_a_sound_voice_has_no_fault(pulses):
    assert not any(sound_faults(pulses(), RATE).values())


def test_each_fault_is_seen(pulses):
    voice = pulses()
    gap = np.concatenate([voice, np.zeros(RATE), voice])
    assert sound_faults(gap, RATE) == {"empty": False, "long silence": True, "clipping": False}
    assert longest_pause(gap, RATE) == pytest.approx(1.5, abs=0.06)
    assert sound_faults(np.clip(20 * voice, -1, 1), RATE)["clipping"]
    assert sound_faults(np.zeros(RATE), RATE)["empty"] and sound_faults(np.zeros(0), RATE)["empty"]


def test_silence_at_the_ends_is_no_pause(pulses):
    padded = np.concatenate([np.zeros(2 * RATE), pulses(), np.zeros(2 * RATE)])
    assert not sound_faults(padded, RATE)["long silence"]


def test_a_single_full_sample_is_no_clipping(pulses):
    voice = pulses()
    voice[5000] = 1.0
    assert not sound_faults(voice, RATE)["clipping"]
