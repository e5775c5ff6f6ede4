"""How near a copy of a signal is to it: intelligibility, quality, waveform, spectrum, pitch and
loudness.

All take two mono signals [T] of one length and rate and give not-a-number where the clip is too
short to say.
"""

from __future__ import annotations

import numpy as np

from affecttts.evaluation.judges.base import JUDGE_RATE, to_judge_rate

FEWEST_FRAMES = 10  # for a correlation
QUIET_DB = 50.0  # below the loudest frame, where levels are no longer compared
MEL_BANDS = 80
MEL_FLOOR_DB = -80.0  # below the clip's loudest band
HOP_SECONDS = 0.01
SPECTRUM_SIZE, SPECTRUM_HOP = 1024, 256
PERFECT_DB = 100.0  # what the signal-to-distortion ratio of an exact copy counts as


def stoi(original: np.ndarray, copy: np.ndarray, sample_rate: int, extended: bool = False) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), or its extended form (Jensen and
    Taal 2016).
    """
    from pystoi import stoi as of_pystoi

    score = float(of_pystoi(original, copy, sample_rate, extended=extended))
    # pystoi's answer to clips that are too short is 1e-5
    return score if abs(score - 1e-5) > 1e-9 else float("nan")


def pesq_wide_band(original: np.ndarray, copy: np.ndarray, sample_rate: int) -> float:
    """PESQ wide band (ITU-T P.862.2) at 16 kHz, 1 to 4.64."""
    from pesq import PesqError, pesq

    pair = (to_judge_rate(original, sample_rate), to_judge_rate(copy, sample_rate))
    score = float(pesq(JUDGE_RATE, *pair, "wb", on_error=PesqError.RETURN_VALUES))
    return score if score > 0 else float("nan")


def si_sdr_db(original: np.ndarray, copy: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), dB, at most 100."""
    reference, estimate = (
        x.astype(np.float64) - x.mean(dtype=np.float64) for x in (original, copy)
    )
    energy = reference @ reference
    if energy == 0:
        return float("nan")
    target = (estimate @ reference) / energy * reference
    rest = estimate - target
    ratio = (target @ target + 1e-20) / (rest @ rest + 1e-20)
    return float(np.clip(10 * np.log10(ratio), -PERFECT_DB, PERFECT_DB))


def mel_distance_db(original: np.ndarray, copy: np.ndarray, sample_rate: int) -> float:
    """Mean absolute difference of 80 log-mel bands, dB."""
    return float(np.abs(_log_mel(original, sample_rate) - _log_mel(copy, sample_rate)).mean())


def _log_mel(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """[80,N] in dB, floored below the clip's maximum."""
    import librosa

    mel = librosa.feature.melspectrogram(
        y=audio, sr=sample_rate, n_fft=SPECTRUM_SIZE, hop_length=SPECTRUM_HOP, n_mels=MEL_BANDS
    )
    decibels = 10 * np.log10(mel + 1e-10)
    return np.maximum(decibels, decibels.max() + MEL_FLOOR_DB)


def log_spectral_distance_db(original: np.ndarray, copy: np.ndarray) -> float:
    """Root mean square over bins of the log power spectra's difference, mean over frames, dB (Gray
    and Markel 1976).
    """
    if len(original) < SPECTRUM_SIZE:
        return float("nan")
    first, second = (_log_power(x) for x in (original, copy))
    return float(np.sqrt(np.square(first - second).mean(axis=1)).mean())


def _log_power(audio: np.ndarray) -> np.ndarray:
    """[N,513] in dB, floored below the clip's maximum."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, SPECTRUM_SIZE)[::SPECTRUM_HOP]
    decibels = 10 * np.log10(
        np.abs(np.fft.rfft(frames * np.hanning(SPECTRUM_SIZE), axis=1)) ** 2 + 1e-10
    )
    return np.maximum(decibels, decibels.max() + MEL_FLOOR_DB)


def compare_pitch(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Correlation of log F0 and RMS difference in cents over frames voiced in both, and % of frames
    voiced in one alone.
    """
    both = (first > 0) & (second > 0)
    errors = 100 * float(((first > 0) != (second > 0)).mean())
    if both.sum() < FEWEST_FRAMES:
        return float("nan"), float("nan"), errors
    a, b = np.log2(first[both]), np.log2(second[both])
    correlation = float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else float("nan")
    return correlation, float(1200 * np.sqrt(np.mean((a - b) ** 2))), errors


def level_correlation(first: np.ndarray, second: np.ndarray, hop: int) -> float:
    """Correlation of the frames' levels in dB, down to 50 dB below the loudest."""
    levels = [
        10 * np.log10(np.square(x[: len(x) // hop * hop]).reshape(-1, hop).mean(1) + 1e-10)
        for x in (first, second)
    ]
    if len(levels[0]) < FEWEST_FRAMES:
        return float("nan")
    a, b = (np.maximum(level, level.max() - QUIET_DB) for level in levels)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else float("nan")
