"""Errors that a user can mend; a program catches all of them as `UserError`."""


class UserError(Exception):
    """What is wrong lies outside the program; the message names it, the reason and the cure.

    Attributes:
        exit_code: of a command that ends with it.
    """

    exit_code = 1


class InputError(UserError, OSError):
    """A file to read from is missing, unreadable, too large or no regular file."""


class AudioError(UserError, ValueError):
    """An audio file or signal cannot be used; the message names it, the reason and the cure.

    Attributes:
        kind: missing, unreadable, too short, too long, not finite or silent; reports count by it.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class FormatError(UserError, ValueError):
    """An audio format that is not known or cannot be written here; the message names the known ones
    or the cure.
    """

    exit_code = 2


class CheckpointError(UserError, ValueError):
    """A model folder is missing, truncated, corrupt or made for something else."""


class AudioWarning(UserWarning):
    """An audio file was changed while it was read; the message names it and says how."""
