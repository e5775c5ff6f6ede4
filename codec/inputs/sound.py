"""Sound files as blocks of samples: libsndfile's containers and, with PyAV, those of telephones and
browsers. What a file asks for is bounded before anything is decoded, and again while it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import AudioError, InputError
from codec.inputs.door import AUDIO_BYTES, as_path, descriptor

SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".au",
    ".caf",
    ".w64",
)
# Suffix -> the one container that may lie in it: FFmpeg knows others that name further files.
CONTAINERS = {
    ".m4a": "mov",
    ".mp4": "mov",
    ".m4b": "mov",
    ".aac": "aac",
    ".webm": "matroska",
    ".mka": "matroska",
}
AUDIO_SUFFIXES = (*SUFFIXES, *CONTAINERS)
LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000  # Hz
MAX_CHANNELS = 32
BLOCK = 65_536  # samples of each channel
OVERSHOOT = 1.122  # 1 dB: what lossy decoders add to a full-scale signal
CURE = "give a WAV, FLAC, OGG or MP3 file"

# Share of each channel in the mono signal (ITU-R BS.775 with the front pair as in a stereo file):
# dialogue in the centre keeps its level, surrounds come 3 dB below the front, the LFE stays out.
SHARES = {"L": 0.5, "R": 0.5, "C": 1.0, "S": 0.3536, "-": 0.0}
ORDERS = {3: "LRC", 4: "LRSS", 5: "LRCSS", 6: "LRC-SS", 7: "LRC-SSS", 8: "LRC-SSSS"}
VORBIS_ORDERS = {3: "LCR", 4: "LRSS", 5: "LCRSS", 6: "LCRSS-", 7: "LCRSSS-", 8: "LCRSSSS-"}


def mono_shares(channels: int, vorbis: bool = False) -> np.ndarray:
    """Share of each channel in the mono signal, float32 [C]; one, two, and more than eight channels
    are averaged.

    Args:
        vorbis: the channels come in the order of OGG files, not in that of WAV files.
    """
    order = (VORBIS_ORDERS if vorbis else ORDERS).get(channels)
    if order is None:
        return np.full(channels, 1 / channels, np.float32)
    return np.array([SHARES[place] for place in order], np.float32)


@dataclass(frozen=True)
class Sound:
    """An open file."""

    path: Path
    rate: int  # Hz
    channels: int
    frames: int | None  # samples of each channel as the header says; None = it does not
    ceiling: float  # a peak above is more than what decoding adds
    vorbis: bool  # order of the channels
    reader: Any

    def blocks(self, first: int = 0, count: int | None = None) -> Iterator[np.ndarray]:
        """Samples from `first` on, `count` of each channel or all, float32 [n,C], n <= `BLOCK`.

        Raises:
            AudioError: what is there cannot be decoded.
        """
        with _named(self.path):
            for block in self.reader.blocks(first):
                block = block if count is None else block[:count]
                if len(block):
                    yield block
                if count is not None and (count := count - len(block)) <= 0:
                    return


@contextmanager
def open_sound(path: str | os.PathLike[str]) -> Iterator[Sound]:
    """Open any file that libsndfile knows, or one of `CONTAINERS` through PyAV.

    Raises:
        AudioError: missing, unreadable, no regular file, or beyond a limit, which the message says.
    """
    with _named(path):
        path = as_path(path)
        handle = descriptor(path, AUDIO_BYTES)
    with os.fdopen(handle, "rb") as file:
        container = CONTAINERS.get(path.suffix.lower())
        with _named(path):
            reader = _Av(file, container) if container else _Sndfile(handle)
        try:
            sound = Sound(path, *reader.header, reader)
            _check(sound)
            yield sound
        finally:
            reader.close()


def _check(sound: Sound) -> None:
    for what, value, low, high in (
        ("Hz", sound.rate, LOWEST_RATE, HIGHEST_RATE),
        ("channels", sound.channels, 1, MAX_CHANNELS),
    ):
        if not low <= value <= high:
            raise AudioError(
                f"{sound.path}: {value} {what}; {low} to {high} are read", "out of bounds"
            )


@contextmanager
def _named(path: object) -> Iterator[None]:
    """Every fault of a file comes as an AudioError that names it."""
    try:
        yield
    except AudioError:
        raise
    except InputError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        kind, reason = ("missing", f"{path}: no such file") if missing else ("unreadable", error)
        raise AudioError(f"{reason}; {CURE}" if missing else str(reason), kind) from error
    except ImportError as error:
        raise AudioError(
            f"{path}: PyAV reads such files: pip install 'affecttts[av]'; or {CURE}", "needs PyAV"
        ) from error
    except (OSError, RuntimeError, ValueError, TypeError, IndexError, MemoryError) as error:
        reason = " ".join(str(getattr(error, "error_string", error)).split())[:120]
        raise AudioError(f"{path}: not readable as audio ({reason}); {CURE}") from error


class _Sndfile:
    """Through an open file's descriptor: its name need not be one that libsndfile can take."""

    def __init__(self, handle: int) -> None:
        import soundfile

        self.file = soundfile.SoundFile(handle, closefd=False)

    @property
    def header(self) -> tuple[int, int, int | None, float, bool]:
        file = self.file
        ceiling = 1.0 if file.subtype in ("FLOAT", "DOUBLE") else OVERSHOOT
        return file.samplerate, file.channels, file.frames, ceiling, file.format == "OGG"

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        if first:
            self.file.seek(first)
        while len(block := self.file.read(BLOCK, dtype="float32", always_2d=True)):
            yield block

    def close(self) -> None:
        self.file.close()


class _Av:
    """Through FFmpeg, which gets an open file and the name of one container, never a path."""

    def __init__(self, file: Any, container: str) -> None:
        import av

        self.av = av
        self.container: Any = av.open(file, format=container, metadata_errors="replace")
        if not self.container.streams.audio:
            raise ValueError("no audio in it")
        self.stream: Any = self.container.streams.audio[0]

    @property
    def header(self) -> tuple[int, int, int | None, float, bool]:
        stream = self.stream
        seconds = (
            float(stream.duration * stream.time_base)
            if stream.duration
            else (self.container.duration or 0) / self.av.time_base
        )
        frames = round(seconds * stream.rate) if seconds > 0 else None
        return stream.rate, stream.channels, frames, OVERSHOOT, False

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        layout, rate = self.stream.codec_context.layout, self.stream.rate
        resampler = self.av.AudioResampler(format="fltp", layout=layout, rate=rate)
        for decoded in self.container.decode(self.stream):
            for frame in resampler.resample(decoded):
                samples = frame.to_ndarray().T
                skipped, first = min(first, len(samples)), max(0, first - len(samples))
                for start in range(skipped, len(samples), BLOCK):
                    yield np.ascontiguousarray(samples[start : start + BLOCK])

    def close(self) -> None:
        self.container.close()
