"""The one door through which a file is opened for reading: regular files only, of bounded size."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from codec.errors import InputError

MEGABYTE = 1_000_000
# The largest file of each kind that is read.
JSON_BYTES = 4 * MEGABYTE  # configs, cards and indices of a model folder
RECORD_BYTES = 512 * MEGABYTE  # JSON that we write ourselves: indices of shards, reports, states
TABLE_BYTES = 256 * MEGABYTE  # tables of a corpus, batch files
TEXT_BYTES = 2 * MEGABYTE  # a text to speak, a transcript, a YAML file
PIECES_BYTES = 16 * MEGABYTE  # a SentencePiece model
AUDIO_BYTES = 4_000 * MEGABYTE
WEIGHTS_BYTES = 16_000 * MEGABYTE

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def as_path(value: Any) -> Path:
    """A path from whatever a caller gave.

    Raises:
        InputError: no text or path, or one that no file can have.
    """
    try:
        path = Path(os.fsdecode(value) if isinstance(value, bytes) else value)
    except TypeError:
        raise InputError(f"{str(value)[:80]!r} is no path; give the name of a file") from None
    if "\0" in str(path):
        raise InputError(f"{str(path)[:80]!r}: no file can have this name (it holds NUL)")
    return path


def descriptor(path: str | os.PathLike[str], limit: int) -> int:
    """An open file descriptor of a regular file of at most `limit` bytes; the caller closes it.

    Raises:
        InputError: missing, unreadable, no regular file, or larger.
    """
    path = as_path(path)
    try:
        _check(path, os.stat(path), limit)  # before opening: a device may act when it is opened
        handle = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    try:
        _check(path, os.fstat(handle), limit)
    except InputError:
        os.close(handle)
        raise
    return handle


def _check(path: Path, found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_so, name in _KINDS if is_so(found.st_mode)), "something else")
        raise InputError(f"{path}: is {kind}; give a regular file")
    if found.st_size > limit:
        raise InputError(
            f"{path}: {_size(found.st_size)}; files of this kind have at most {_size(limit)}"
        )


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB" if count < 1000 * MEGABYTE else f"{count / 1e9:.1f} GB"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def open_file(path: str | os.PathLike[str], limit: int) -> BinaryIO:
    """A regular file of at most `limit` bytes, opened for reading bytes.

    Raises:
        InputError: see `descriptor`.
    """
    return os.fdopen(descriptor(path, limit), "rb")


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """All of a regular file of at most `limit` bytes.

    Raises:
        InputError: see `descriptor`, or it grows while it is read.
    """
    with open_file(path, limit) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    if len(data) > limit:
        raise InputError(f"{path}: files of this kind have at most {_size(limit)}")
    return data


def file_digest(path: str | os.PathLike[str], limit: int, more: bytes = b"") -> str:
    """SHA-256 of a regular file of at most `limit` bytes and of `more`, 64 hex digits; the file is
    read in pieces.

    Raises:
        InputError: see `descriptor`.
    """
    digest = hashlib.sha256()
    with open_file(path, limit) as file:
        try:
            while piece := file.read(MEGABYTE):
                digest.update(piece)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    digest.update(more)
    return digest.hexdigest()


def read_text(path: str | os.PathLike[str], limit: int = TEXT_BYTES) -> str:
    """All of a UTF-8 file, without the mark that may stand at its start.

    Raises:
        InputError: see `read_bytes`, or no UTF-8.
    """
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def inside(folder: str | os.PathLike[str], name: str) -> Path:
    """The path of a file or folder of `folder`, which may be a link but not out of it.

    Raises:
        InputError: it leads out of the folder.
    """
    folder = as_path(folder)
    path = folder / name
    try:
        real, root = path.resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    if not real.is_relative_to(root):
        raise InputError(f"{path}: links out of the folder; copy the file to its place")
    return path
