"""Judges of the self-test, which took no part in any training; each needs packages that may be
missing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from affecttts.adaptation.asr import LISTENING_RATE, OFFLINE_PACKAGE, Recogniser
from codec.audio import Audio, resample

WORD_PACKAGES = ("faster_whisper", "jiwer", "whisper_normalizer")


def missing(packages: tuple[str, ...]) -> str:
    """How to install what is missing of these packages; empty where nothing is."""
    absent = [package for package in packages if find_spec(package) is None]
    if not absent:
        return ""
    if absent == ["resemblyzer"]:
        return "pip install 'affecttts[eval]' && pip install --no-deps resemblyzer"
    return "pip install 'affecttts[adapt,eval]'"


class VoiceJudge:
    """Resemblyzer's speaker encoder."""

    name = "Resemblyzer"
    packages = ("resemblyzer",)

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def __call__(self, clips: list[Audio]) -> np.ndarray:
        """Unit vectors [N,256] of the voices in clips; a dot product of two is their cosine."""
        from resemblyzer import preprocess_wav

        heard = [resample(clip.samples, clip.sample_rate, LISTENING_RATE) for clip in clips]
        return np.stack(
            [self._encoder.embed_utterance(preprocess_wav(x, LISTENING_RATE)) for x in heard]
        )


class WordJudge:
    """Whisper's word errors, after Whisper's own English normalisation."""

    packages = WORD_PACKAGES

    def __init__(self, model: Path | None = None) -> None:
        from whisper_normalizer.english import EnglishTextNormalizer

        self._recogniser, self._normalise = Recogniser(model), EnglishTextNormalizer()
        self.name = self._recogniser.name

    def __call__(self, clips: list[Audio], texts: list[str]) -> float:
        """Word error rate in % over all clips."""
        import jiwer

        heard = [
            self._normalise(self._recogniser(clip.samples, clip.sample_rate).text) for clip in clips
        ]
        return 100 * jiwer.wer([self._normalise(text) for text in texts], heard)

    @classmethod
    def packages_for(cls, model: Path | None) -> tuple[str, ...]:
        """What it needs with a recogniser of one's own, or without."""
        return cls.packages if model else (*cls.packages, OFFLINE_PACKAGE)
