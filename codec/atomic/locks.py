"""Locks that end with their process, so that a kill leaves none behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SECONDS_HELD = 86_400.0  # by a lock file alone
_held: set[int] = set()


@contextmanager
def lock_file(path: Path) -> Iterator[bool]:
    """Whether this process alone holds the lock at `path` while the block lasts.

    The file is made where it is missing and may be removed by who holds it. Where the system has
    no locks, who made the file holds it for a day.
    """
    flags = os.O_RDWR | os.O_CREAT
    try:
        try:
            handle, made = os.open(path, flags | os.O_EXCL, 0o600), True
        except FileExistsError:
            handle, made = os.open(path, flags, 0o600), False
    except FileNotFoundError:  # its folder was removed by who held it
        yield False
        return
    _held.add(handle)
    try:
        yield _taken(handle, made) and _is_at(handle, path)
    finally:
        _held.discard(handle)
        os.close(handle)


def _taken(handle: int, made: bool) -> bool:
    if fcntl is not None:
        with suppress(OSError):  # the file system has no locks
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
    return made or time.time() - os.fstat(handle).st_mtime > SECONDS_HELD


def _is_at(handle: int, path: Path) -> bool:
    """Whether the locked file still has its name: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _leave_to_parent() -> None:
    """A forked worker must not hold on to locks of a parent that was killed."""
    for handle in _held:
        with suppress(OSError):
            os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
