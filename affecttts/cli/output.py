"""Where results go: checked before the work starts, written under a temporary name, never
half-written.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from affecttts import __version__
from affecttts.errors import OutputError, RequestError
from affecttts.machine import usable_cpus
from codec.atomic import atomic_file, recover

if TYPE_CHECKING:
    import numpy as np

STDOUT = "-"


def check_output(target: str, force: bool) -> None:
    """Refuse an output that exists or cannot be written.

    Raises:
        RequestError: it exists and `force` is off.
        OutputError: its folder is missing or not writable.
    """
    if target == STDOUT:
        return
    path = Path(target)
    try:
        exists = bool(os.lstat(path))
    except FileNotFoundError:
        exists = False
    except OSError as error:
        raise OutputError(f"{target[:80]}: cannot be written ({error.strerror})") from error
    recover(path)
    if exists and not path.is_file():
        raise RequestError(f"{path} is a folder or a device; give the name of a file")
    if exists and not force:
        raise RequestError(f"{path} exists; give --force to replace it or another name")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the folder {path.parent} is not writable")


@contextmanager
def new_file(target: str, force: bool) -> Iterator[Path]:
    """Yield a path to write to, which becomes `target` when all is written.

    Raises:
        RequestError: without `force`, somebody has made `target` since it was checked.
        OutputError: the disk is full, say; an earlier file of that name is untouched.
    """
    from safetensors import SafetensorError

    try:
        with atomic_file(target, replace=force) as temporary:
            yield temporary
    except FileExistsError as error:
        raise RequestError(
            f"{target} was made by somebody else meanwhile; give --force to replace it or "
            "another name"
        ) from error
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{target}: cannot be written ({reason})") from error


def chosen_format(format: str | None, target: str) -> str:
    """The audio format that was asked for, else the one that the name of the target says; WAV where
    it says nothing.

    Raises:
        FormatError: a suffix that is not known; the known ones are named.
    """
    from codec.encoders import format_of

    if format is not None:
        return format
    return format_of(target).name if Path(target).suffix and target != STDOUT else "wav"


def write_sound(
    target: str, chunks: Iterable[np.ndarray], sample_rate: int, format: str, force: bool
) -> None:
    """Write synthetic speech, float32 chunks [t], to a file, or to standard output for "-" as they
    come. The metadata say that it is synthetic, where the format has a place for them.

    Raises:
        RequestError, OutputError: see `new_file`.
        FormatError: the format's library is not installed.
    """
    from codec.encoders import open_writer, write_stream

    writer = open_writer(format, sample_rate, f"synthetic speech, affecttts {__version__}")
    if target == STDOUT:
        for samples in chunks:
            sys.stdout.buffer.write(writer.write(samples))
            sys.stdout.buffer.flush()
        sys.stdout.buffer.write(writer.finish())
        return
    with new_file(target, force) as temporary:
        write_stream(temporary, writer, chunks)


def write_text(target: str, text: str, force: bool) -> None:
    """Write text to a file, or to standard output for "-".

    Raises:
        RequestError, OutputError: see `new_file`.
    """
    if target == STDOUT:
        sys.stdout.write(text)
        return
    with new_file(target, force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_wav(target: str, samples: np.ndarray, sample_rate: int, force: bool) -> None:
    """Write 16-bit WAV to a file, or to standard output for "-".

    Raises:
        RequestError, OutputError: see `new_file`.
    """
    from codec.audio import Audio, save_wav

    audio = Audio(samples, sample_rate)
    if target == STDOUT:
        save_wav(sys.stdout.buffer, audio)
        return
    with new_file(target, force) as temporary:
        save_wav(temporary, audio)


MOST_WAV_BYTES = 2**32 - 1000


def write_wav_windows(
    target: str, windows: Iterable, total: int, sample_rate: int, force: bool
) -> None:
    """The same from float32 [n] windows, `total` samples of which are written as they come.

    Raises:
        RequestError: more than a WAV file can hold; or as `new_file`.
        OutputError: see `new_file`.
    """
    if 2 * total > MOST_WAV_BYTES:
        raise RequestError(f"{total / sample_rate / 3600:.1f} hours do not fit a WAV file; cut it")
    if target == STDOUT:
        _write_windows(sys.stdout.buffer, windows, total, sample_rate)
        return
    with new_file(target, force) as temporary, open(temporary, "wb") as file:
        _write_windows(file, windows, total, sample_rate)


def _write_windows(file: BinaryIO, windows: Iterable, total: int, sample_rate: int) -> None:
    import wave

    from codec.audio import Audio, encoded

    wav = wave.open(file, "wb")
    wav.setnchannels(1)
    wav.setsampwidth(2)
    wav.setframerate(sample_rate)
    wav.setnframes(total)
    for samples in windows:
        samples, total = samples[:total], total - len(samples[:total])
        # libsndfile rounds here as it does for files that are written at once
        wav.writeframesraw(encoded(Audio(samples, sample_rate), "RAW", "PCM_16"))


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add --workers."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=usable_cpus(),
        help="processes (default: all cores)",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--json`, which means the same of every command."""
    parser.add_argument(
        "--json", action="store_true", help=f"print JSON on standard output: {what}"
    )


def print_json(values: object) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(values, ensure_ascii=False))
