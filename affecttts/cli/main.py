"""The command line. Checks what can be checked before torch or any weights are loaded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from affecttts import __version__
from affecttts.cli.streams import flush_stdout, sound_streams
from affecttts.errors import GenerationError, InputError, OutputError, RequestError
from codec.errors import AudioError, CheckpointError

EXIT_CODES = """\
exit codes: 0 done, 1 unreadable input, unwritable output or broken model, 2 wrong request,
3 some batch items failed, 4 generation hit its cap, 130 interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    with sound_streams():
        try:
            code = _run(argv)
            flush_stdout()
            return code
        except (
            RequestError,
            InputError,
            OutputError,
            GenerationError,
            AudioError,
            CheckpointError,
        ) as error:
            return _fail(str(error), error.exit_code)
        except OSError as error:
            with suppress(OSError):
                flush_stdout()
            place = error.filename or "standard output"
            return _fail(f"{place}: cannot be used ({error.strerror or error})", 1)
        except KeyboardInterrupt:
            return _fail("interrupted", 130)


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit:
        flush_stdout()  # of --help and --version
        raise
    return arguments.run(arguments)


def _fail(reason: str, code: int) -> int:
    print(f"affecttts: {' '.join(reason.split())}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(RequestError.exit_code, f"affecttts: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    from affecttts.cli import adapt, audio, data, evaluate, listing, synthesize, voices

    parser = _Parser(
        prog="affecttts",
        description="Emotional text-to-speech.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"affecttts {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (synthesize, audio, adapt, voices, data, evaluate, listing):
        module.add_to(commands)
    return parser
