"""The command line. Checks what can be checked before torch or any weights are loaded."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from affecttts import __version__
from affecttts.errors import RequestError, run_command
from codec.errors import AudioWarning

EXIT_CODES = """\
exit codes: 0 done, 1 unreadable input, unwritable output or broken model, 2 wrong request,
3 some batch items failed, 4 generation hit its cap, 130 interrupted"""

COMMANDS = (
    "synthesize",
    "explain",
    "reconstruct",
    "encode",
    "decode",
    "adapt",
    "voices",
    "serve",
    "data",
    "evaluate",
    "list",
)
"""Each is a module of this package, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv[:1]).parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("always", AudioWarning)
        warnings.showwarning = _show_warning(warnings.showwarning)
        return run_command(lambda: arguments.run(arguments))


def _show_warning(usual: Callable) -> Callable:
    """Our own warnings as one line."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if not issubclass(category, AudioWarning):
            return usual(message, category, *place)
        print(f"affecttts: warning: {' '.join(str(message).split())}", file=sys.stderr)

    return show


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(RequestError.exit_code, f"affecttts: {message} (see {self.prog} --help)\n")


def _parser(given: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of the command given first, or of all where none is: each imports much."""
    parser = _Parser(
        prog="affecttts",
        description="Emotional text-to-speech.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"affecttts {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in [name for name in COMMANDS if name in given] or COMMANDS:
        import_module(f"affecttts.cli.{name}").add_to(commands)
    return parser
