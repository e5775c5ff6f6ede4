"""Standard output and error that may be closed, broken or on a full disk."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class _Forgiving:
    """A stream whose failures are forgotten: what cannot be told must not undo what was done."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            _to_nowhere(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            _to_nowhere(self._stream)


class _Closed(io.TextIOBase):
    """In place of a standard output that was closed before we began."""

    def write(self, _: object) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    @property
    def buffer(self) -> _Closed:
        """The binary stream below."""
        return self


def _to_nowhere(stream: Any) -> None:
    """Let what is still in a stream's buffer go to the null device when Python ends."""
    with suppress(OSError, ValueError, AttributeError):  # a stream may have no file
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextmanager
def sound_streams() -> Iterator[None]:
    """Let standard error never fail, and standard output fail with an OSError alone."""
    before = sys.stdout, sys.stderr
    sys.stderr = _Forgiving(io.StringIO() if sys.stderr is None else sys.stderr)
    if sys.stdout is None:
        sys.stdout = _Closed()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def flush_stdout() -> None:
    """Bring out what was printed.

    Raises:
        OSError: it cannot be; nothing of it is tried again.
    """
    try:
        sys.stdout.flush()
    except OSError:
        _to_nowhere(sys.stdout)
        raise
