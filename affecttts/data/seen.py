"""What came before, in little memory: texts are kept as 64-bit hashes (a million collide with a
chance of 3 in 10^8).
"""

from __future__ import annotations

import hashlib


def hash64(text: str) -> int:
    """A signed 64-bit hash that is the same in every process."""
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
        "big",
        signed=True,
    )


class Seen:
    """A set of texts."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def add(self, text: str) -> bool:
        """Whether the text is new."""
        before = len(self._hashes)
        self._hashes.add(hash64(text))
        return len(self._hashes) > before
