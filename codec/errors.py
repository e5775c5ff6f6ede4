"""What can go wrong outside the program's control; all map to exit code 1 on the command line."""


class InputError(OSError):
    """A file to read from is missing, unreadable, too large or no regular file."""

    exit_code = 1


class AudioError(ValueError):
    """An audio file or signal cannot be used; the message names it, the reason and the cure.

    Attributes:
        kind: missing, unreadable, too short, too long, not finite or silent; reports count by it.
    """

    exit_code = 1

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class CheckpointError(ValueError):
    """A model folder is missing, truncated, corrupt or made for something else."""

    exit_code = 1


class AudioWarning(UserWarning):
    """An audio file was changed while it was read; the message names it and says how."""
