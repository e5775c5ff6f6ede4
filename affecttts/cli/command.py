"""How every command and script starts and ends: options, and one line for a user's mistake."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from affecttts.errors import RequestError
from codec.errors import AffectError

OURS = ("affecttts", "codec", "recipes", "benchmarks")


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    program = ""  # that the line begins with; empty: the name of the script

    def error(self, message: str) -> NoReturn:
        program = self.program or self.prog
        self.exit(RequestError.exit_code, f"{program}: {message} (see {self.prog} --help)\n")


def script_parser(description: str | None) -> OneLineParser:
    """A parser for a script whose docstring is its help."""
    return OneLineParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def run_command(work: Callable[[], int | None], program: str = "") -> int:
    """Do the work of a command; returns its exit code (None of the work: 0).

    An error that the user can act on is told in one line on stderr.

    Args:
        program: what that line begins with (default: the name of the script).
    """
    program = program or Path(sys.argv[0]).name
    try:
        return work() or 0
    except AffectError as error:
        return _say(program, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say(program, "interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] in OURS:
            raise
        needed = 'needs it: pip install "affecttts[train]", or the extra that the README names'
        return _say(program, f"{error.name} is not installed and this {needed}", 1)
    except OSError as error:
        if not error.filename:
            raise
        return _say(program, f"{error.filename}: {error.strerror}", 1)


def _say(program: str, message: str, exit_code: int) -> int:
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    return exit_code
