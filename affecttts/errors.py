"""Errors that a user can mend, all of one base, and how a command ends with one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from affecttts.streams import flush_stdout, sound_streams
from codec.errors import InputError as InputError
from codec.errors import UserError


class RequestError(UserError, ValueError):
    """What was asked for is wrong, and asking differently would cure it."""

    exit_code = 2


class OutputError(UserError, OSError):
    """The output could not be written."""


class GenerationError(UserError, RuntimeError):
    """Generation reached its token cap before the end of the speech."""

    exit_code = 4


def shown(value: Any, limit: int = 60) -> str:
    """A value as a message quotes it: its repr on one line, cut to `limit` characters."""
    try:
        text = repr(value)[: 10 * limit].replace("\n", " ")
    except Exception:  # an int of thousands of digits, or an object of somebody's own
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def run_command(command: Callable[[], int], name: str = "affecttts") -> int:
    """Run a command; a user's mistake ends it with one line on stderr, not with a traceback.

    Args:
        command: returns its exit code.
        name: what the line begins with.

    Returns:
        The exit code: the command's own, the error's, or 130 where it was interrupted.
    """
    with sound_streams():
        try:
            code = command()
            flush_stdout()
            return code
        except UserError as error:
            return _fail(name, str(error), error.exit_code)
        except OSError as error:
            with suppress(OSError):
                flush_stdout()
            place = error.filename or "standard output"
            return _fail(name, f"{place}: cannot be used ({error.strerror or error})", 1)
        except KeyboardInterrupt:
            return _fail(name, "interrupted", 130)


def _fail(name: str, reason: str, code: int) -> int:
    print(f"{name}: {' '.join(reason.split())}", file=sys.stderr)
    return code
