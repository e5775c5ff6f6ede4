"""What goes wrong in synthetic speech, as yes or no for every clip."""

from __future__ import annotations

import numpy as np

FAULTS = {
    "no end": "ran into its length budget",
    "empty": "no sound at all",
    "long silence": "a pause of a second or more inside",
    "clipping": "three or more samples in a row at full scale",
    "skip": "two or more words in a row left out",
    "repeat": "two or more words in a row added",
}
LONG_SECONDS = 1.0
SILENT_DB = 40.0  # below the loud frames
FRAME_SECONDS = 0.02
FULL_SCALE, RUN = 0.999, 3
EMPTY_PEAK = 1e-4


def sound_faults(audio: np.ndarray, sample_rate: int) -> dict[str, bool]:
    """The faults of audio [T], full scale 1, that need no words: empty, long silence, clipping."""
    audio = np.asarray(audio, dtype=np.float64)
    if len(audio) == 0 or np.abs(audio).max() < EMPTY_PEAK:
        return {"empty": True, "long silence": False, "clipping": False}
    full = np.convolve(np.abs(audio) >= FULL_SCALE, np.ones(RUN), mode="valid") >= RUN
    return {
        "empty": False,
        "long silence": longest_pause(audio, sample_rate) >= LONG_SECONDS,
        "clipping": bool(full.any()),
    }


def longest_pause(audio: np.ndarray, sample_rate: int) -> float:
    """Seconds of the longest stretch between two sounds that is 40 dB below the loud ones."""
    width = max(1, round(FRAME_SECONDS * sample_rate))
    frames = audio[: len(audio) // width * width].reshape(-1, width)
    if len(frames) == 0:
        return 0.0
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    sounding = np.flatnonzero(levels > np.percentile(levels, 95) - SILENT_DB)
    return float(np.diff(sounding).max(initial=1) - 1) * FRAME_SECONDS
