"""The acoustic judge: each measure moves with what it measures, and only with that."""

from __future__ import annotations

import numpy as np
import pytest

from affecttts.evaluation.signal.acoustics import SHIFTS, acoustics, letters, shift
from affecttts.evaluation.signal.pitch import agreed_f0, f0_numpy

SAMPLE_RATE = 24000
# what counts as not moved
STILL = {"f0": 0.2, "range": 0.5, "rate": 3.0, "level": 0.3, "tilt": 0.6}


def moved(
    first: np.ndarray, second: np.ndarray, sample_rate: int = SAMPLE_RATE
) -> dict[str, float]:
    """The shifts that exceed `STILL`."""
    shifts = shift(acoustics(first, sample_rate), acoustics(second, sample_rate))
    assert list(shifts) == list(SHIFTS)
    return {name: value for name, value in shifts.items() if abs(value) > STILL[name]}


@pytest.mark.parametrize("hertz", [80.0, 110.0, 200.0, 330.0, 520.0])
def test_f0_of_pulses_and_of_a_tone(pulses, hertz):
    tone = 0.1 * np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    for audio in (pulses(hertz), tone):
        f0 = f0_numpy(audio, SAMPLE_RATE)
        assert np.median(f0[f0 > 0]) == pytest.approx(hertz, rel=0.01)
        assert acoustics(audio, SAMPLE_RATE).f0_hz == pytest.approx(hertz, rel=0.01)


def test_f0_does_not_depend_on_the_sample_rate(pulses):
    audio = pulses(200.0)
    f0 = f0_numpy(audio, SAMPLE_RATE // 2)  # the same samples played at half the rate
    assert np.median(f0[f0 > 0]) == pytest.approx(100.0, rel=0.01)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE)
    assert (f0_numpy(noise, SAMPLE_RATE) > 0).mean() < 0.1
    assert not f0_numpy(np.zeros(SAMPLE_RATE), SAMPLE_RATE).any()


def test_two_trackers_agree_on_pulses_and_not_where_one_errs(pulses):
    pytest.importorskip("pyworld")
    audio = pulses(200.0)
    own = f0_numpy(audio, SAMPLE_RATE)
    agreed = agreed_f0(own, audio, SAMPLE_RATE)
    kept = agreed > 0
    assert kept.sum() > 0.9 * (own > 0).sum()
    assert np.array_equal(agreed[kept], own[kept])
    wrong = np.where(np.arange(len(own)) < len(own) // 2, own / 2, own)
    agreed = agreed_f0(wrong, audio, SAMPLE_RATE)
    assert not agreed[: len(own) // 2].any()
    assert agreed[len(own) // 2 :].any()
    assert not agreed_f0(np.zeros(100), audio, SAMPLE_RATE).any()


@pytest.mark.parametrize("length", [0, 100, SAMPLE_RATE])
def test_a_clip_without_speech_is_not_a_number(length):
    result = acoustics(np.zeros(length, dtype=np.float32), SAMPLE_RATE, units=10)
    assert np.isnan([result.f0_st, result.f0_range_st, result.tilt_db, result.rate]).all()


def test_a_higher_voice_moves_f0_only(pulses):
    shifts = moved(pulses(200.0), pulses(200.0 * 2 ** (3 / 12)))
    assert shifts.pop("f0") == pytest.approx(3.0, abs=0.1)
    assert set(shifts) <= {"tilt"}  # harmonics stand elsewhere under the formants
    assert abs(shifts.get("tilt", 0.0)) < 2.0


def test_a_glide_moves_the_range_only(pulses):
    shifts = moved(pulses(200.0), pulses(200.0, glide_st=6.0))
    assert shifts.pop("range") == pytest.approx(0.9 * 6.0, abs=0.4)
    assert not shifts


def test_a_louder_clip_moves_the_level_only(pulses):
    audio = pulses()
    assert moved(audio, audio * 10 ** (-6 / 20)) == {"level": pytest.approx(-6.0, abs=0.05)}


def test_a_low_pass_moves_the_tilt(pulses):
    signal = pytest.importorskip("scipy.signal")
    audio = pulses()
    muffled = signal.sosfilt(signal.butter(4, 1000, fs=SAMPLE_RATE, output="sos"), audio)
    muffled *= np.sqrt((audio**2).sum() / (muffled**2).sum())
    shifts = moved(audio, muffled)
    assert shifts.pop("tilt") < -6.0
    assert not shifts


def test_a_longer_clip_moves_the_rate_only(pulses):
    shifts = moved(pulses(seconds=1.0), pulses(seconds=2.0))
    assert shifts.pop("rate") == pytest.approx(100 * np.log(0.5), abs=4.0)
    assert not shifts


def test_silence_around_speech_changes_nothing(pulses):
    audio = pulses()
    assert not moved(audio, np.pad(audio, SAMPLE_RATE))


def test_letters_counts_letters_and_digits():
    assert letters("It's 5 o'clock!") == 10
    assert letters("...") == 1
