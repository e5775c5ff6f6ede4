"""Emotion recognisers of a hub, by name or folder, for those who have them: any audio classifier of
transformers (wav2vec 2.0, HuBERT, WavLM ..) and emotion2vec through funasr. Their labels are read
as our emotions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import JudgeCard
from codec.audio import resample

RATE = 16000  # Hz, what all of them hear
SHORT = {  # how labels begin
    "neu": "neutral",
    "cal": "calm",
    "hap": "happy",
    "sad": "sad",
    "ang": "angry",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgusted",
}
# by model type
TEACHERS = {
    "wav2vec2": ("wav2vec2_bert",),
    "hubert": ("hubert",),
    "wavlm": ("wavlm",),
    "whisper": ("whisper",),
}


def emotion_of(label: str) -> str:
    """A recogniser's label as one of our emotions, or as it is where it is none of them: "hap",
    "Anger", "生气/angry".
    """
    names, word = load_emotions().names, label.split("/")[-1].strip(" <>").lower()
    if word in names:
        return names[word].id
    return next((emotion for short, emotion in SHORT.items() if word.startswith(short)), word)


def load_hub_judge(kind: str, model: str) -> TransformersJudge | Emotion2VecJudge:
    """A judge by kind ("transformers" or "emotion2vec") and name or folder of the model.

    Raises:
        RequestError: no name is given, the package is missing, or nothing can be loaded.
    """
    if not model:
        raise RequestError(
            f"judge {kind}: needs the name or folder of a model, as in {kind}:FOLDER"
        )
    return (TransformersJudge if kind == "transformers" else Emotion2VecJudge)(model)


class _HubJudge:
    """Probabilities of a recogniser's labels, those that mean the same emotion summed."""

    labels: tuple[str, ...]

    def _set_labels(self, native: list[str]) -> None:
        emotions = [emotion_of(label) for label in native]
        self.labels = tuple(dict.fromkeys(emotions))
        self._places = np.array([self.labels.index(emotion) for emotion in emotions])

    def _summed(self, probabilities: np.ndarray) -> np.ndarray:
        return np.bincount(self._places, probabilities, len(self.labels)).astype(np.float32)


class TransformersJudge(_HubJudge):
    """`AutoModelForAudioClassification`."""

    def __init__(self, model: str) -> None:
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

        try:
            self._extractor = AutoFeatureExtractor.from_pretrained(model)
            self._model = AutoModelForAudioClassification.from_pretrained(model).eval()
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:160]
            raise RequestError(
                f"judge transformers:{model}: cannot be loaded ({reason}); give a folder"
            ) from error
        config = self._model.config
        self.card = JudgeCard(
            f"transformers:{Path(model).name}",
            "emotion",
            "unstated",
            f"audio classifier {model}, a {config.model_type}",
            (
                *TEACHERS.get(config.model_type, ()),
                *(f"{kind}:{model}" for kind in TEACHERS.get(config.model_type, ())),
            ),
        )
        self._set_labels([config.id2label[i] for i in range(config.num_labels)])

    @torch.inference_mode()
    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Probabilities float32 [E] of audio [T]."""
        heard = resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE)
        heard = np.pad(heard, (0, max(0, RATE // 2 - len(heard))))
        inputs = self._extractor(heard, sampling_rate=RATE, return_tensors="pt")
        return self._summed(self._model(**inputs).logits[0].softmax(0).numpy())


class Emotion2VecJudge(_HubJudge):
    """emotion2vec_plus (arXiv 2312.15185) through the package funasr; its weights are a pickle, so
    mind where they come from.
    """

    def __init__(self, model: str) -> None:
        try:
            from funasr import AutoModel
        except ImportError as error:
            raise RequestError(
                "judge emotion2vec needs the package funasr: pip install 'affecttts[emotion2vec]'"
            ) from error
        self._model: Any = AutoModel(
            model=model, device="cpu", disable_update=True, disable_pbar=True
        )
        self.card = JudgeCard(
            f"emotion2vec:{Path(model).name}",
            "emotion",
            "unstated",
            f"emotion2vec model {model}",
            ("emotion2vec",),
            ("funasr",),
            "pip install 'affecttts[emotion2vec]'",
        )
        self._set_labels(self._answer(np.zeros(RATE, dtype=np.float32))[0])

    def _answer(self, heard: np.ndarray) -> tuple[list[str], list[float]]:
        answer = self._model.generate(heard, granularity="utterance", extract_embedding=False)[0]
        return answer["labels"], answer["scores"]

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Probabilities float32 [E] of audio [T]."""
        return self._summed(
            np.array(
                self._answer(resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE))[1]
            )
        )
