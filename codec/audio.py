"""The one door through which audio files come in and go out: mono float32 in [-1,1], sample rate
always explicit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from codec.errors import AudioError

MAX_SECONDS = 300.0  # the codec works on a whole signal at once
MIN_SECONDS = 0.02
SILENT_PEAK = 1e-5


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


@dataclass(frozen=True)
class AudioHeader:
    """What a file says of itself."""

    sample_rate: int  # Hz
    channels: int
    seconds: float


def read_header(path: str | Path) -> AudioHeader:
    """Rate, channels and length of any file that libsndfile knows; nothing is decoded.

    Raises:
        AudioError: missing or unreadable.
    """
    with _opened(path) as file:
        return AudioHeader(file.samplerate, file.channels, file.frames / file.samplerate)


def read_samples(
    path: str | Path,
    start: float | None = None,
    seconds: float | None = None,
    *,
    max_seconds: float | None = None,
) -> tuple[np.ndarray, int]:
    """A file, or the part of it from `start` for `seconds`, as it is: float32 [T,C] and Hz.

    The header is checked before anything is decoded; what is longer than `max_seconds` (default:
    MAX_SECONDS) is refused.

    Raises:
        AudioError: missing, unreadable, too short or too long, or the part reaches beyond the end.
    """
    with _opened(path) as file:
        total, rate = file.frames / file.samplerate, file.samplerate
        length = total if start is None else seconds
        if start is not None and start + length > total + MIN_SECONDS:
            message = (
                f"{path}: ends at {total:.2f} s, before {start + length:.2f} s; correct "
                "start and seconds"
            )
            raise AudioError(message, "too short")
        _check_length(path, length, max_seconds or MAX_SECONDS)
        if start is not None:
            file.seek(round(start * rate))
        return file.read(
            -1 if start is None else round(length * rate), dtype="float32", always_2d=True
        ), rate


def load_audio(
    path: str | Path,
    sample_rate: int,
    start: float | None = None,
    seconds: float | None = None,
    *,
    max_seconds: float | None = None,
) -> Audio:
    """Read any file that libsndfile knows, or a part of it as `read_samples` does, mix to mono,
    resample.

    Raises:
        AudioError: missing, unreadable, empty, too short or long, NaN or infinite samples, digital
            silence.
    """
    samples, rate = read_samples(path, start, seconds, max_seconds=max_seconds)
    return Audio(
        checked(path, resample(samples.mean(axis=1), rate, sample_rate)), sample_rate, rate
    )


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """The open file; every fault of it comes as an AudioError."""
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as file:
            yield file
    except soundfile.LibsndfileError as error:
        missing = not Path(path).exists()
        reason = "no such file" if missing else f"not readable as audio ({error.error_string})"
        cure = "give a WAV, FLAC, OGG or MP3 file"
        raise AudioError(
            f"{path}: {reason}; {cure}", "missing" if missing else "unreadable"
        ) from error
    except (OSError, RuntimeError, TypeError) as error:  # TypeError: a headerless .raw file
        raise AudioError(
            f"{path}: not readable as audio ({error}); give a WAV, FLAC, OGG or MP3 file"
        ) from error


def _check_length(path: str | Path, seconds: float, longest: float) -> None:
    if seconds < MIN_SECONDS:
        message = (
            f"{path}: {seconds * 1000:.1f} ms of audio; at least {MIN_SECONDS * 1000:.0f} "
            "ms are needed"
        )
        raise AudioError(message, "too short")
    if seconds > longest:
        raise AudioError(
            f"{path}: {seconds:.0f} s of audio; cut it into pieces of at most {longest:.0f} s",
            "too long",
        )


def checked(path: str | Path, samples: np.ndarray) -> np.ndarray:
    """The samples, clipped to [-1,1].

    Raises:
        AudioError: NaN or infinite samples, or digital silence.
    """
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds NaN or infinite samples; export it again", "not finite")
    if np.abs(samples).max(initial=0.0) < SILENT_PEAK:
        raise AudioError(
            f"{path}: silent (peak below -100 dB); is it the right channel or file?", "silent"
        )
    return np.clip(samples, -1.0, 1.0)


def resample(samples: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """[T] float32 at source_rate -> float32 at target_rate (Hz)."""
    if source_rate == target_rate:
        return samples.astype(np.float32, copy=False)
    import soxr

    return soxr.resample(samples, source_rate, target_rate).astype(np.float32)


def save_wav(target: str | Path | BinaryIO, audio: Audio) -> None:
    """Write 16-bit WAV to a path or a binary stream."""
    data = encoded(audio, "WAV", "PCM_16")
    if isinstance(target, (str, Path)):
        Path(target).write_bytes(data)
    else:
        target.write(data)


def encoded(audio: Audio, container: str, subtype: str, **options: Any) -> bytes:
    """The signal as a file of one of libsndfile's containers and subtypes; `options` as of
    soundfile.write.
    """
    import soundfile

    buffer = io.BytesIO()
    samples = np.clip(audio.samples, -1.0, 1.0)
    soundfile.write(
        buffer, samples, audio.sample_rate, format=container, subtype=subtype, **options
    )
    return buffer.getvalue()


def decoded(data: bytes) -> Audio:
    """The mono signal of what `encoded` made."""
    import soundfile

    return Audio(*soundfile.read(io.BytesIO(data), dtype="float32"))
