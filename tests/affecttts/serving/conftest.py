"""A server on loopback with the tiny model, in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")

import uvicorn

from affecttts import Synthesizer
from affecttts.serving.app import create_app
from affecttts.serving.run import listen
from affecttts.serving.service import Service
from affecttts.serving.settings import Aliases, ServerSettings

SETTINGS = ServerSettings(
    port=0, metrics=True, workers=2, aliases=Aliases({"alloy": "heart"}, {"tts-1": "tiny"})
)


class Running:
    """A server that runs."""

    def __init__(self, service: Service, url: str) -> None:
        self.service, self.url = service, url
        self.client = httpx.Client(base_url=url, timeout=30)

    def speak(self, text: str = "Hello there.", **fields):
        """The answer of POST /v1/audio/speech."""
        body = {"input": text, "seed": 3} | fields
        return self.client.post("/v1/audio/speech", json=body)


@contextmanager
def running(synthesizer: Synthesizer, **changes) -> Iterator[Running]:
    service = Service(synthesizer, replace(SETTINGS, **changes))
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning"))
        thread = threading.Thread(
            target=asyncio.run, args=(server.serve(sockets=[listener]),), daemon=True
        )
        thread.start()
        while not server.started:
            assert thread.is_alive()
        yield Running(service, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="package")
def synthesizer(tiny_model_dir) -> Synthesizer:
    """Treat as read-only."""
    return Synthesizer.from_pretrained(tiny_model_dir)


@pytest.fixture(scope="package")
def server(synthesizer) -> Iterator[Running]:
    """Treat as read-only."""
    with running(synthesizer) as one:
        yield one


@pytest.fixture
def start(synthesizer):
    """Run a server of settings of its own: `with start(workers=1) as server`."""

    def run(speaker: Synthesizer | None = None, **changes):
        return running(speaker or synthesizer, **changes)

    return run


class Slow:
    """A synthesizer whose speech goes on until it is let go or cancelled."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self.synthesizer, self.free, self.begun = synthesizer, threading.Event(), []
        self.closed = threading.Semaphore(0)

    def __getattr__(self, name: str):
        return getattr(self.synthesizer, name)

    def start(self, request):
        """A stream that says nothing new."""
        self.begun.append(request)
        return SlowStream(self, self.synthesizer.start(request))


class SlowStream:
    """Gives the first chunk again and again."""

    finish_reason = "end"

    def __init__(self, slow: Slow, stream) -> None:
        self.slow, self.stream, self.cancelled = slow, stream, threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.stream.close()
        self.slow.closed.release()

    def cancel(self) -> None:
        """Stop."""
        self.cancelled.set()

    def __iter__(self):
        chunk = next(self.stream)
        yield chunk
        while not (self.slow.free.wait(0.01) or self.cancelled.is_set()):
            yield chunk


@pytest.fixture
def slow(synthesizer) -> Iterator[Slow]:
    """Speech that goes on until the end of the test."""
    speaker = Slow(synthesizer)
    yield speaker
    speaker.free.set()
