"""What all doors of a server share: the model, the queue, the names, the figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from affecttts import __version__
from affecttts.errors import GenerationError, RequestError
from affecttts.serving.catalogue import Catalogue
from affecttts.serving.errors import ApiError
from affecttts.serving.metrics import Metrics
from affecttts.serving.queue import Job, SpeechQueue
from affecttts.serving.settings import ServerSettings
from codec.errors import UserError

if TYPE_CHECKING:
    from affecttts.synthesis.request import PreparedRequest, SpeechRequest
    from affecttts.synthesis.result import AudioChunk, TimedWord
    from affecttts.synthesis.stream import SpeechStream
    from affecttts.synthesis.synthesizer import Synthesizer

T = TypeVar("T")
SYNTHETIC = f"affecttts/{__version__}"
COMMENT = f"synthetic speech, {SYNTHETIC}"


class Service:
    """A loaded model that speaks for many.

    Raises:
        RequestError: an alias that does not fit the model.
    """

    def __init__(self, synthesizer: Synthesizer, settings: ServerSettings) -> None:
        self.synthesizer, self.settings = synthesizer, settings
        self.catalogue = Catalogue(synthesizer.info, settings.aliases)
        self.queue = SpeechQueue(settings.workers, settings.waiting, settings.deadline)
        self.metrics = Metrics(self.queue)

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.synthesizer.codec.config.sample_rate

    def tokens(self, samples: int) -> int:
        """How many tokens of the codec some samples are."""
        frames = samples // self.synthesizer.codec.config.hop_length
        return frames * self.synthesizer.layout.num_codebooks

    async def prepare(self, request: SpeechRequest) -> PreparedRequest:
        """Check a request whole, its text too, in a thread; nothing waits.

        Raises:
            ApiError: 400, it cannot be spoken; 503, nobody could speak it now.
        """
        self.queue.check_room()
        try:
            return await asyncio.to_thread(self.synthesizer.prepare, request)
        except RequestError as error:
            raise ApiError(400, str(error), code="value") from error

    async def start(
        self, request: PreparedRequest, turn: Callable[[Iterator[AudioChunk]], Iterator[T]]
    ) -> Job[T]:
        """Speak a request when a worker is free.

        Args:
            turn: the chunks -> what the job gives out.

        Raises:
            ApiError: 503.
        """

        def make(job: Job[T]) -> Iterator[T]:
            with self.synthesizer.start(request) as stream:
                job.on_cancel(stream.cancel)
                yield from turn(self.metrics.watched(_to_its_end(stream)))

        return await self.queue.start(make)


def _to_its_end(stream: SpeechStream) -> Iterator[AudioChunk]:
    """The chunks.

    Raises:
        GenerationError: the text was not spoken to its end.
    """
    yield from stream
    if stream.finish_reason == "cap":
        raise GenerationError("the speech grew too long before its text was spoken; cut the text")


def refusal(error: Exception) -> ApiError | None:
    """What a client is told of an error; None = it is ours, and goes to the log."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RequestError) or getattr(error, "exit_code", None) == 2:
        return ApiError(400, str(error), code="value")
    return ApiError(500, str(error), code="failed") if isinstance(error, UserError) else None


def word_rows(words: Iterable[TimedWord]) -> list[dict[str, Any]]:
    """Words with their times in seconds."""
    return [{"word": w.text, "start": round(w.start, 4), "end": round(w.end, 4)} for w in words]
