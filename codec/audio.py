"""The one door through which audio files come in and go out: mono float32 in [-1,1], sample rate
always explicit.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from codec.errors import AudioError, AudioWarning
from codec.inputs.sound import HIGHEST_RATE, Sound, mono_shares, open_sound

MAX_SECONDS = 300.0  # the codec works on a whole signal at once
MIN_SECONDS = 0.02
MAX_DECODED = 75_000_000  # numbers of all channels that are held at once: 300 MB
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
    """Rate, channels and length of any file that `load_audio` reads; nothing is decoded where the
    header gives the length.

    Raises:
        AudioError: missing, unreadable, or beyond a limit.
    """
    with open_sound(path) as sound:
        frames = sound.frames
        if frames is None:
            frames = sum(map(len, sound.blocks()))
        return AudioHeader(sound.rate, sound.channels, frames / sound.rate)


def read_samples(
    path: str | Path,
    start: float | None = None,
    seconds: float | None = None,
    *,
    max_seconds: float | None = None,
) -> tuple[np.ndarray, int]:
    """A file, or the part of it from `start` for `seconds`, as it is: float32 [T,C] and Hz.

    The header is checked before anything is decoded; what is longer than `max_seconds` (default:
    MAX_SECONDS), or has more than MAX_DECODED numbers, is refused.

    Raises:
        AudioError: missing, unreadable, too short or too long, or the part reaches beyond the end.
    """
    with open_sound(path) as sound:
        blocks = list(_blocks(sound, start, seconds, max_seconds, MAX_DECODED))
        return np.concatenate(blocks), sound.rate


def read_blocks(
    path: str | Path, start: float | None = None, seconds: float | None = None
) -> Iterator[tuple[np.ndarray, Sound]]:
    """What `read_samples` reads, in blocks [n,C] one after another, and the open file.

    Raises:
        AudioError: as `read_samples`; there is no limit on the number of channels times samples.
    """
    with open_sound(path) as sound:
        for block in _blocks(sound, start, seconds, None):
            yield block, sound


def load_audio(
    path: str | Path,
    sample_rate: int,
    start: float | None = None,
    seconds: float | None = None,
    *,
    max_seconds: float | None = None,
) -> Audio:
    """Read any file that libsndfile or PyAV knows, or a part of it as `read_samples` does, mix to
    mono (see `codec.inputs.sound.mono_shares`), resample. Blocks are decoded one after another, so
    that memory holds the result alone.

    A signal beyond full scale (as floating-point files may hold, or the mixing of channels brings
    about) is scaled to it, with an AudioWarning; overshoot of lossy decoders up to 1 dB is clipped.

    Raises:
        AudioError: missing, unreadable, empty, too short or long, NaN or infinite samples, digital
            silence.
    """
    whole = isinstance(sample_rate, int) and not isinstance(sample_rate, bool)
    if not (whole and 1 <= sample_rate <= HIGHEST_RATE):
        raise AudioError(f"{path}: a sample rate of {sample_rate!r:.40} Hz cannot be made")
    _check_seconds(path, "max_seconds", max_seconds)
    peak, parts = 0.0, []
    with open_sound(path) as sound:
        shares = mono_shares(sound.channels, sound.vorbis)
        resampled = _Resampler(sound.rate, sample_rate)
        for block in _blocks(sound, start, seconds, max_seconds):
            mono = block[:, 0] if sound.channels == 1 else block @ shares
            peak = max(peak, float(np.abs(mono).max(initial=0.0)))
            parts.append(resampled(mono))
        parts.append(resampled.end())
        samples, ceiling = np.concatenate(parts), sound.ceiling
        rate = sound.rate
    if ceiling < peak < np.inf:
        warnings.warn(
            f"{path}: peaks at {20 * np.log10(peak):.1f} dB above full scale; scaled down to it",
            AudioWarning,
            stacklevel=2,
        )
        samples = samples / np.float32(peak)
    return Audio(checked(path, samples), sample_rate, rate)


def _blocks(
    sound: Sound,
    start: float | None,
    seconds: float | None,
    max_seconds: float | None,
    most: float = float("inf"),
) -> Iterator[np.ndarray]:
    """The blocks of a file or of a part of it, as long as they keep within the limits."""
    path, rate, longest = sound.path, sound.rate, max_seconds or MAX_SECONDS
    first, count = _part(sound, start, seconds, longest)
    done = 0
    for block in sound.blocks(first, count):
        done += len(block)
        if done > longest * rate:
            _check_length(path, done / rate, longest)
        if done * sound.channels > most:
            raise AudioError(
                f"{path}: more than {most:g} samples in {sound.channels} channels; mix it down, or "
                "cut it",
                "too long",
            )
        yield block
    if sound.frames is None:
        _check_length(path, done / rate, longest)


def _part(
    sound: Sound, start: float | None, seconds: float | None, longest: float
) -> tuple[int, int | None]:
    """First sample and number of samples of what is asked for; None = to the end."""
    path, total = sound.path, None if sound.frames is None else sound.frames / sound.rate
    _check_seconds(path, "start", start)
    _check_seconds(path, "seconds", seconds)
    if start is None:
        if total is not None:
            _check_length(path, total, longest)
        return 0, None
    if seconds is None:
        raise AudioError(f"{path}: start without seconds")
    if total is not None and start + seconds > total + MIN_SECONDS:
        message = (
            f"{path}: ends at {total:.2f} s, before {start + seconds:.2f} s; correct "
            "start and seconds"
        )
        raise AudioError(message, "too short")
    _check_length(path, seconds, longest)
    return round(start * sound.rate), round(seconds * sound.rate)


def _check_seconds(path: str | Path, name: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (number and 0 <= value < 1e9):
        raise AudioError(f"{path}: {name} is {value!r:.40}, must be a number of seconds")


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


class _Resampler:
    """[n] float32 blocks at one rate -> blocks at another; all together what `resample` gives."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self.stream = None
        if source_rate != target_rate:
            import soxr

            self.stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")

    def __call__(self, block: np.ndarray) -> np.ndarray:
        block = np.ascontiguousarray(block, dtype=np.float32)
        return block.copy() if self.stream is None else self.stream.resample_chunk(block)

    def end(self) -> np.ndarray:
        """What is still inside."""
        rest = np.zeros(0, np.float32)
        return rest if self.stream is None else self.stream.resample_chunk(rest, last=True)


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

    if not isinstance(audio, Audio) or not isinstance(audio.samples, np.ndarray):
        raise AudioError(f"Audio of an array of samples is written, not {type(audio).__name__}")
    buffer, samples = io.BytesIO(), finite(audio.samples)
    try:
        soundfile.write(
            buffer, samples, audio.sample_rate, format=container, subtype=subtype, **options
        )
    except (TypeError, AttributeError, OverflowError, RuntimeError) as error:
        raise AudioError(f"the signal cannot be written ({error!s:.200})") from error
    return buffer.getvalue()


def finite(samples: np.ndarray) -> np.ndarray:
    """The samples, clipped to [-1,1].

    Raises:
        AudioError: NaN or infinite samples.
    """
    if not np.isfinite(samples).all():
        raise AudioError(
            "the signal holds NaN or infinite samples; nothing is written", "not finite"
        )
    return np.clip(samples, -1.0, 1.0)


def decoded(data: bytes) -> Audio:
    """The mono signal of what `encoded` made."""
    import soundfile

    return Audio(*soundfile.read(io.BytesIO(data), dtype="float32"))
