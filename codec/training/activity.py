"""Which frames of a recording are not silent."""

from __future__ import annotations

import numpy as np

QUIET_DB = 40.0  # below the loud frames of the recording
LOUD_PERCENTILE = 95.0
FLOOR = 1e-10  # power of digital silence


def frame_levels(audio: np.ndarray, frame_length: int) -> np.ndarray:
    """Level of every frame in dB re full scale; zeros pad the end.

    audio float [T] -> [ceil(T / frame_length)].
    """
    padded = np.pad(audio, (0, -len(audio) % frame_length))
    return 10 * np.log10(np.square(padded).reshape(-1, frame_length).mean(1) + FLOOR)


def sounding_level(audio: np.ndarray, frame_length: int) -> float:
    """Level in dB from which a frame of a recording [T] counts as sound; infinite for silence."""
    loud = np.percentile(frame_levels(audio, frame_length), LOUD_PERCENTILE)
    return float(loud - QUIET_DB) if loud > 10 * np.log10(FLOOR) + 1 else np.inf
