"""`affecttts serve`: speech for other programs, over HTTP, Wyoming or MCP."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from affecttts.errors import RequestError
from affecttts.serving.settings import Aliases, ServerSettings, read_aliases, read_key

EXAMPLE = """examples:
  affecttts serve
  affecttts serve --host 0.0.0.0 --api-key-file key.txt --voices voices
  affecttts serve wyoming --port 10200
"""
DOORS = {"http": ("serve", "uvicorn"), "wyoming": ("wyoming", "wyoming"), "mcp": ("mcp", "mcp")}
"""Door -> extra, and a module of it."""
PORTS = {"http": 8000, "wyoming": 10200, "mcp": 0}


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="speak for other programs",
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "door",
        nargs="?",
        choices=tuple(DOORS),
        default="http",
        help="http: as OpenAI's, with a page (default); wyoming: for Home Assistant; mcp: a tool "
        "for assistants, on standard input and output",
    )
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument("--voices", metavar="DIR", help="folder whose adapted voices are loaded")
    parser.add_argument("--lexicon", metavar="TSV", action="append", help="pronunciations")
    _add_limits(parser)
    _add_access(parser)
    parser.set_defaults(run=run)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    default = ServerSettings()
    for name, kind, help in (
        ("workers", int, "requests that are spoken at once"),
        ("waiting", int, "requests that may wait"),
        ("deadline", float, "seconds that a request waits before it is refused with 503"),
        ("max-text", int, "characters of a text"),
        ("drain", float, "seconds that speech at work has to end after SIGTERM"),
    ):
        value = getattr(default, name.replace("-", "_"))
        parser.add_argument(
            f"--{name}", type=kind, default=value, help=f"{help} (default {value:g})"
        )


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="default 8000, for wyoming 10200; 0 = any")
    parser.add_argument(
        "--api-key-file", metavar="FILE", help="file of the key that clients must give"
    )
    parser.add_argument(
        "--aliases",
        metavar="JSON",
        help='names that clients have built in: {"voices": {"alloy": "heart"}, "models": {..}}',
    )
    parser.add_argument("--metrics", action="store_true", help="figures for Prometheus at /metrics")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; returns the exit code."""
    extra, module = DOORS[arguments.door]
    if not find_spec(module):
        raise RequestError(f'{module} is not installed; pip install "affecttts[{extra}]"')
    settings = _settings(arguments)
    from affecttts.serving import run as running

    synthesizer = running.load(arguments.model, arguments.voices, arguments.lexicon or ())
    serve = {
        "http": running.serve_http,
        "wyoming": running.serve_wyoming,
        "mcp": running.serve_mcp,
    }
    return serve[arguments.door](synthesizer, settings)


def _settings(arguments: argparse.Namespace) -> ServerSettings:
    port = PORTS[arguments.door] if arguments.port is None else arguments.port
    return ServerSettings(
        host=arguments.host,
        port=port,
        workers=arguments.workers,
        waiting=arguments.waiting,
        deadline=arguments.deadline,
        max_text=arguments.max_text,
        drain=arguments.drain,
        metrics=arguments.metrics,
        key=read_key(arguments.api_key_file) if arguments.api_key_file else None,
        aliases=read_aliases(arguments.aliases) if arguments.aliases else Aliases(),
    )
