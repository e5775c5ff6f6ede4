"""What can go wrong outside the program's control; both map to exit code 1 on the command line."""


class AudioError(ValueError):
    """An audio file or signal cannot be used; the message names it, the reason and the cure."""

    exit_code = 1


class CheckpointError(ValueError):
    """A model folder is missing, truncated, corrupt or made for something else."""

    exit_code = 1
