"""The envelope measures on copies whose envelopes are spoiled in a known way."""

from __future__ import annotations

import numpy as np
import pytest

from affecttts.evaluation.signal.envelope import (
    BANDS,
    HOP,
    WINDOW,
    compare_envelopes,
)
from codec.audio import load_audio
from tiny_models import DATA

RATE = 24000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return load_audio(DATA / "clips" / "00000_fenrir_angry.opus", RATE).samples


def through_spectra(audio: np.ndarray, change) -> np.ndarray:
    """Audio [T] whose log magnitudes [N,513] `change` replaces; phases stay."""
    window = np.hanning(WINDOW + 1)[:-1]
    padded = np.pad(audio.astype(np.float64), (WINDOW, 2 * WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * window
    spectra = np.fft.rfft(frames, axis=1)
    magnitudes = np.exp(change(np.log(np.abs(spectra) + 1e-6)))
    changed = np.fft.irfft(magnitudes * np.exp(1j * np.angle(spectra)), axis=1) * window
    total, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for place, frame in enumerate(changed):
        total[place * HOP : place * HOP + WINDOW] += frame
        weight[place * HOP : place * HOP + WINDOW] += window**2
    return (total / np.maximum(weight, 1e-3))[WINDOW : WINDOW + len(audio)].astype(np.float32)


def smoothed_in_time(log_magnitudes: np.ndarray) -> np.ndarray:
    kernel = np.ones(7) / 7  # 75 ms
    return np.stack([np.convolve(column, kernel, "same") for column in log_magnitudes.T], axis=1)


def cut(below: int):
    """Without the quefrencies from `below` up to 200, the pitch's first of a low voice."""

    def change(log_magnitudes: np.ndarray) -> np.ndarray:
        cepstra = np.fft.irfft(log_magnitudes, axis=1)
        cepstra[:, below:200] = cepstra[:, -199 : -below + 1] = 0
        return np.fft.rfft(cepstra, axis=1).real

    return change


def test_an_exact_copy_has_all_of_the_envelope(speech):
    spread, change, correlation, error = compare_envelopes(speech, speech, RATE)
    for measure in (spread, change, correlation):
        assert measure.shape == (len(BANDS),) and measure == pytest.approx(1.0)
    assert error == 0.0


@pytest.mark.parametrize("gain", [0.1, 0.5, 2.0])
def test_level_does_not_count(speech, gain):
    *measures, error = compare_envelopes(speech, np.float32(gain) * speech, RATE)
    assert all(measure == pytest.approx(1.0, abs=1e-4) for measure in measures)
    assert error == pytest.approx(0.0, abs=1e-3)


def test_a_fixed_filter_moves_the_error_alone(speech):
    tilted = np.append(speech[:1], speech[1:] - 0.5 * speech[:-1])
    spread, change, correlation, error = compare_envelopes(speech, tilted, RATE)
    for measure in (spread[:6], change[:6], correlation[:6]):
        assert measure == pytest.approx(1.0, abs=0.08)
    assert error > 1.0


def test_blur_in_time_lowers_the_spread_and_the_change_most(speech):
    copy = through_spectra(speech, smoothed_in_time)
    spread, change, correlation, error = compare_envelopes(speech, copy, RATE)
    assert (spread[1:8] < 0.95).all() and (change[1:8] < 0.8).all()
    assert (change[1:8] < spread[1:8]).all()
    assert (correlation[:3] > 0.5).all() and error > 1.0


def test_blur_in_frequency_lowers_the_spread_where_it_cuts(speech):
    copy = through_spectra(speech, cut(25))
    spread, _, correlation, _ = compare_envelopes(speech, copy, RATE)
    kept, lost = slice(0, 5), slice(6, 10)  # up to 20, from 25
    assert spread[kept].min() > 0.9 > 0.75 > spread[lost].max()
    assert correlation[kept].min() > 0.95 > correlation[lost].max()


def test_other_words_are_as_spread_but_do_not_correlate(speech):
    other = load_audio(DATA / "clips" / "00006_fenrir_sad.opus", RATE).samples
    spread, _, correlation, _ = compare_envelopes(speech, np.resize(other, len(speech)), RATE)
    assert (np.abs(correlation[2:]) < 0.3).all() and (spread[1:7] > 0.6).all()


def test_another_rate_is_measured_alike(speech):
    from codec.audio import resample

    doubled = resample(speech, RATE, 2 * RATE)
    spread, change, correlation, _ = compare_envelopes(speech, smoothed(speech), RATE)
    again = compare_envelopes(doubled, resample(smoothed(speech), RATE, 2 * RATE), 2 * RATE)
    assert again.spread[:6] == pytest.approx(spread[:6], abs=0.03)
    assert again.change[:6] == pytest.approx(change[:6], abs=0.03)
    assert again.correlation[:6] == pytest.approx(correlation[:6], abs=0.03)


def smoothed(audio: np.ndarray) -> np.ndarray:
    return through_spectra(audio, smoothed_in_time)


@pytest.mark.parametrize("samples", [0, 100, WINDOW, 5 * WINDOW])
def test_silence_and_shreds_have_no_envelope(samples):
    silence = np.zeros(samples, dtype=np.float32)
    *measures, error = compare_envelopes(silence, silence, RATE)
    assert all(np.isnan(measure).all() for measure in measures) and np.isnan(error)
