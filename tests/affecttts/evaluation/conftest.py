"""Signals to measure."""

from __future__ import annotations

import numpy as np
import pytest

SAMPLE_RATE = 24000


@pytest.fixture
def pulses():
    """Maker of a voice-like sound: glottal pulses at `f0` Hz through three formants, silence at
    both ends.
    """
    signal = pytest.importorskip("scipy.signal")

    def make(f0: float = 200.0, seconds: float = 1.5, glide_st: float = 0.0) -> np.ndarray:
        time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        frequency = f0 * 2 ** (glide_st / 12 * (time / seconds - 0.5))
        harmonics = range(1, int(7000 / frequency.max()))
        phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
        voice = sum(np.cos(k * phase) / k for k in harmonics)
        for hertz, width in ((600, 120), (1400, 150), (2600, 200)):
            radius, angle = np.exp(-np.pi * width / SAMPLE_RATE), 2 * np.pi * hertz / SAMPLE_RATE
            voice = signal.lfilter([1.0], [1, -2 * radius * np.cos(angle), radius**2], voice)
        silence = np.zeros(SAMPLE_RATE // 4)
        return np.concatenate([silence, 0.05 * voice / voice.std(), silence]).astype(np.float32)

    return make
