"""What plain renames cannot do: exchange two folders, or create a file and replace none."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100  # paths start at the working folder
RENAME_EXCHANGE = 2  # of Linux' renameat2
RENAME_SWAP = 2  # of macOS' renamex_np
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths swap what they name, in one step; False where the system cannot.

    Raises:
        OSError: it can, but these two it cannot.
    """
    call = _system_call(os.fsencode(one), os.fsencode(other))
    if call is None:
        return False
    sys.audit("os.rename", str(one), str(other), -1, -1)  # as os.rename does
    if call() == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _system_call(one: bytes, other: bytes):
    if sys.platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        return lambda: library.renamex_np(one, other, ctypes.c_uint(RENAME_SWAP))
    if not hasattr(library, "renameat2"):
        return None
    return lambda: library.renameat2(AT_FDCWD, one, AT_FDCWD, other, ctypes.c_uint(RENAME_EXCHANGE))


def create_file(fresh: Path, target: Path) -> None:
    """Give a file the name `target`, which must be free; `fresh` may remain as another name.

    Raises:
        FileExistsError: it is not.
    """
    try:
        os.link(fresh, target)
    except FileExistsError:
        raise
    except (OSError, AttributeError):  # a file system or a system without links
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(fresh, target)
