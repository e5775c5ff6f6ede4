"""A file for encoders that want to go back in it, whose bytes are taken away as they come."""

from __future__ import annotations

import io


class Pipe(io.RawIOBase):
    """Writes at the end are given out in their order; writes before it are kept as patches."""

    def __init__(self) -> None:
        self.patches: list[tuple[int, bytes]] = []
        self._fresh, self._place, self._end = bytearray(), 0, 0

    def take(self) -> bytes:
        """The bytes that came since they were last taken."""
        data = bytes(self._fresh)
        self._fresh.clear()
        return data

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._end}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: object) -> int:
        """Nothing: what was given out cannot be read again."""
        return 0

    def write(self, data: object) -> int:
        new = bytes(data)  # type: ignore[call-overload]
        old = max(0, min(len(new), self._end - self._place))  # bytes that lie behind
        if old:
            self.patches.append((self._place, new[:old]))
        self._fresh += new[old:]
        self._place += len(new)
        self._end = max(self._end, self._place)
        return len(new)
