"""What the rules do to the sound after synthesis: formants, tilt, breath, level. Samples are
float32 [T] at 24 kHz.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from codec.audio import resample
from recipes.corpora.kokoro_affect.rules import VOICED_HZ, Rule

SAMPLE_RATE = 24_000  # Hz
BASE_LEVEL = -22.4  # dB RMS of active frames, -23 dB of whole clips
KNEE, PEAK = 0.7, 0.98  # samples above the knee are bent to stay below the peak
FRAME = 480  # samples, 20 ms
ACTIVE_DB = 30.0  # below the loudest frame: not counted for the level
TILT_FROM_HZ, TILT_REACH = 1000.0, (500.0, 4000.0)
WINDOW, HOP = 512, 128  # samples, of the filter that tilts
SOFT_FRAMES = 5  # of F0, over which voice comes and goes
BREATH_BAND = (1500.0, 8000.0)  # Hz
BREATH_LEVEL = 0.12  # of the voice's envelope at breath 1


def shape(
    samples: np.ndarray, f0: np.ndarray, rule: Rule, generator: np.random.Generator
) -> np.ndarray:
    """The whole chain: played faster by `rule.formants`, tilt and breath of the voice, level.

    Args:
        samples: as decoded.
        f0: [N] Hz over the whole of `samples`, below `VOICED_HZ` where there is no voice.
    """
    moved = move_formants(samples, rule.formants)
    voice = voicing(f0, len(moved))
    tilted = tilt(moved, voice, rule.tilt)
    return set_level(add_breath(tilted, voice, rule.breath, generator), BASE_LEVEL + rule.level)


def voicing(f0: np.ndarray, length: int) -> np.ndarray:
    """How much voice there is at each of `length` samples, 0 to 1, with soft borders."""
    voiced = np.convolve(f0 >= VOICED_HZ, np.ones(SOFT_FRAMES) / SOFT_FRAMES, mode="same")
    return np.interp(np.linspace(0, len(f0) - 1, length), np.arange(len(f0)), voiced).astype(
        np.float32
    )


def move_formants(samples: np.ndarray, share: float) -> np.ndarray:
    """Play faster by 1 + share: formants and F0 rise, the length falls."""
    return resample(samples, round(SAMPLE_RATE * (1 + share)), SAMPLE_RATE)


def tilt(samples: np.ndarray, voice: np.ndarray, decibels: float) -> np.ndarray:
    """A gain of the voice that grows by the octave: none at 1 kHz, `decibels` at 4 kHz and above,
    half the other way at 500 Hz and below.

    Consonants without voice keep their sound, as people's do; filtering them sounds muffled.
    """
    if not decibels:
        return samples
    transform = ShortTimeFFT(hann(WINDOW, sym=False), HOP, SAMPLE_RATE)
    octaves = np.log2(np.clip(transform.f, *TILT_REACH) / TILT_FROM_HZ)
    gain = 10 ** (decibels * octaves / np.log2(TILT_REACH[1] / TILT_FROM_HZ) / 20)
    spectrum = transform.stft(samples)
    places = np.clip(
        np.round(transform.t(len(samples)) * SAMPLE_RATE).astype(int), 0, len(samples) - 1
    )
    spectrum *= gain[:, None] ** voice[places]
    return transform.istft(spectrum, k1=len(samples)).astype(np.float32)


def add_breath(
    samples: np.ndarray, voice: np.ndarray, amount: float, generator: np.random.Generator
) -> np.ndarray:
    """Noise of the breath's band that follows the envelope of the voice."""
    if not amount:
        return samples
    spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    noise = np.fft.irfft(
        spectrum * ((hertz > BREATH_BAND[0]) & (hertz < BREATH_BAND[1])), len(samples)
    )
    noise /= max(1e-9, np.sqrt(np.mean(noise**2)))
    envelope = voice * np.sqrt(np.convolve(samples**2, np.ones(FRAME) / FRAME, mode="same"))
    return (samples + amount * BREATH_LEVEL * envelope * noise).astype(np.float32)


def active_level(samples: np.ndarray) -> float:
    """RMS in dB of the frames that are not silent."""
    frames = samples[: max(1, len(samples) // FRAME) * FRAME].reshape(-1, min(FRAME, len(samples)))
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    return float(
        10 * np.log10(max(1e-12, power[power >= power.max() * 10 ** (-ACTIVE_DB / 10)].mean()))
    )


def set_level(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Bring the active level to `decibels`, but for what the few samples above the knee lose."""
    louder = samples * 10 ** ((decibels - active_level(samples)) / 20)
    beyond = np.maximum(np.abs(louder) - KNEE, 0)
    bent = KNEE + (PEAK - KNEE) * np.tanh(beyond / (PEAK - KNEE))
    return np.where(beyond > 0, np.sign(louder) * bent, louder).astype(np.float32)


def trim(samples: np.ndarray, keep_seconds: float) -> tuple[np.ndarray, float]:
    """Cut silence off both ends but for `keep_seconds`; returns the rest and the seconds that the
    start lost.
    """
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    keep = round(keep_seconds * SAMPLE_RATE)
    start, end = max(0, loud[0] - keep), min(len(samples), loud[-1] + keep)
    return samples[start:end], start / SAMPLE_RATE
