"""How files and folders come into being: whole or not at all, whatever ends the process.

A writer works in a staging folder beside its target, `.NAME.part`, and one rename puts the result
in place. A lock tells the staging folder of a live writer from one that a kill left behind, which
the next writer of the same name, `recover` and `sweep` clear away.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codec.atomic.locks import lock_file
from codec.atomic.renaming import create_file, exchange

STAGING_SUFFIX = ".part"
LOCK_NAME, RETIRED_NAME = ".lock", ".retired"
MAX_WRITERS = 64  # of one target at once
MAX_NAME_BYTES = 200  # longer names are cut, for a staging folder's is longer still


@contextmanager
def atomic_folder(target: str | Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `target` only when the block ends well.

    At every instant `target` is the earlier folder or the new one, both complete. Where the system
    cannot exchange two folders in one step, `recover` completes what a kill between two steps
    left.

    Raises:
        OSError: it cannot be written; or, without `replace`, there is one that is not empty.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _staging(target) as staging:
        fresh = staging / target.name
        fresh.mkdir()
        yield fresh
        fresh.chmod(0o755)
        _flush(fresh)
        _place_folder(fresh, target, staging / RETIRED_NAME, replace)
        _flush_entry(target.parent)


@contextmanager
def atomic_file(target: str | Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a path to write to; the file takes the place of `target` only when the block ends well.

    Raises:
        FileExistsError: without `replace`, `target` exists by then, whoever made it meanwhile.
        OSError: it cannot be written.
    """
    target = Path(target)
    with _staging(target) as staging:
        fresh = staging / target.name
        yield fresh
        fresh.chmod(0o644)
        _flush(fresh)
        if replace:
            os.replace(fresh, target)
        else:
            create_file(fresh, target)
        _flush_entry(target.parent)


def write_text(target: str | Path, text: str) -> None:
    """A file of UTF-8 text that takes the place of `target` when it is whole."""
    with atomic_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(target: str | Path, data: bytes) -> None:
    """The same of bytes."""
    with atomic_file(target) as temporary:
        temporary.write_bytes(data)


def recover(target: str | Path) -> None:
    """Complete or clear away what killed writers of `target` left beside it."""
    for number in range(MAX_WRITERS):
        path = _staging_path(Path(target), number)
        if path.is_dir():
            _clear(path)
        elif number:
            return


def sweep(folder: str | Path) -> None:
    """Do the same for every target in a folder and the folders in it."""
    for place, names, _ in os.walk(folder):
        for name in [name for name in names if name.startswith(".") and STAGING_SUFFIX in name]:
            path = Path(place) / name
            if (path / LOCK_NAME).exists() or not any(path.iterdir()):
                names.remove(name)
                _clear(path)


def whole_lines(path: str | Path) -> list[str]:
    """Lines of a file that `append_line` writes; a last one that a kill tore is cut off the file.

    A file that is missing has none.
    """
    path = Path(path)
    data = path.read_bytes() if path.exists() else b""
    length = data.rfind(b"\n") + 1
    if length < len(data):
        os.truncate(path, length)
    return data[:length].decode("utf-8").split("\n")[:-1]


def append_line(path: str | Path, line: str) -> None:
    """Add one line to a file, on disk when this returns."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


# -- staging folders
def _staging_path(target: Path, number: int) -> Path:
    name = target.name
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        name = "long-" + hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return target.with_name(f".{name}{STAGING_SUFFIX}{number or ''}")


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that is this writer's alone until the block ends."""
    for number in range(MAX_WRITERS):
        path = _staging_path(target, number)
        path.mkdir(mode=0o700, exist_ok=True)
        with _claimed(path) as mine:
            if not mine:
                continue
            try:
                yield path
            finally:
                _settle(path)
                _give_up(path)
            return
    raise OSError(errno.EBUSY, f"{MAX_WRITERS} others are writing it", str(target))


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether the staging folder is ours while the block lasts; what lay in it is settled."""
    with lock_file(path / LOCK_NAME) as mine:
        if mine:
            _settle(path)
        yield mine


def _settle(path: Path) -> None:
    """Put a new folder in place whose forerunner was retired, and remove everything else."""
    others = [entry for entry in path.iterdir() if entry.name not in (LOCK_NAME, RETIRED_NAME)]
    if (path / RETIRED_NAME).exists() and others:
        target = path.parent / others[0].name
        if not target.exists():
            os.rename(others[0], target)
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK_NAME:
            entry.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    with _claimed(path) as mine:
        if mine:
            _give_up(path)


def _give_up(path: Path) -> None:
    """Remove a claimed and settled staging folder; its lock goes last."""
    with suppress(OSError):
        (path / LOCK_NAME).unlink(missing_ok=True)
        path.rmdir()


def _place_folder(fresh: Path, target: Path, retired: Path, replace: bool) -> None:
    if not (replace and target.exists()):
        os.rename(fresh, target)  # which an empty folder does not hinder
    elif not exchange(fresh, target):
        os.rename(target, retired)
        os.rename(fresh, target)  # which `_settle` does again where it did not come to that


# -- what a power cut must not undo
def _flush(path: Path) -> None:
    """A file, or a folder with everything in it."""
    if path.is_dir():
        for entry in path.iterdir():
            _flush(entry)
        _flush_entry(path)
        return
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _flush_entry(folder: Path) -> None:
    """The names in a folder, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
