"""Audio files from samples that come in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from codec.atomic import atomic_file
from codec.encoders.formats import AudioWriter, format_of, open_writer


def write_audio(
    path: str | Path,
    chunks: Iterable[np.ndarray],
    sample_rate: int,
    format: str | None = None,
    comment: str = "",
    *,
    replace: bool = True,
) -> None:
    """Write mono float32 chunks [t] as they come; the file is there once it is whole.

    Args:
        sample_rate: Hz.
        format: its name; None = by the suffix.
        comment: for the metadata, where the format has a place for it.
        replace: whether an earlier file of that name goes.

    Raises:
        FormatError: an unknown format, or one whose library is not installed.
        AudioError: NaN or infinite samples.
        OSError: it cannot be written; or, without `replace`, it exists.
    """
    writer = open_writer(format or format_of(str(path)).name, sample_rate, comment)
    with atomic_file(path, replace=replace) as temporary:
        write_stream(temporary, writer, chunks)


def write_stream(path: Path, writer: AudioWriter, chunks: Iterable[np.ndarray]) -> None:
    """Write what a writer makes of chunks [t] to a path, its head corrected at the end."""
    with open(path, "wb") as file:
        for samples in chunks:
            file.write(writer.write(samples))
        file.write(writer.finish())
        for offset, data in writer.patches:
            file.seek(offset)
            file.write(data)
