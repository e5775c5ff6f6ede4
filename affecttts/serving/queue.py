"""Work in threads, of which only so much goes on at once."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from affecttts.serving.errors import ApiError

T = TypeVar("T")
_END = object()


class Job(Generic[T]):
    """An iterator that a worker thread runs ahead; iterate over it in the event loop.

    What it made waits in memory, so that a slow client keeps no worker.
    """

    def __init__(self, make: Callable[[Job[T]], Iterator[T]]) -> None:
        self._make, self._loop = make, asyncio.get_running_loop()
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self._cancelled = threading.Event()
        self._stop: Callable[[], object] = lambda: None

    def cancel(self) -> None:
        """Stop before the next item, or sooner."""
        self._cancelled.set()
        self._stop()

    def on_cancel(self, stop: Callable[[], object]) -> None:
        """Let `cancel` also call a function, which is safe in any thread."""
        self._stop = stop
        if self._cancelled.is_set():
            stop()

    def work(self) -> None:
        """Run the iterator, in a worker thread."""
        end: object = _END
        try:
            items = self._make(self)
            try:
                while not self._cancelled.is_set() and (item := next(items, _END)) is not _END:
                    self._put(item)
            finally:
                getattr(items, "close", lambda: None)()
        except Exception as error:
            end = error
        self._put(end)

    def _put(self, item: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    async def __aiter__(self) -> AsyncIterator[T]:
        """The items; an exception of the iterator comes where it was raised."""
        while (item := await self._items.get()) is not _END:
            if isinstance(item, Exception):
                raise item
            yield item


class SpeechQueue:
    """At most `workers` jobs at work, and at most `waiting` that wait, each `deadline` seconds."""

    def __init__(self, workers: int, waiting: int, deadline: float) -> None:
        self.workers, self.waiting, self.deadline = workers, waiting, deadline
        self.at_work = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._pool = ThreadPoolExecutor(workers, "speech")

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._line)

    def check_room(self) -> None:
        """Refuse at once what cannot even wait.

        Raises:
            ApiError: 503, the queue is full.
        """
        if self.at_work >= self.workers and self.length >= self.waiting:
            raise self._busy("the queue is full")

    async def start(self, make: Callable[[Job[T]], Iterator[T]]) -> Job[T]:
        """Wait for a worker and let it run an iterator.

        Raises:
            ApiError: 503, the queue is full or the deadline passed.
        """
        await self._turn()
        job = Job[T](make)
        future = asyncio.get_running_loop().run_in_executor(self._pool, job.work)
        future.add_done_callback(lambda _: self._release())
        return job

    async def _turn(self) -> None:
        self.check_room()
        if self.at_work < self.workers:
            self.at_work += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await asyncio.wait({turn}, timeout=self.deadline)
        except asyncio.CancelledError:
            if turn.done():
                self._release()
            raise
        finally:
            if not turn.done():
                self._line.remove(turn)
        if not turn.done():
            raise self._busy(f"no worker was free within {self.deadline:g} s")

    def _release(self) -> None:
        """Give a worker to the first that waits."""
        if self._line:
            self._line.popleft().set_result(None)
        else:
            self.at_work -= 1

    def _busy(self, reason: str) -> ApiError:
        wait = max(1, math.ceil(min(self.deadline, 10.0)))
        return ApiError(503, f"{reason}; try again later", code="busy", retry_after=wait)
