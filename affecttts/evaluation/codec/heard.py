"""What the judges hear in originals and copies. Each judge is loaded when first asked, and hears a
signal once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from affecttts.evaluation.codec.metric import KEPT, Pair, Score
from affecttts.evaluation.judges.base import JUDGE_RATE, to_judge_rate
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import (
    Whisper,
    WordJudge,
    count_characters,
    count_words,
)

JUDGE_THREADS = 2  # of the judges that take most of the time
NAN = float("nan")

_word_judge, _voice_judge, _sound_judge, _naturalness_judge = (
    lru_cache(maxsize=2)(judge) for judge in (WordJudge, VoiceJudge, SoundJudge, NaturalnessJudge)
)


def word_errors(whisper: Whisper) -> Callable[[Pair], Score]:
    """A measure: 100 times the word errors that a Whisper hears, and the words; not-a-number where
    the clip has no English text.
    """

    def measure(pair: Pair) -> Score:
        if not _has_words(pair):
            return NAN
        counts = count_words(pair.row.text, _text(pair, whisper))
        return 100.0 * counts.errors, float(counts.words)

    return measure


def word_errors_at_most_all(whisper: Whisper) -> Callable[[Pair], Score]:
    """As `word_errors`, with no clip more than all wrong: a recogniser that is caught in a loop
    counts dozens of errors in one.
    """

    def measure(pair: Pair) -> Score:
        score = word_errors(whisper)(pair)
        return (min(score[0], 100.0 * score[1]), score[1]) if isinstance(score, tuple) else NAN

    return measure


def character_errors(whisper: Whisper) -> Callable[[Pair], Score]:
    """As `word_errors`, of characters."""

    def measure(pair: Pair) -> Score:
        if not _has_words(pair):
            return NAN
        errors, characters = count_characters(pair.row.text, _text(pair, whisper))
        return 100.0 * errors, float(characters)

    return measure


def _has_words(pair: Pair) -> bool:
    text = pair.row.text
    return bool(text) and pair.row.language.startswith("en") and any(map(str.isalnum, text))


def _text(pair: Pair, whisper: Whisper) -> str:
    return _transcript(pair.copy.tobytes(), pair.sample_rate, whisper)


@lru_cache(maxsize=KEPT)
def _transcript(audio: bytes, sample_rate: int, whisper: Whisper) -> str:
    judge = _word_judge(JUDGE_THREADS, whisper)
    return judge.transcribe(np.frombuffer(audio, dtype=np.float32), sample_rate)


def speaker_cosine(pair: Pair) -> float:
    """Cosine of Resemblyzer's embeddings of original and copy."""
    return float(
        np.dot(*(_voice(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy)))
    )


@lru_cache(maxsize=KEPT)
def _voice(audio: bytes, sample_rate: int) -> np.ndarray:
    samples = np.frombuffer(audio, dtype=np.float32)
    return _voice_judge()(samples, sample_rate) if np.abs(samples).max() > 0 else np.full(1, np.nan)


def sound(pair: Pair) -> float:
    """DNSMOS of the copy."""
    return _sound_judge(JUDGE_THREADS)(pair.copy, pair.sample_rate)


def naturalness(pair: Pair) -> float:
    """DistillMOS of the copy."""
    return _naturalness_judge()(pair.copy, pair.sample_rate)


def visqol(pair: Pair) -> float:
    """ViSQOL v3, speech mode, lattice mapping (Chinen et al. 2020), 1 to 5, by the package
    visqol-python.
    """
    signals = (
        to_judge_rate(x, pair.sample_rate).astype(np.float64) for x in (pair.original, pair.copy)
    )
    try:
        return float(_visqol().measure_from_arrays(*signals, JUDGE_RATE).moslqo)
    except (IndexError, ValueError):  # its way of saying that there is too little speech
        return math.nan


@lru_cache(maxsize=1)
def _visqol():
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    return api
