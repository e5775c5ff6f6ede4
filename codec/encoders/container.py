"""What libsndfile compresses: FLAC, Ogg Opus, MP3."""

from __future__ import annotations

from typing import BinaryIO, cast

import numpy as np

from codec.audio import finite
from codec.encoders.pipe import Pipe


class ContainerWriter:
    """An encoder of libsndfile, see `AudioWriter`."""

    def __init__(self, container: str, subtype: str, sample_rate: int, comment: str = "") -> None:
        import soundfile

        self.pipe, self.container, self.begun = Pipe(), container, False
        self.file = soundfile.SoundFile(
            cast(BinaryIO, self.pipe), "w", sample_rate, 1, format=container, subtype=subtype
        )
        if comment:
            self.file.comment = comment

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """What a file has in place of some of its bytes."""
        return self.pipe.patches

    def write(self, samples: np.ndarray) -> bytes:
        """float32 [t] -> the bytes that are ready."""
        self.file.write(finite(samples))
        self.file.flush()
        return self._begun(self.pipe.take())

    def finish(self) -> bytes:
        """The bytes that are left."""
        self.file.close()
        return self._begun(self.pipe.take())

    def _begun(self, data: bytes) -> bytes:
        """The first bytes without a length; a patch brings the true one."""
        begun, self.begun = self.begun, self.begun or bool(data)
        return data if begun else endless(data, self.container)


def endless(head: bytes, container: str) -> bytes:
    """The first bytes of a file, saying that its length is unknown: FLAC's number of samples (36
    bits of STREAMINFO, RFC 9639) as 0.
    """
    if container == "FLAC" and len(head) > 26:
        return head[:21] + bytes([head[21] & 0xF0, 0, 0, 0, 0]) + head[26:]
    return head
