"""The judge of voices."""

from __future__ import annotations

import numpy as np

from affecttts.evaluation.judges.base import JUDGE_RATE, to_judge_rate


class VoiceJudge:
    """Resemblyzer's speaker encoder."""

    name = "Resemblyzer"
    packages = ("resemblyzer",)

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Unit vector [256] of the voice in audio [T], T > 0; a dot product of two is their
        cosine.
        """
        from resemblyzer import preprocess_wav

        return self._encoder.embed_utterance(
            preprocess_wav(to_judge_rate(audio, sample_rate), JUDGE_RATE)
        )
