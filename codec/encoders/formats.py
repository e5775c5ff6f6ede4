"""The formats that are written, by name and by suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

import numpy as np

from codec.encoders.container import ContainerWriter
from codec.encoders.libav import AacWriter
from codec.encoders.plain import PcmWriter, WavWriter
from codec.errors import FormatError


class AudioWriter(Protocol):
    """An encoder: mono samples in, bytes out.

    The bytes in their order are a stream that players read. What a file would say in its head only
    now, such as its length, comes to stand in `patches`.
    """

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """Offsets in the stream, and what a file has there instead."""
        ...

    def write(self, samples: np.ndarray) -> bytes:
        """float32 [t] in [-1,1] -> the bytes that are ready."""
        ...

    def finish(self) -> bytes:
        """The bytes that are left."""
        ...


@dataclass(frozen=True)
class AudioFormat:
    """One format.

    Attributes:
        name: as it is asked for.
        media_type: of an HTTP answer.
        suffixes: of files.
        writer: sample rate in Hz and a comment for the metadata, where it has a place -> a writer.
    """

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    writer: Callable[[int, str], AudioWriter]


def _container(container: str, subtype: str) -> Callable[[int, str], AudioWriter]:
    return lambda rate, comment: ContainerWriter(container, subtype, rate, comment)


FORMATS = {
    format.name: format
    for format in (
        AudioFormat("wav", "audio/wav", (".wav",), WavWriter),
        AudioFormat("flac", "audio/flac", (".flac",), _container("FLAC", "PCM_16")),
        AudioFormat("opus", "audio/ogg", (".opus", ".ogg"), _container("OGG", "OPUS")),
        AudioFormat("mp3", "audio/mpeg", (".mp3",), _container("MP3", "MPEG_LAYER_III")),
        AudioFormat("aac", "audio/aac", (".aac",), AacWriter),
        AudioFormat("pcm", "audio/pcm", (".pcm",), PcmWriter),
    )
}


def known_format(name: str) -> AudioFormat:
    """The format of a name.

    Raises:
        FormatError: there is none; the known ones are named.
    """
    if name not in FORMATS:
        raise FormatError(f"unknown format {name[:40]!r}; known: {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(path: str) -> AudioFormat:
    """The format of a file by its suffix.

    Raises:
        FormatError: the suffix is none of the known ones, which are named.
    """
    suffix = PurePath(path).suffix.lower()
    for format in FORMATS.values():
        if suffix in format.suffixes:
            return format
    known = ", ".join(suffix for format in FORMATS.values() for suffix in format.suffixes)
    raise FormatError(
        f"{path[:80]}: the suffix {suffix[:20] or '(none)'} names no audio format; known: {known}"
    )


def open_writer(name: str, sample_rate: int, comment: str = "") -> AudioWriter:
    """An encoder of a format.

    Args:
        sample_rate: Hz.
        comment: what the metadata say, where the format has a place for it.

    Raises:
        FormatError: an unknown format, or one whose library is not installed.
    """
    return known_format(name).writer(sample_rate, comment)
