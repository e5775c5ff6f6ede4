"""Wyoming: the protocol by which Home Assistant speaks (github.com/OHF-Voice/wyoming).

A voice's speakers are the emotions. The protocol knows no keys, so that it is for loopback alone,
or for a network that is trusted as a whole.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wyoming.audio import AudioChunk as SoundEvent
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.server import AsyncEventHandler
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from affecttts import __version__
from affecttts.errors import shown
from affecttts.serving.calls import parse_request
from affecttts.serving.errors import ApiError, failed
from affecttts.serving.http import LOG
from affecttts.serving.sentences import Sentences
from affecttts.serving.service import COMMENT, Service, refusal
from affecttts.serving.settings import ServerSettings
from codec.encoders import open_writer

if TYPE_CHECKING:
    from affecttts.synthesis.result import AudioChunk
    from affecttts.synthesis.synthesizer import Synthesizer

SOURCE = Attribution("affecttts", "https://arxiv.org/abs/2605.11098")
WIDTH = 2  # bytes of a sample


async def run(synthesizer: Synthesizer, settings: ServerSettings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(Service(synthesizer, settings), listener, stop)


async def serve(service: Service, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve until an event; sentences at work are spoken to their end."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(Handler(service, reader, writer).run())
        tasks.add(task)
        try:
            await task
        except (ConnectionError, asyncio.IncompleteReadError, ValueError) as error:
            LOG.info("a client was cut off: %s", error)
        finally:
            tasks.discard(task)

    limit = service.settings.max_body
    server = await asyncio.start_server(connected, sock=listener, limit=limit)
    await stop.wait()
    server.close()
    ends = asyncio.get_running_loop().time() + service.settings.drain
    while service.queue.at_work and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()


class Handler(AsyncEventHandler):
    """One connection."""

    def __init__(
        self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self.service = service
        self.sentences: Sentences | None = None  # while text comes in pieces
        self.voice: SynthesizeVoice | None = None

    async def handle_event(self, event: Event) -> bool:
        """One event; what fails is told, and the connection stays."""
        try:
            await self._handle(event)
        except ConnectionError:
            return False
        except Exception as error:
            told = refusal(error)
            if told is None:
                LOG.error("an event failed", exc_info=error)
            told = told or failed()
            await self.write_event(Error(str(told), told.code).event())
        return True

    async def _handle(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self.write_event(self._info().event())
        elif Synthesize.is_type(event.type):
            if self.sentences is None:  # in a stream it repeats the whole text for older servers
                asked = Synthesize.from_event(event)
                check_format(asked.text_format)
                await self._speak(asked.text, asked.voice)
        elif SynthesizeStart.is_type(event.type):
            asked = SynthesizeStart.from_event(event)
            check_format(asked.text_format)
            self.sentences, self.voice = Sentences(), asked.voice
        elif SynthesizeChunk.is_type(event.type) and self.sentences is not None:
            for text in self.sentences.push(SynthesizeChunk.from_event(event).text):
                await self._speak(text, self.voice)
        elif SynthesizeStop.is_type(event.type) and self.sentences is not None:
            rest, self.sentences = self.sentences.finish(), None
            for text in rest:
                await self._speak(text, self.voice)
            await self.write_event(SynthesizeStopped().event())

    async def _speak(self, text: str, voice: SynthesizeVoice | None) -> None:
        fields: dict[str, Any] = {"input": text}
        if voice is not None and voice.name:
            fields["voice"] = voice.name
        if voice is not None and voice.speaker:
            fields["emotion"] = voice.speaker
        settings, rate = self.service.settings, self.service.sample_rate
        request = parse_request(fields, self.service.catalogue, settings.max_text)
        job = await self.service.start(await self.service.prepare(request), self._sound)
        try:
            await self.write_event(AudioStart(rate, WIDTH, 1).event())
            async for data in job:
                await self.write_event(SoundEvent(rate, WIDTH, 1, data).event())
            await self.write_event(AudioStop().event())
        finally:
            job.cancel()

    def _sound(self, chunks: Iterator[AudioChunk]) -> Iterator[bytes]:
        writer = open_writer("pcm", self.service.sample_rate, COMMENT)
        for chunk in chunks:
            yield writer.write(chunk.audio)

    def _info(self) -> Info:
        emotions = [TtsVoiceSpeaker(row["id"]) for row in self.service.catalogue.emotions()]
        voices = [
            TtsVoice(
                name=row["id"],
                attribution=SOURCE,
                installed=True,
                description=row["description"] or row["name"],
                version=__version__,
                languages=["en", "en-US"],
                speakers=emotions,
            )
            for row in self.service.catalogue.voices()
        ]
        program = TtsProgram(
            name="affecttts",
            attribution=SOURCE,
            installed=True,
            description="emotional text-to-speech",
            version=__version__,
            voices=voices,
            supports_synthesize_streaming=True,
        )
        return Info(tts=[program])


def check_format(text_format: Any) -> None:
    """Refuse what would be read aloud as it is written.

    Raises:
        ApiError: no plain text.
    """
    name = getattr(text_format, "value", text_format)
    if name not in (None, "text"):
        raise ApiError(400, f"text_format is {shown(name)}; send text", "text_format")
