"""Text in pieces, sound out: the WebSocket for language models that write while they are heard.

The messages are those of vLLM-Omni's socket. From the client, as JSON:

    {"type": "session.config", ..}      fields of a call: voice, emotion, response_format, ..
    {"type": "input.text", "text": ..}  a piece of text, and emotion or intensity from here on
    {"type": "input.done"}              no more text: what is left is spoken, then session.done
    {"type": "input.cancel"}            stop and forget what waits
    {"type": "session.close"}

From the server: audio.start, binary frames, audio.words, audio.done for each sentence;
session.done, audio.cancelled, error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from affecttts.errors import shown
from affecttts.serving.calls import SpeechCall, parse_call
from affecttts.serving.errors import ApiError, failed
from affecttts.serving.http import LOG
from affecttts.serving.queue import Job
from affecttts.serving.sentences import Sentences
from affecttts.serving.service import COMMENT, Service, refusal, word_rows
from codec.encoders import open_writer

if TYPE_CHECKING:
    from affecttts.synthesis.result import AudioChunk

router = APIRouter()
MESSAGES = ("session.config", "input.text", "input.done", "input.cancel", "session.close")


@router.websocket("/v1/audio/speech/stream")
async def stream(socket: WebSocket) -> None:
    """One session."""
    await socket.accept()
    session = Session(socket, socket.app.state.service)
    speaking = asyncio.create_task(session.speak())
    try:
        await session.listen()
    except WebSocketDisconnect:
        pass
    finally:
        session.cancel()
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
    with suppress(RuntimeError):  # the client has closed it
        await socket.close()


@dataclass(frozen=True)
class Sentence:
    """A sentence that waits; None for the end of the input."""

    call: SpeechCall | None
    text: str = ""


class Session:
    """The state of one socket."""

    def __init__(self, socket: WebSocket, service: Service) -> None:
        self.socket, self.service = socket, service
        self.fields: dict[str, Any] = {"response_format": "pcm"}
        self.sentences, self.index = Sentences(), 0
        self.waiting: asyncio.Queue[Sentence] = asyncio.Queue()
        self.characters = 0  # of the sentences that wait
        self.job: Job[bytes | dict[str, Any]] | None = None
        self.generation = 0  # grows with every cancel

    async def listen(self) -> None:
        """Take messages until the session ends."""
        while True:
            try:
                idle = self.service.settings.idle_timeout
                message = await asyncio.wait_for(self._receive(), idle)
                if message["type"] == "session.close":
                    return
                await self._handle(message)
            except asyncio.TimeoutError:
                if self.waiting.empty() and self.job is None:
                    return await self._tell_error(ApiError(408, f"silent for {idle:g} s; closed"))
            except ApiError as error:
                await self._tell_error(error)

    async def _receive(self) -> dict[str, Any]:
        data = await self.socket.receive()
        if data["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(data.get("code", 1000))
        try:
            message = json.loads(data.get("text") or "")
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "a message is no JSON; binary ones come from here alone") from error
        if not isinstance(message, dict) or message.get("type") not in MESSAGES:
            raise ApiError(400, f"unknown message {shown(message)}; known: {', '.join(MESSAGES)}")
        return message

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message.pop("type")
        if kind == "input.cancel":
            self.cancel()
            await self.socket.send_json({"type": "audio.cancelled"})
        elif kind == "input.done":
            self._speak_later(self.sentences.finish())
            self.waiting.put_nowait(Sentence(None))
        elif kind == "session.config":
            self._configure(message)
        else:
            text = message.pop("text", "")
            if not isinstance(text, str):
                raise ApiError(400, f"text is {shown(text)}; give a string", "text")
            room = self.service.settings.max_text - self.characters - len(self.sentences)
            if len(text) > room:
                raise ApiError(400, f"{room} more characters can wait; go on later", "text")
            if message:  # another emotion begins with a sentence of its own
                self._speak_later(self.sentences.finish())
                self._configure(message)
            self._speak_later(self.sentences.push(text))

    def _configure(self, fields: dict[str, Any]) -> None:
        changed = self.fields | fields
        self._call(changed, "x")
        self.fields = changed

    def _call(self, fields: dict[str, Any], text: str) -> SpeechCall:
        if {"input", "stream_format"} & set(fields):
            raise ApiError(400, "here text comes with input.text, and sound in binary frames")
        settings = self.service.settings
        return parse_call(fields | {"input": text}, self.service.catalogue, settings.max_text)

    def _speak_later(self, sentences: list[str]) -> None:
        for text in sentences:
            self.characters += len(text)
            self.waiting.put_nowait(Sentence(self._call(self.fields, text), text))

    def cancel(self) -> None:
        """Stop, and forget what waits."""
        self.generation += 1
        if self.job is not None:
            self.job.cancel()
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.sentences, self.characters = Sentences(), 0

    async def speak(self) -> None:
        """Speak what waits, sentence by sentence, as long as the session lasts."""
        while True:
            sentence = await self.waiting.get()
            try:
                if sentence.call is None:
                    await self.socket.send_json({"type": "session.done"})
                    continue
                self.characters -= len(sentence.text)
                await self._speak(sentence.call, sentence.text)
            except (WebSocketDisconnect, RuntimeError):  # it was closed meanwhile
                return
            except Exception as error:
                told = refusal(error)
                if told is None:
                    LOG.error("a sentence failed", exc_info=error)
                await self._tell_error(told or failed())

    async def _speak(self, call: SpeechCall, text: str) -> None:
        generation, index = self.generation, self.index
        self.index += 1
        prepared = await self.service.prepare(call.request)
        job = await self.service.start(prepared, lambda c: self._messages(call, c))
        if generation != self.generation:  # cancelled while it waited
            return job.cancel()
        self.job = job
        rate = self.service.sample_rate
        start = {"sentence_index": index, "sentence_text": text, "seed": prepared.seed}
        try:
            await self._send({"type": "audio.start"} | start | {"format": call.format}, rate)
            async for item in job:
                if generation != self.generation:
                    return
                await self._send(item, rate)
            await self.socket.send_json({"type": "audio.done", "sentence_index": index})
        finally:
            job.cancel()
            self.job = None

    async def _send(self, item: bytes | dict[str, Any], rate: int) -> None:
        if isinstance(item, bytes):
            return await self.socket.send_bytes(item)
        rates = {"sample_rate": rate} if item["type"] == "audio.start" else {}
        await self.socket.send_json(item | rates)

    def _messages(
        self, call: SpeechCall, chunks: Iterator[AudioChunk]
    ) -> Iterator[bytes | dict[str, Any]]:
        writer = open_writer(call.format, self.service.sample_rate, COMMENT)
        for chunk in chunks:
            if data := writer.write(chunk.audio):
                yield data
            if call.timestamps and chunk.words:
                yield {"type": "audio.words", "words": word_rows(chunk.words)}
        if data := writer.finish():
            yield data

    async def _tell_error(self, error: ApiError) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.send_json({"type": "error"} | error.to_dict())
