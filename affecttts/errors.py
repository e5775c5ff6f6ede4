"""Errors that a user can mend, all of one base, and how a command ends with one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

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
    try:
        return command()
    except UserError as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
