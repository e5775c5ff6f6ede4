"""What comes of speaking: sound, and where in it the words and phones are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TimedWord:
    """A word as it is said, and where it sounds."""

    text: str
    start: float  # seconds from the beginning of the speech
    end: float
    span: tuple[int, int]  # characters of the request's text that it stands for


@dataclass(frozen=True)
class TimedPhone:
    """A phone, a punctuation mark, or a silence (""), and where it sounds."""

    symbol: str  # with its stress mark
    start: float  # seconds from the beginning of the speech
    end: float


@dataclass(frozen=True)
class AudioChunk:
    """A piece of a stream."""

    audio: np.ndarray  # float32 [T] in [-1,1]
    sample_rate: int  # Hz
    index: int  # from 0
    start: float  # seconds from the beginning of the speech
    words: tuple[TimedWord, ...] = ()  # those that end in this chunk
    phones: tuple[TimedPhone, ...] = ()  # likewise

    @property
    def span(self) -> tuple[int, int]:
        """Characters of the request's text that the words stand for; (0, 0) where none ends."""
        if not self.words:
            return (0, 0)
        return self.words[0].span[0], self.words[-1].span[1]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True)
class SpeechResult:
    """One spoken text."""

    audio: np.ndarray  # float32 [T] in [-1,1]
    sample_rate: int  # Hz
    codes: np.ndarray  # int64 [K,F], of all pieces
    finish_reason: str  # "end", or "cap" where the frame budget ran out before the text was spoken
    seed: int
    phones: str
    end_probability: float  # least probability of the end token where a piece ends
    warnings: tuple[str, ...] = ()  # what of the text was skipped
    words: tuple[TimedWord, ...] = ()
    timed_phones: tuple[TimedPhone, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.sample_rate
