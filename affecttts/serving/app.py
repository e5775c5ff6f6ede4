"""The HTTP server's routes, put together."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from affecttts import __version__
from affecttts.serving import speech, text_socket
from affecttts.serving.calls import body_schema
from affecttts.serving.errors import ApiError
from affecttts.serving.http import ClientGoneError, Gate, answer_for
from affecttts.serving.service import Service
from codec.errors import UserError

router = APIRouter()
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; media-src blob:; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SPEAKING = ("/v1/audio/speech", "/v1/audio/speech/timestamps")
ERROR_STATUSES = ("400", "401", "404", "408", "413", "415", "421", "500", "503")


def create_app(service: Service) -> FastAPI:
    """The application that a server runs."""
    app = FastAPI(
        title="affecttts",
        version=__version__,
        description="Emotional text-to-speech; `POST /v1/audio/speech` is as OpenAI's.",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    for part in (router, speech.router, text_socket.router):
        app.include_router(part)
    if service.settings.metrics:
        app.add_api_route("/metrics", metrics, methods=["GET"])
    app.add_middleware(Gate, service=service)
    kinds = (ApiError, UserError, ClientGoneError, StarletteHTTPException, HTTPException)
    for kind in (*kinds, Exception):
        app.add_exception_handler(kind, _handle)
    app.openapi = lambda: _schema(app, service)
    return app


async def _handle(request: Request, error: Exception) -> Response:
    if isinstance(error, ClientGoneError):
        return Response(status_code=499)  # nobody reads it
    if isinstance(error, StarletteHTTPException):
        routes = "GET /openapi.json lists what there is"
        error = ApiError(error.status_code, f"{error.detail}; {routes}", code="route")
    return answer_for(error)


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """The page: text in, speech out."""
    text = files("affecttts.serving").joinpath("page.html").read_text(encoding="utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the server speaks."""
    return {"status": "ok"}


@router.get("/v1/models")
@router.get("/v1/audio/models")
async def models(request: Request) -> dict[str, Any]:
    """The model and its aliases."""
    rows = request.app.state.service.catalogue.models()
    return {"object": "list", "data": rows, "models": rows}


@router.get("/v1/audio/voices")
async def voices(request: Request) -> dict[str, Any]:
    """Voices and their aliases."""
    return {"voices": request.app.state.service.catalogue.voices()}


@router.get("/v1/audio/emotions")
async def emotions(request: Request) -> dict[str, Any]:
    """Emotions, with valence, arousal and dominance."""
    return {"emotions": request.app.state.service.catalogue.emotions()}


async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text form."""
    page = request.app.state.service.metrics.page()
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")


def _schema(app: FastAPI, service: Service) -> dict[str, Any]:
    """FastAPI's OpenAPI document with the bodies, whose fields are those of `SpeechRequest`."""
    if app.openapi_schema is None:
        schema = FastAPI.openapi(app)
        body = body_schema(service.catalogue)
        for path in SPEAKING:
            entry = schema["paths"][path]["post"]
            entry["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": body}},
            }
            for status in ERROR_STATUSES:
                entry["responses"][status] = {"description": "an error, as OpenAI's object"}
        app.openapi_schema = schema
    return app.openapi_schema
