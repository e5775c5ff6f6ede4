"""AAC, through PyAV where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.audio import finite
from codec.encoders.pipe import Pipe
from codec.errors import FormatError


class AacWriter:
    """AAC in ADTS frames, see `AudioWriter`; there is no place for a comment."""

    def __init__(self, sample_rate: int, comment: str = "") -> None:
        try:
            import av
        except ImportError as error:
            raise FormatError("aac needs PyAV; pip install 'affecttts[av]'") from error
        self.patches: list[tuple[int, bytes]] = []
        self.rate, self.pipe, self.done = sample_rate, Pipe(), 0
        self.container: Any = av.open(self.pipe, "w", format="adts")
        self.stream = self.container.add_stream("aac", rate=sample_rate, layout="mono")
        self.frame_of = av.AudioFrame.from_ndarray

    def write(self, samples: np.ndarray) -> bytes:
        """float32 [t] -> the bytes that are ready."""
        if len(samples):
            frame = self.frame_of(finite(samples)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, self.done = self.rate, self.done, self.done + len(samples)
            self.container.mux(self.stream.encode(frame))
        return self.pipe.take()

    def finish(self) -> bytes:
        """The bytes that are left."""
        self.container.mux(self.stream.encode(None))
        self.container.close()
        return self.pipe.take()
