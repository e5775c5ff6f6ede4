"""Speech in chunks as it is made: the primitive, of which whole speech is the join."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from affecttts.machine import chosen_threads, torch_threads
from affecttts.synthesis.request import PreparedRequest
from affecttts.synthesis.result import AudioChunk, SpeechResult, TimedPhone, TimedWord
from affecttts.synthesis.speaker import PieceMaker
from affecttts.synthesis.timing import PieceTimes, written_words

if TYPE_CHECKING:
    from affecttts.lm.generate import Generated

CHUNK_SECONDS = 0.32


class SpeechStream(Iterator[AudioChunk]):
    """The chunks of one request. All work is done in `next`, with one thread unless
    OMP_NUM_THREADS says otherwise; memory does not grow with what was spoken.

    Attributes:
        request: what is spoken.
        sample_rate: Hz.
        finish_reason: None while it goes on; then "end", "cap" (the frame budget of a piece ran out
            before its text was spoken) or "cancelled".
    """

    def __init__(
        self,
        maker: PieceMaker,
        request: PreparedRequest,
        chunk_seconds: float,
        on_piece: Callable[[Generated], object],
    ) -> None:
        self.request = request
        self.sample_rate = maker.speaker.codec.config.sample_rate
        self.finish_reason: str | None = None
        self._maker, self._on_piece, self._cancelled = maker, on_piece, threading.Event()
        self._open = OpenChunk(self.sample_rate, max(1, round(chunk_seconds * self.sample_rate)))
        self._silence = 0  # samples that go before the next sound
        self._chunks = self._run()

    def __iter__(self) -> SpeechStream:
        return self

    def __next__(self) -> AudioChunk:
        with torch_threads(chosen_threads(1)):  # the work of one token is too little to share
            return next(self._chunks)

    def __enter__(self) -> SpeechStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def cancel(self) -> None:
        """Stop within a frame, from any thread; `next` then raises StopIteration."""
        self._cancelled.set()

    def close(self) -> None:
        """Stop; for the thread that takes the chunks."""
        self.cancel()
        self._chunks.close()
        self.finish_reason = self.finish_reason or "cancelled"

    def _run(self) -> Generator[AudioChunk, None, None]:
        request, generated = self.request, None
        texts = written_words(request.request.text, request.pieces)
        for number, (piece, words) in enumerate(zip(request.pieces, texts)):
            speech = self._maker.piece(piece.phones, request, number, self._cancelled.is_set)
            begin = (self._open.total + self._silence) / self.sample_rate
            times = PieceTimes(piece, words, begin, self._maker.frame_rate)
            for samples in speech.sound():
                self._add(samples)
                self._open.label(*times.ended(speech.counts, self._open.seconds))
                if self._open.ready:
                    yield self._open.close()
            generated = speech.generated
            if generated is None:
                self.finish_reason = "cancelled"
                return
            self._open.label(*times.ended(speech.counts, float("inf")))
            self._silence = self._silence or self._pause_after(piece.pause)
            self._on_piece(generated)
            if generated.finish_reason != "end":
                break
        if self._open.waiting:
            yield self._open.close()
        self.finish_reason = generated.finish_reason if generated else "end"

    def _add(self, samples: np.ndarray) -> None:
        if len(samples):
            self._open.add(np.zeros(self._silence, np.float32))
            self._silence = 0
            self._open.add(samples)

    def _pause_after(self, seconds: float) -> int:
        """Samples of silence after a piece; none before the first sound."""
        return round(seconds * self.sample_rate) if self._open.total else 0


class OpenChunk:
    """The chunk that is being filled."""

    def __init__(self, sample_rate: int, least: int) -> None:
        self.rate, self.least, self.total, self.index = sample_rate, least, 0, 0
        self._empty()

    def _empty(self) -> None:
        self._parts: list[np.ndarray] = []
        self._words: list[TimedWord] = []
        self._phones: list[TimedPhone] = []
        self._begin = self.total

    def add(self, samples: np.ndarray) -> None:
        """Samples [t]."""
        self._parts.append(samples)
        self.total += len(samples)

    def label(self, words: tuple[TimedWord, ...], phones: tuple[TimedPhone, ...]) -> None:
        """What has ended in it."""
        self._words += words
        self._phones += phones

    @property
    def seconds(self) -> float:
        """Of the speech so far."""
        return self.total / self.rate

    @property
    def waiting(self) -> int:
        """Samples in it."""
        return self.total - self._begin

    @property
    def ready(self) -> bool:
        """Whether it may go; the first one goes with its first sound."""
        return self.waiting >= (self.least if self.index else 1)

    def close(self) -> AudioChunk:
        """The chunk, and an empty one in its place."""
        chunk = AudioChunk(
            np.concatenate(self._parts),
            self.rate,
            self.index,
            self._begin / self.rate,
            tuple(self._words),
            tuple(self._phones),
        )
        self.index += 1
        self._empty()
        return chunk


def join(stream: SpeechStream, pieces: list[Generated]) -> SpeechResult:
    """Speak a stream to its end as one.

    Args:
        pieces: where the stream's `on_piece` puts what is generated.
    """
    chunks, request = list(stream), stream.request
    audio = [chunk.audio for chunk in chunks] or [np.zeros(0, np.float32)]
    return SpeechResult(
        np.concatenate(audio),
        stream.sample_rate,
        np.concatenate([piece.codes.numpy() for piece in pieces], axis=1),
        pieces[-1].finish_reason,
        request.seed,
        " ".join(request.phones),
        min(piece.end_probability for piece in pieces),
        request.warnings,
        tuple(word for chunk in chunks for word in chunk.words),
        tuple(phone for chunk in chunks for phone in chunk.phones),
    )
