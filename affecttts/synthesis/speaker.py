"""What speaks: a language model and the codec behind it; one piece of text comes as sound."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from affecttts.synthesis.request import MAX_SEED, PreparedRequest
from codec.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from affecttts.lm.engine import Engine
    from affecttts.lm.generate import Frame, Generated, SamplingConfig
    from affecttts.lm.layout import TokenLayout
    from affecttts.lm.sequence import Condition
    from codec import Codec

UNIT_SECONDS = 0.16  # of codes that the decoder takes at once


@dataclass(frozen=True)
class Speaker:
    """What speaks a request: the model itself, or the model with an adapted voice merged in."""

    layout: TokenLayout
    engine: Engine
    codec: Codec


@dataclass
class PieceSpeech:
    """One piece of text while it is spoken.

    The decoder always takes the same number of frames at once, so that the samples do not depend
    on how they are cut afterwards, to the last bit.
    """

    codec: Codec
    frames: Generator[Frame, None, Generated]
    stopped: Callable[[], bool]  # asked before every frame
    spoken: list[int] = field(default_factory=list)  # frames of every block so far
    generated: Generated | None = None  # once all is spoken

    @property
    def counts(self) -> list[int]:
        """Frames of every finished block."""
        return self.spoken[:-1] if self.generated is None else list(self.generated.counts)

    def sound(self) -> Iterator[np.ndarray]:
        """Samples float32 [t] as they become final; ends early where it is told to stop."""
        from codec.streaming.decoder import streams

        units = self._units()
        return self._streamed(units) if streams(self.codec) else self._whole(units)

    def _streamed(self, units: Iterator[list[list[int]]]) -> Iterator[np.ndarray]:
        from codec.streaming import StreamingDecoder

        decoder = StreamingDecoder(self.codec)
        for unit in units:
            yield _samples(decoder.push(_codes(unit)))
        if self.generated is not None:
            yield _samples(decoder.finish())

    def _whole(self, units: Iterator[list[list[int]]]) -> Iterator[np.ndarray]:
        """Of a decoder that knows no pieces."""
        frames = [frame for unit in units for frame in unit]
        if self.generated is not None and frames:
            yield _samples(self.codec.decode(_codes(frames)))

    def _units(self) -> Iterator[list[list[int]]]:
        """Frames, some at once."""
        size = max(1, round(UNIT_SECONDS * self.codec.config.frame_rate))
        unit: list[list[int]] = []
        while not self.stopped():
            try:
                block, codes = next(self.frames)
            except StopIteration as end:
                self.generated = end.value
                break
            self.spoken += [0] * (block + 1 - len(self.spoken))
            self.spoken[block] += 1
            unit.append(codes)
            if len(unit) == size:
                yield unit
                unit = []
        if unit and self.generated is not None:
            yield unit


@dataclass(frozen=True)
class PieceMaker:
    """A speaker and all that the pieces of one request have in common."""

    speaker: Speaker
    conditions: list[Condition]
    weights: list[float]
    sampling: SamplingConfig

    @property
    def frame_rate(self) -> float:
        """Of the codec, in Hz."""
        return self.speaker.codec.config.frame_rate

    def piece(
        self, phones: str, request: PreparedRequest, index: int, stopped: Callable[[], bool]
    ) -> PieceSpeech:
        """Begin piece `index` of a request; nothing is done before its sound is asked for."""
        import torch

        from affecttts.lm.generate import generate_frames
        from affecttts.lm.sequence import phone_ids

        speaker = self.speaker
        frames = generate_frames(
            speaker.engine,
            speaker.layout,
            self.conditions,
            self.weights,
            phone_ids(speaker.layout, phones),
            self.sampling,
            torch.Generator().manual_seed((request.seed + 7919 * index) % MAX_SEED),
            request.speed,
        )
        return PieceSpeech(speaker.codec, frames, stopped)


def _samples(audio: Tensor) -> np.ndarray:
    """[1,1,t], or nothing where no frame was spoken -> [t], clipped.

    Raises:
        CheckpointError: NaN or infinite samples.
    """
    samples = audio.reshape(-1).numpy()
    if not np.isfinite(samples).all():
        raise CheckpointError(
            "the model's codec speaks NaN or infinite samples; fetch the model again"
        )
    return np.clip(samples, -1.0, 1.0)


def _codes(frames: list[list[int]]) -> Tensor:
    """F frames of K codes -> int64 [1,K,F]."""
    import torch

    return torch.tensor(frames, dtype=torch.long).t()[None]
