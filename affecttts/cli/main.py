"""The command line. Checks what can be checked before torch or any weights are loaded."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from affecttts import __version__
from affecttts.errors import RequestError, run_command
from codec.errors import AudioWarning

EXIT_CODES = """\
exit codes: 0 done, 1 unreadable input, unwritable output or broken model, 2 wrong request,
3 some batch items failed, 4 generation hit its cap, 130 interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
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


def _parser() -> argparse.ArgumentParser:
    from affecttts.cli import (
        adapt,
        data,
        decode,
        encode,
        evaluate,
        explain,
        reconstruct,
        synthesize,
        voices,
    )
    from affecttts.cli import (
        list as listing,
    )

    parser = _Parser(
        prog="affecttts",
        description="Emotional text-to-speech.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"affecttts {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    order = (
        synthesize,
        explain,
        reconstruct,
        encode,
        decode,
        adapt,
        voices,
        data,
        evaluate,
        listing,
    )
    for module in order:
        module.add_to(commands)
    return parser
