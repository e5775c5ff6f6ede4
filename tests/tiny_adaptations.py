"""What tests of adaptations share."""

from __future__ import annotations

import shutil

from affecttts.adaptation.asr import Transcript
from affecttts.synthesis.voices import SELF_TEST_NAME


class Killed(BaseException):
    pass


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def made(folder):
    """The voice's files but for what was found out about it."""
    return {name: content for name, content in files(folder).items() if name != SELF_TEST_NAME}


def bare(recordings, folder):
    """The recordings without their transcripts."""
    return shutil.copytree(recordings, folder, ignore=shutil.ignore_patterns("*.txt"))


class Recogniser:
    """Returns the transcript that it is given."""

    name = "stub"

    def __init__(self, model=None):
        pass

    def __call__(self, samples, rate):
        return Transcript("I will not stand for this kind of behavior.", -0.3)
