"""How sharp a copy's spectral envelope is, beside its original's: a copy that is right on average
but blurred in time or frequency has cepstra that vary too little.

Of the real cepstrum (Bogert et al. 1963) of the log magnitude spectrum, by bands of quefrency:
spread, spread of the change from frame to frame, and correlation. Level does not count, and only
the original's loud frames do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codec.audio import resample

RATE = 24000  # Hz, at which quefrencies are samples
WINDOW, HOP = 1024, 256  # samples: 43 and 11 ms
EDGES = (1, 3, 6, 10, 15, 20, 25, 30, 40, 60, 100)
BANDS = tuple(f"{low}-{high}" for low, high in zip(EDGES[:-1], EDGES[1:]))
ENVELOPE = 40  # quefrencies below it are envelope, those above are pitch and noise
LOUD_DB = 40.0  # below the loudest frame
AUDIBLE_DB = 60.0  # below the loudest bin
FLOOR_DB = 100.0  # below the loudest bin, where log magnitudes end
FEWEST_FRAMES = 10
DECIBELS = 20 / np.log(10)  # of one unit of log magnitude


class Envelope(NamedTuple):
    """A copy's envelope beside its original's; all not-a-number where too little is loud."""

    spread: np.ndarray  # [10], copy / original of the standard deviation, by band
    change: np.ndarray  # [10], the same of the difference between neighbouring frames
    correlation: np.ndarray  # [10]
    error_db: float  # root mean square of the smooth log spectra's difference in audible bins, dB


def compare_envelopes(original: np.ndarray, copy: np.ndarray, sample_rate: int) -> Envelope:
    """Envelope measures of two signals [T] of one length.

    Each coefficient's mean over the clip is left out, so a fixed filter changes nothing but the
    error.
    """
    first, second = (_log_spectra(x, sample_rate) for x in (original, copy))
    loud = _loud(first) if len(first) else np.zeros(0, dtype=bool)
    if loud.sum() < FEWEST_FRAMES:
        unknown = np.full(len(BANDS), np.nan)
        return Envelope(unknown, unknown, unknown, float("nan"))
    cepstra = [np.fft.irfft(x, axis=1)[:, : EDGES[-1]] for x in (first, second)]
    a, b = (c[loud] - c[loud].mean(axis=0) for c in cepstra)
    pairs = loud[1:] & loud[:-1]
    da, db = (np.diff(c, axis=0)[pairs] for c in cepstra)
    energy, moved = (_by_band(x * x) for x in (a, da))
    return Envelope(
        np.sqrt(_by_band(b * b) / energy),
        np.sqrt(_by_band(db * db) / moved),
        _by_band(a * b) / np.sqrt(energy * _by_band(b * b)),
        _error_db(*(c[loud, :ENVELOPE] for c in cepstra)),
    )


def _log_spectra(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Natural logarithms of magnitudes [N,513], floored below the loudest bin."""
    signal = resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE)
    if len(signal) < WINDOW:
        return np.zeros((0, WINDOW // 2 + 1))
    frames = np.lib.stride_tricks.sliding_window_view(signal.astype(np.float64), WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1))
    loudest = magnitudes.max()
    if loudest == 0:
        return np.zeros_like(magnitudes)
    return np.log(np.maximum(magnitudes, loudest * 10 ** (-FLOOR_DB / 20)))


def _loud(spectra: np.ndarray) -> np.ndarray:
    """Which of the frames [N] are loud."""
    levels = 10 * np.log10(np.exp(2 * spectra).sum(axis=1))
    return (levels > levels.max() - LOUD_DB) & (np.ptp(spectra, axis=1) > 0)


def _by_band(values: np.ndarray) -> np.ndarray:
    """[N,100] -> sums [10]; not-a-number where nothing varies."""
    sums = np.add.reduceat(values[:, EDGES[0] :].sum(axis=0), np.array(EDGES[:-1]) - EDGES[0])
    return np.where(np.abs(sums) > 1e-12, sums, np.nan)


def _error_db(first: np.ndarray, second: np.ndarray) -> float:
    """Of the envelopes that cepstra [N,40] stand for, without their mean difference in level."""
    smooth = [_from_cepstra(x) for x in (first, second)]
    audible = smooth[0] > smooth[0].max() - AUDIBLE_DB / DECIBELS
    difference = (smooth[1] - smooth[0])[audible]
    return float(DECIBELS * np.sqrt(np.mean((difference - difference.mean()) ** 2)))


def _from_cepstra(cepstra: np.ndarray) -> np.ndarray:
    """Cepstra [N,40] -> smooth log magnitudes [N,513]."""
    whole = np.zeros((len(cepstra), WINDOW))
    whole[:, :ENVELOPE] = cepstra
    whole[:, -ENVELOPE + 1 :] = cepstra[:, :0:-1]
    return np.fft.rfft(whole, axis=1).real
