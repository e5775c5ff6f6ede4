"""The one door through which audio files come in and go out: mono float32 in [-1,1], sample rate always explicit."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from codec.errors import AudioError

MAX_SECONDS = 300.0  # the codec works on a whole signal at once
MIN_SECONDS = 0.02


@dataclass(frozen=True)
class Audio:
    """A mono signal."""

    samples: np.ndarray  # float32 [T]
    sample_rate: int  # Hz
    source_rate: int = 0  # Hz, of the file that it was read from

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def load_audio(path: str | Path, sample_rate: int, *, max_seconds: float = MAX_SECONDS) -> Audio:
    """Read any file that libsndfile knows, mix to mono, resample.

    The header is checked before anything is decoded.

    Args:
        sample_rate: Hz of the result.
        max_seconds: longer files are refused.

    Raises:
        AudioError: missing, unreadable, empty, too short or long, NaN or infinite samples, digital silence.
    """
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as file:
            _check_length(path, file.frames / file.samplerate, max_seconds)
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        reason = "no such file" if not Path(path).exists() else f"not readable as audio ({error.error_string})"
        raise AudioError(f"{path}: {reason}; give a WAV, FLAC, OGG or MP3 file") from error
    except (OSError, RuntimeError, TypeError) as error:  # TypeError: a headerless .raw file
        raise AudioError(f"{path}: not readable as audio ({error}); give a WAV, FLAC, OGG or MP3 file") from error
    return Audio(_checked(path, resample(samples.mean(axis=1), rate, sample_rate)), sample_rate, rate)


def _check_length(path: str | Path, seconds: float, longest: float) -> None:
    if seconds < MIN_SECONDS:
        raise AudioError(f"{path}: {seconds * 1000:.1f} ms of audio; at least {MIN_SECONDS * 1000:.0f} ms are needed")
    if seconds > longest:
        raise AudioError(f"{path}: {seconds:.0f} s of audio; cut it into pieces of at most {longest:.0f} s")


def _checked(path: str | Path, samples: np.ndarray) -> np.ndarray:
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds NaN or infinite samples; export it again")
    if np.abs(samples).max(initial=0.0) < 1e-5:
        raise AudioError(f"{path}: silent (peak below -100 dB); is it the right channel or file?")
    return np.clip(samples, -1.0, 1.0)


def resample(samples: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """[T] float32 at source_rate -> float32 at target_rate (Hz)."""
    if source_rate == target_rate:
        return samples.astype(np.float32, copy=False)
    import soxr

    return soxr.resample(samples, source_rate, target_rate).astype(np.float32)


def save_wav(target: str | Path | BinaryIO, audio: Audio) -> None:
    """Write 16-bit WAV to a path or a binary stream."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio.samples, -1.0, 1.0), audio.sample_rate, format="WAV", subtype="PCM_16")
    if isinstance(target, (str, Path)):
        Path(target).write_bytes(buffer.getvalue())
    else:
        target.write(buffer.getvalue())
