"""Audible correlates of emotion in a clip: pitch, pitch range, rate, level and tilt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affecttts.evaluation.signal.pitch import f0_numpy

# measure -> unit of its shift
SHIFTS = {"f0": "st", "range": "st", "rate": "%", "level": "dB", "tilt": "dB"}
WINDOW_SECONDS = 0.025
HOP_SECONDS = 0.01  # as the pitch track
TRIM_DB = 35.0  # below the clip's loud frames = silence at the ends
SILENT_DB = -100.0  # a clip whose loud frames lie below this has no speech
ACTIVE_DB = 25.0  # below the clip's loud frames = not counted in level and tilt


@dataclass(frozen=True)
class Acoustics:
    """Measures of one clip; not-a-number where there is no voice to measure."""

    f0_st: float  # mean over voiced frames, semitones re 100 Hz
    f0_hz: float  # the same mean in Hz (geometric)
    f0_range_st: float  # 95th minus 5th percentile, semitones
    rate: float  # units (letters or phones) per second between the first and last sound
    level_db: float  # RMS of active frames, dB re full scale
    tilt_db: float  # energy in 1-5 kHz over energy below 1 kHz in voiced frames, dB
    speech_seconds: float  # from the first to the last sound


def acoustics(audio: np.ndarray, sample_rate: int, units: int = 1) -> Acoustics:
    """Measure mono audio [T].

    Args:
        audio: float, full scale 1.
        sample_rate: Hz, at least 10000.
        units: how many letters or phones were spoken; only `rate` depends on it.
    """
    frames = _frames(np.asarray(audio, dtype=np.float64), sample_rate)
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud = np.percentile(levels, 95)
    sounding = np.flatnonzero(levels > loud - TRIM_DB)
    seconds = (sounding[-1] - sounding[0] + 1) * HOP_SECONDS if loud > SILENT_DB else float("nan")
    active = levels > loud - ACTIVE_DB
    f0 = f0_numpy(audio, sample_rate)[: len(frames)]
    voiced = (f0 > 0) & active[: len(f0)]
    semitones = 12 * np.log2(f0[voiced] / 100)
    mean = float(semitones.mean()) if voiced.any() else float("nan")
    return Acoustics(
        f0_st=mean,
        f0_hz=100 * 2 ** (mean / 12),
        f0_range_st=float(np.subtract(*np.percentile(semitones, [95, 5])))
        if voiced.any()
        else float("nan"),
        rate=units / seconds,
        level_db=float(10 * np.log10(np.mean(frames[active] ** 2) + 1e-12)),
        tilt_db=_tilt(frames[: len(f0)][voiced], sample_rate),
        speech_seconds=float(seconds),
    )


def shift(neutral: Acoustics, other: Acoustics) -> dict[str, float]:
    """How `other` differs from `neutral`, same text: differences in the units of `SHIFTS`; rate as
    100 ln(ratio).
    """
    return {
        "f0": other.f0_st - neutral.f0_st,
        "range": other.f0_range_st - neutral.f0_range_st,
        "rate": 100 * float(np.log(other.rate / neutral.rate)),
        "level": other.level_db - neutral.level_db,
        "tilt": other.tilt_db - neutral.tilt_db,
    }


def letters(text: str) -> int:
    """Letters and digits of `text`, the unit of speaking rate where no phones are known."""
    return max(1, sum(character.isalnum() for character in text))


def _frames(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Overlapping frames [N,W], centred on the pitch track's frames."""
    width = round(WINDOW_SECONDS * sample_rate)
    padded = np.pad(audio, (width // 2, width))
    starts = np.round(np.arange(0, max(len(audio), 1), HOP_SECONDS * sample_rate)).astype(int)
    return np.lib.stride_tricks.sliding_window_view(padded, width)[starts]


def _tilt(frames: np.ndarray, sample_rate: int) -> float:
    """Ratio of energies, 1-5 kHz over 0-1 kHz, summed over frames [N,W], dB."""
    if len(frames) == 0:
        return float("nan")
    power = (np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2).sum(axis=0)
    hertz = np.fft.rfftfreq(frames.shape[1], 1 / sample_rate)
    high, low = power[(hertz >= 1000) & (hertz < 5000)].sum(), power[hertz < 1000].sum()
    return float(10 * np.log10((high + 1e-12) / (low + 1e-12)))
