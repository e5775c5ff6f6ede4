"""What holds for every request over HTTP: access, limits, headers, errors."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affecttts.serving.errors import ApiError, failed
from affecttts.serving.service import SYNTHETIC, Service, refusal
from affecttts.serving.settings import is_loopback
from codec.errors import UserError

T = TypeVar("T")
OPEN_PATHS = ("/", "/health")
LOG = logging.getLogger("affecttts.serving")


class ClientGoneError(UserError):
    """Nobody waits for the answer any more."""


class Gate:
    """Lets in whom it may, marks every answer as synthetic, and counts answers.

    A page of another origin gets nothing: no CORS headers are sent, bodies must be JSON, sockets
    must come from our own page, and on a loopback address the name of the host must be one too, so
    that no foreign name can be made to lead here.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        marked = self._marked(scope, send)
        error = self._refused(scope)
        if error is None:
            return await self.app(scope, receive, marked)
        if scope["type"] == "websocket":
            await receive()
            return await marked({"type": "websocket.close", "code": 1008, "reason": str(error)})
        await error_response(error)(scope, receive, marked)

    def _refused(self, scope: Scope) -> ApiError | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if is_loopback(self.service.settings.host) and not is_loopback(_name(host)):
            return ApiError(421, f"this server is not {host[:80]!r}; ask for localhost")
        if scope["type"] == "websocket" and origin and origin.split("://")[-1] != host:
            return ApiError(403, "sockets are for pages of this server and for programs")
        if scope["path"] in OPEN_PATHS or self.service.settings.key is None:
            return None
        given = headers.get(b"authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), self.service.settings.key.encode()):
            return None
        message = "a key is needed, as `Authorization: Bearer KEY`; the one given is none"
        return ApiError(401, message, code="invalid_api_key")

    def _marked(self, scope: Scope, send: Send) -> Send:
        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = list(message.get("headers", ()))
                message["headers"] = [*headers, (b"x-synthetic-speech", SYNTHETIC.encode())]
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self.service.metrics.answers.labels(route, message["status"]).inc()
            await send(message)

        return marked


def _name(host: str) -> str:
    """The host of a Host header without its port."""
    return host[1:].split("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0]


def error_response(error: ApiError) -> Response:
    """An error as OpenAI's object."""
    return JSONResponse(error.to_dict(), error.status, error.headers)


def answer_for(error: Exception) -> Response:
    """The answer to an exception; errors of ours are logged."""
    told = refusal(error)
    if told is None or told.status == 500:
        LOG.error("a request failed", exc_info=error)
    return error_response(told or failed())


async def read_json(request: Request, limit: int, seconds: float) -> Any:
    """The JSON of a body.

    Raises:
        ApiError: no JSON, too large, or too slow.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, f"the body is {kind[:80] or 'of no type'!r}; send application/json")
    try:
        body = await asyncio.wait_for(_read(request, limit), seconds)
    except asyncio.TimeoutError as error:
        raise ApiError(408, f"the body did not come within {seconds:g} s") from error
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is no JSON ({str(error)[:80]})") from error


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise ApiError(413, f"the body is larger than {limit} bytes; split the text")
    return bytes(body)


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Wait for something as long as the client does.

    Raises:
        ClientGoneError: it hung up; the work is cancelled.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
