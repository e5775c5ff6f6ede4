"""Errors that a caller can act on, each with the exit code the CLI gives it."""

from codec.errors import InputError

__all__ = ["GenerationError", "InputError", "OutputError", "RequestError"]


class RequestError(ValueError):
    """What was asked for is wrong, and asking differently would cure it."""

    exit_code = 2


class OutputError(OSError):
    """The output could not be written."""

    exit_code = 1


class GenerationError(RuntimeError):
    """Generation reached its token cap before the end of the speech."""

    exit_code = 4
