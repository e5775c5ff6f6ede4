"""From the settings to a server that runs."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.errors import OutputError, RequestError
from affecttts.serving.settings import ServerSettings
from affecttts.synthesis.voices import is_voice_folder

if TYPE_CHECKING:
    from affecttts.synthesis.synthesizer import Synthesizer

BACKLOG = 128
MESSAGE_BYTES = 65_536  # of a WebSocket


def load(
    folder: str | Path | None, voices: str | Path | None, lexicon: Iterable[str] = ()
) -> Synthesizer:
    """A model, with all adapted voices of a folder.

    Raises:
        CheckpointError: the model or a voice is broken.
        RequestError: no such folder.
    """
    from affecttts.synthesis.synthesizer import Synthesizer

    synthesizer = Synthesizer.from_pretrained(folder, lexicon)
    for path in _voice_folders(voices):
        synthesizer.load_voice(path)
    synthesizer.synthesize("Ready.", seed=0)  # so that the first client waits no longer than others
    return synthesizer


def _voice_folders(voices: str | Path | None) -> list[Path]:
    if voices is None:
        return []
    folder = Path(voices)
    if not folder.is_dir():
        raise RequestError(f"{folder}: no such folder; give the one that holds the voices")
    return [path for path in sorted(folder.glob("[!.]*")) if is_voice_folder(path)]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OutputError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise OutputError(
            f"{host}:{port}: cannot be listened on ({reason}); give another port"
        ) from error
    return listener


def serve_http(synthesizer: Synthesizer, settings: ServerSettings) -> int:
    """Serve over HTTP until a signal; returns the exit code.

    A first SIGTERM or SIGINT lets what is at work end, within `settings.drain` seconds.
    """
    import uvicorn

    from affecttts.serving.app import create_app
    from affecttts.serving.service import Service

    with listen(settings.host, settings.port) as listener:
        app = create_app(Service(synthesizer, settings))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_max_size=MESSAGE_BYTES,
            timeout_graceful_shutdown=round(settings.drain),
        )
        announce("http", listener)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def serve_wyoming(synthesizer: Synthesizer, settings: ServerSettings) -> int:
    """Serve Wyoming over TCP until a signal; returns the exit code."""
    from affecttts.serving.doors.wyoming import run

    with listen(settings.host, settings.port) as listener:
        announce("tcp", listener)
        asyncio.run(run(synthesizer, settings, listener))
    return 0


def serve_mcp(synthesizer: Synthesizer, settings: ServerSettings) -> int:
    """Serve an MCP client over standard input and output; returns the exit code."""
    from affecttts.serving.doors.mcp import create_server

    create_server(synthesizer, settings).run("stdio")
    return 0


def announce(scheme: str, listener: socket.socket) -> None:
    """Say on stderr where it listens."""
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    print(f"affecttts: listening on {scheme}://{name}:{port}", file=sys.stderr, flush=True)
