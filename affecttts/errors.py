"""Errors that a caller can act on, each with the exit code the CLI gives it."""

from codec.errors import AffectError


class RequestError(AffectError, ValueError):
    """What was asked for is wrong, and asking differently would cure it."""

    exit_code = 2


class InputError(AffectError, OSError):
    """A file to read from is missing or unreadable."""


class OutputError(AffectError, OSError):
    """The output could not be written."""


class GenerationError(AffectError, RuntimeError):
    """Generation reached its token cap before the end of the speech."""

    exit_code = 4
