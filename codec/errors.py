"""What can go wrong outside the program's control, and what all such errors have in common."""


class AffectError(Exception):
    """Base of every error that a caller can act on: the message names the input, the reason and
    the cure.

    Attributes:
        exit_code: what a command ends with.
    """

    exit_code = 1


class AudioError(AffectError, ValueError):
    """An audio file or signal cannot be used; the message names it, the reason and the cure.

    Attributes:
        kind: missing, unreadable, too short, too long, not finite or silent; reports count by it.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class CheckpointError(AffectError, ValueError):
    """A model folder is missing, truncated, corrupt or made for something else."""
