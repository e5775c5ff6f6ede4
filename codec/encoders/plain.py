"""16-bit samples without compression: raw, and as WAV."""

from __future__ import annotations

import struct

import numpy as np

from codec.audio import Audio, encoded

UNKNOWN_SIZE = 0xFFFFFFFF  # of a stream whose end is still to come
SAMPLE_BYTES = 2


class PcmWriter:
    """Signed 16-bit little-endian samples, one channel; there is no place for a comment."""

    def __init__(self, sample_rate: int, comment: str = "") -> None:
        self.sample_rate = sample_rate
        self.patches: list[tuple[int, bytes]] = []

    def write(self, samples: np.ndarray) -> bytes:
        """float32 [t] -> bytes [2t]."""
        # libsndfile rounds here as it does for files that are written at once
        return encoded(Audio(samples, self.sample_rate), "RAW", "PCM_16", endian="LITTLE")

    def finish(self) -> bytes:
        """Nothing is left."""
        return b""


class WavWriter:
    """A WAV of 16-bit samples, whose header says that the length is unknown (RIFF, Microsoft 1991);
    a comment stands in its LIST chunk.
    """

    def __init__(self, sample_rate: int, comment: str = "") -> None:
        self.pcm = PcmWriter(sample_rate)
        self.comment, self.total, self.begun = comment, 0, False
        self.patches: list[tuple[int, bytes]] = []

    def write(self, samples: np.ndarray) -> bytes:
        """float32 [t] -> bytes, the header before the first ones."""
        data = self.pcm.write(samples)
        self.total += len(data)
        return self._begin() + data

    def finish(self) -> bytes:
        """The header, where nothing came; its sizes become known."""
        head, size = self._begin(), len(self._header())
        if size + self.total <= UNKNOWN_SIZE:
            sizes = [(4, size - 8 + self.total), (size - 4, self.total)]
            self.patches = [(place, struct.pack("<I", number)) for place, number in sizes]
        return head

    def _begin(self) -> bytes:
        begun, self.begun = self.begun, True
        return b"" if begun else self._header()

    def _header(self) -> bytes:
        rate = self.pcm.sample_rate
        form = struct.pack(
            "<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, SAMPLE_BYTES * rate, SAMPLE_BYTES, 16
        )
        data = struct.pack("<4sI", b"data", UNKNOWN_SIZE)
        return struct.pack("<4sI4s", b"RIFF", UNKNOWN_SIZE, b"WAVE") + form + self._list() + data

    def _list(self) -> bytes:
        """The LIST chunk with the comment (ICMT)."""
        if not self.comment:
            return b""
        text = self.comment.encode("ascii", "replace") + b"\0"
        text += b"\0" * (len(text) % 2)
        entry = struct.pack("<4sI", b"ICMT", len(text)) + text
        return struct.pack("<4sI4s", b"LIST", 4 + len(entry), b"INFO") + entry
