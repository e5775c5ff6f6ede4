"""Acoustic functionals of an utterance: correlates of emotion in pitch, loudness, tempo, voice
quality and timbre.

Written after the usual sets of emotion research (GeMAPS, Eyben et al. 2016), from their
description: statistics over frames of F0, level, tilt, jitter, shimmer, harmonicity and cepstra.
They need neither words nor a trained model.
"""

from __future__ import annotations

import numpy as np

from affecttts.evaluation.signal.pitch import f0_numpy
from affecttts.evaluation.signal.spectra import HOP, RATE, WINDOW, cepstrum, frames, log_mel, power
from codec.audio import resample

ACTIVE_DB, TRIM_DB = 25.0, 35.0  # below the loud frames = not counted; = silence at the ends
SMOOTH = 15  # frames of the contour from which tremor and shimmer are deviations
PEAK_DB = 2.0  # a syllable stands out by this much
MEL_BANDS, CEPSTRA = 26, 13
_F0 = ("mean", "spread", "5 %", "median", "95 %", "slope", "end", "step", "tremor", "jitter")
_LEVEL = ("mean", "spread", "5 %", "95 %", "slope", "shimmer")
_OTHER = (
    "syllables",
    "voiced share",
    "pauses",
    "tilt",
    "tilt spread",
    "centroid",
    "centroid spread",
    "harmonicity",
)
NAMES = (
    *(f"f0 {name}" for name in _F0),
    *(f"level {name}" for name in _LEVEL),
    *_OTHER,
    *(f"mfcc {k} {name}" for name in ("mean", "spread", "step") for k in range(1, CEPSTRA + 1)),
)


def functionals(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Audio [T], full scale 1 -> float32 [D] in the order of `NAMES`; zeros where nothing is voiced
    or T is too short.
    """
    signal = resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE)
    if len(signal) < 2 * WINDOW or not np.any(signal):
        return np.zeros(len(NAMES), dtype=np.float32)
    f0 = f0_numpy(signal, RATE)
    cut = frames(signal)[: len(f0)]
    f0 = f0[: len(cut)]
    levels = 10 * np.log10(np.mean(cut**2, axis=1) + 1e-10)
    loud = np.percentile(levels, 95)
    sounding = np.flatnonzero(levels > loud - TRIM_DB)
    inside = slice(sounding[0], sounding[-1] + 1)
    cut, f0, levels = cut[inside], f0[inside], levels[inside]
    active = levels > loud - ACTIVE_DB
    voiced = (f0 > 0) & active
    spectra = power(cut)
    parts = [
        _of_pitch(f0, voiced),
        _of_level(levels, active, voiced),
        [_syllables(levels), voiced.mean(), 1 - active.mean()],
        _of_spectra(spectra[voiced]),
        [_harmonicity(signal[inside.start * HOP :], f0, voiced)],
        _of_cepstra(cepstrum(log_mel(spectra, MEL_BANDS), CEPSTRA), active),
    ]
    return np.nan_to_num(np.concatenate(parts)).astype(np.float32)


def _of_pitch(f0: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Of F0 in semitones: see `_F0`; slope and end in semitones (per second)."""
    places = np.flatnonzero(voiced)
    if len(places) < SMOOTH:
        return np.zeros(len(_F0))
    contour = 12 * np.log2(f0[places] / 100)
    last = max(3, len(contour) // 5)
    steps = np.diff(contour)[np.diff(places) == 1]
    bends = np.abs(np.diff(f0[places], 2))[np.diff(places[:-1]) == 1]
    return np.array(
        [
            contour.mean(),
            contour.std(),
            *np.percentile(contour, [5, 50, 95]),
            _slope(places, contour),
            contour[-last:].mean() - contour[:-last].mean(),
            _mean(np.abs(steps)),
            _deviation(contour),
            100 * _mean(bends) / f0[places].mean(),
        ]
    )


def _of_level(levels: np.ndarray, active: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Of the level in dB: see `_LEVEL`."""
    places = np.flatnonzero(active)
    values = levels[places]
    shimmer = _deviation(levels[voiced]) if voiced.sum() >= SMOOTH else 0.0
    return np.array(
        [
            values.mean(),
            values.std(),
            *np.percentile(values, [5, 95]),
            _slope(places, values),
            shimmer,
        ]
    )


def _of_spectra(spectra: np.ndarray) -> np.ndarray:
    """Of voiced frames' power [N,257]: mean and spread of the tilt (1-5 kHz over below 1 kHz, dB)
    and of the centroid (kHz).
    """
    if len(spectra) == 0:
        return np.zeros(4)
    hertz = np.linspace(0, RATE / 2, spectra.shape[1])
    low, high = spectra[:, hertz < 1000].sum(1), spectra[:, (hertz >= 1000) & (hertz < 5000)].sum(1)
    tilt = 10 * np.log10((high + 1e-10) / (low + 1e-10))
    centroid = spectra @ hertz / (spectra.sum(1) + 1e-10) / 1000
    return np.array([tilt.mean(), tilt.std(), centroid.mean(), centroid.std()])


def _of_cepstra(values: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Means, spreads and mean absolute steps of [N,13]."""
    return np.concatenate(
        [values[active].mean(0), values[active].std(0), np.abs(np.diff(values, axis=0)).mean(0)]
    )


def _harmonicity(signal: np.ndarray, f0: np.ndarray, voiced: np.ndarray) -> float:
    """Mean energy of the periodic part over the rest, dB, from the correlation of neighbouring
    periods.
    """
    ratios = []
    for place in np.flatnonzero(voiced):
        lag, start = round(RATE / f0[place]), place * HOP
        one, two = signal[start : start + WINDOW], signal[start + lag : start + lag + WINDOW]
        if len(two) == WINDOW and (scale := float(np.sqrt((one @ one) * (two @ two)))) > 0:
            ratios.append(np.clip((one @ two) / scale, 0.01, 0.999))
    return _mean(10 * np.log10(np.array(ratios) / (1 - np.array(ratios))))


def _syllables(levels: np.ndarray) -> float:
    """Peaks of the smoothed level per second that rise by at least 2 dB from the valley before
    them.
    """
    smooth = np.convolve(np.pad(levels, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
    count, valley, rising = 0, smooth[0], True
    peak = smooth[0]
    for value in smooth:
        if rising:
            peak = max(peak, value)
            if value < peak - PEAK_DB:
                rising, count, valley = False, count + 1, value
        else:
            valley = min(valley, value)
            if value > valley + PEAK_DB:
                rising, peak = True, value
    return (count + rising) / (len(levels) * HOP / RATE)


def _slope(places: np.ndarray, values: np.ndarray) -> float:
    """Of a straight line through values at frames, per second."""
    time = (places - places.mean()) * HOP / RATE
    return float(time @ values / max(time @ time, 1e-9))


def _deviation(values: np.ndarray) -> float:
    """Standard deviation from the smoothed contour."""
    kernel = np.full(SMOOTH, 1 / SMOOTH)
    smooth = np.convolve(np.pad(values, SMOOTH // 2, mode="edge"), kernel, mode="valid")
    return float(np.std(values - smooth))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 0.0
