"""The judge of naturalness."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from affecttts.evaluation.judges.base import to_judge_rate
from affecttts.evaluation.judges.optional_torchaudio import torchaudio_or_stub


class NaturalnessJudge:
    """DistillMOS, variant 7 (Stahl and Gamper 2025, arXiv 2502.05356): 1 to 5."""

    name = "DistillMOS v7"

    def __init__(self) -> None:
        with torchaudio_or_stub(), contextlib.redirect_stdout(io.StringIO()):
            from distillmos import ConvTransformerSQAModel

            self._model = ConvTransformerSQAModel().eval()  # it prints where its weights lie

    def __call__(self, audio: np.ndarray, sample_rate: int) -> float:
        """Predicted opinion score of audio [T]; not-a-number where T is 0."""
        import torch

        if len(audio) == 0:
            return float("nan")
        with torch.inference_mode():
            return float(self._model(torch.from_numpy(to_judge_rate(audio, sample_rate))[None]))
