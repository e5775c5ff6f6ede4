"""The routes that speak."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from affecttts.serving.calls import SpeechCall, parse_call
from affecttts.serving.errors import ApiError, failed
from affecttts.serving.http import LOG, read_json, unless_gone
from affecttts.serving.queue import Job
from affecttts.serving.service import COMMENT, Service, refusal, word_rows
from codec.encoders import known_format, open_writer

if TYPE_CHECKING:
    from affecttts.synthesis.request import PreparedRequest
    from affecttts.synthesis.result import AudioChunk

router = APIRouter()
Turn = Callable[["Iterator[AudioChunk]"], Iterator[bytes]]


@router.post("/v1/audio/speech")
async def speech(request: Request) -> Response:
    """Speak a text, and send the sound as it is made."""
    service: Service = request.app.state.service
    call = await _call(request, service)
    if call.timestamps and not call.sse:
        message = "timestamps come with stream_format sse, or from /v1/audio/speech/timestamps"
        raise ApiError(400, message, "timestamps")
    prepared = await unless_gone(request, service.prepare(call.request))

    def turn(chunks: Iterator[AudioChunk]) -> Iterator[bytes]:
        if call.sse:
            return events(service, call, prepared, chunks)
        return sound(call.format, service.sample_rate, chunks)

    job = await unless_gone(request, service.start(prepared, turn))
    media_type = "text/event-stream" if call.sse else known_format(call.format).media_type
    return await _streamed(request, job, media_type, _headers(service, prepared))


@router.post("/v1/audio/speech/timestamps")
async def timestamps(request: Request) -> Response:
    """Speak a text; the sound in base64, and when each word is said."""
    service: Service = request.app.state.service
    call = await _call(request, service)
    if call.sse or call.timestamps:
        message = "here all comes at once; leave stream_format and timestamps away"
        raise ApiError(400, message, "stream_format" if call.sse else "timestamps")
    prepared = await unless_gone(request, service.prepare(call.request))
    words: list[dict[str, Any]] = []
    total = 0

    def heard(chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
        nonlocal total
        for chunk in chunks:
            words.extend(word_rows(chunk.words))
            total += len(chunk.audio)
            yield chunk

    job = await unless_gone(
        request,
        service.start(prepared, lambda c: sound(call.format, service.sample_rate, heard(c))),
    )
    audio = await unless_gone(request, _whole(job))
    values = {
        "audio": base64.b64encode(audio).decode(),
        "audio_format": call.format,
        "sample_rate": service.sample_rate,
        "seconds": round(total / service.sample_rate, 4),
        "seed": prepared.seed,
        "warnings": prepared.warnings,
        "words": words,
    }
    return JSONResponse(values, headers=_headers(service, prepared))


async def _call(request: Request, service: Service) -> SpeechCall:
    settings = service.settings
    values = await read_json(request, settings.max_body, settings.body_timeout)
    return parse_call(values, service.catalogue, settings.max_text)


def _headers(service: Service, prepared: PreparedRequest) -> dict[str, str]:
    """What a client may want to know before the sound is whole."""
    headers = {
        "X-Seed": str(prepared.seed),
        "X-Sample-Rate": str(service.sample_rate),
        "Cache-Control": "no-store",
    }
    if prepared.warnings:
        headers["X-Warnings"] = json.dumps(prepared.warnings[:5])[:2000]
    return headers


def sound(format: str, sample_rate: int, chunks: Iterator[AudioChunk]) -> Iterator[bytes]:
    """The bytes of an audio format, as they are ready."""
    writer = open_writer(format, sample_rate, COMMENT)
    for chunk in chunks:
        if data := writer.write(chunk.audio):
            yield data
    if data := writer.finish():
        yield data


def events(
    service: Service, call: SpeechCall, prepared: PreparedRequest, chunks: Iterator[AudioChunk]
) -> Iterator[bytes]:
    """OpenAI's server-sent events, and where asked for `speech.audio.words`."""
    writer = open_writer(call.format, service.sample_rate, COMMENT)
    samples = 0
    try:
        for chunk in chunks:
            samples += len(chunk.audio)
            if data := writer.write(chunk.audio):
                yield delta(data)
            if call.timestamps and chunk.words:
                yield event("words", words=word_rows(chunk.words))
        if data := writer.finish():
            yield delta(data)
    except Exception as error:
        told = refusal(error)
        if not samples:
            raise
        LOG.error("a request failed", exc_info=error)
        yield event("error", **(told or failed()).to_dict())
        return
    read, made = sum(map(len, prepared.phones)), service.tokens(samples)
    yield event(
        "done", usage={"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
    )


def delta(data: bytes) -> bytes:
    """The event of some sound."""
    return event("delta", audio=base64.b64encode(data).decode())


def event(kind: str, **values: Any) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps({'type': f'speech.audio.{kind}', **values})}\n\n".encode()


async def _whole(job: Job[bytes]) -> bytes:
    try:
        return b"".join([data async for data in job])
    finally:
        job.cancel()


async def _streamed(
    request: Request, job: Job[bytes], media_type: str, headers: dict[str, str]
) -> Response:
    """An answer whose status is sent with the first bytes, so that an error before has its own."""
    items = job.__aiter__()
    try:
        first = await unless_gone(request, anext(items, b""))
    except BaseException:
        job.cancel()
        raise
    return JobResponse(job, _joined(first, items), media_type=media_type, headers=headers)


async def _joined(first: bytes, items: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for item in items:
        yield item


class JobResponse(StreamingResponse):
    """Sends what a job makes; the job ends with the connection."""

    def __init__(self, job: Job[bytes], content: AsyncIterator[bytes], **options: Any) -> None:
        super().__init__(content, **options)
        self.job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.job.cancel()
