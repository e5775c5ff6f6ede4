"""A perfect copy reaches the ceiling; each measure falls with the damage that it is for."""

import numpy as np
import pytest

from affecttts.evaluation.signal.fidelity import (
    log_spectral_distance_db,
    mel_distance_db,
    pesq_wide_band,
    si_sdr_db,
    stoi,
)

SAMPLE_RATE = 24000


def noisy(audio, level=0.02):
    return (audio + level * np.random.default_rng(0).standard_normal(len(audio))).astype(np.float32)


def test_a_perfect_copy_reaches_the_ceiling(pulses):
    audio = pulses()
    assert si_sdr_db(audio, audio) == 100.0 and log_spectral_distance_db(audio, audio) == 0.0


def test_the_waveform_ratio_ignores_gain_and_knows_its_noise(pulses):
    audio = pulses()
    assert si_sdr_db(audio, 0.3 * audio) > 60
    noise = noisy(audio) - audio
    expected = 10 * np.log10(np.square(audio).sum() / np.square(noise).sum())
    assert si_sdr_db(audio, noisy(audio)) == pytest.approx(expected, abs=0.2)
    assert np.isnan(si_sdr_db(np.zeros(100), np.ones(100)))


def test_noise_and_low_pass_move_the_spectrum(pulses):
    audio = pulses()
    spectrum = np.fft.rfft(audio)
    spectrum[np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE) > 1500] = 0
    muffled = np.fft.irfft(spectrum, len(audio)).astype(np.float32)
    for copy in (noisy(audio), muffled):
        assert log_spectral_distance_db(audio, copy) > 3
    assert np.isnan(log_spectral_distance_db(audio[:100], audio[:100]))


def test_the_packages_tell_noise_from_none(pulses):
    for package in ("pystoi", "pesq", "librosa"):
        pytest.importorskip(package)
    audio = pulses()
    copy = noisy(audio)
    assert stoi(audio, audio, SAMPLE_RATE) == pytest.approx(1.0, abs=1e-3)
    assert stoi(audio, audio, SAMPLE_RATE, extended=True) == pytest.approx(1.0, abs=1e-3)
    assert pesq_wide_band(audio, audio, SAMPLE_RATE) == pytest.approx(4.644, abs=0.01)
    assert stoi(audio, copy, SAMPLE_RATE) < 1 and pesq_wide_band(audio, copy, SAMPLE_RATE) < 4
    assert (
        mel_distance_db(audio, audio, SAMPLE_RATE) == 0
        and mel_distance_db(audio, copy, SAMPLE_RATE) > 3
    )
