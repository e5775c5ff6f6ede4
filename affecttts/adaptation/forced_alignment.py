"""Forced alignment without a download: which codec frames belong to which phone.

A small network in the model folder classifies phones (codec/training/phone_classifier.py); how long
each lasts is counted on base data, whose durations are known. The likeliest segmentation under both
is found exactly (explicit durations: Levinson 1986).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import split_phones
from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME
from affecttts.text.symbols import SYMBOLS
from codec.audio import resample
from codec.errors import CheckpointError
from codec.training.phone_classifier import PhoneClassifier

SILENCE = len(SYMBOLS)
NUM_CLASSES = len(SYMBOLS) + 1
PAUSES = tuple(SYMBOLS.index(symbol) for symbol in " .,?!")  # classes that may be silent
FREE_PAUSES = 0.5  # share of a uniform distribution in their durations: speakers pause differently
ACOUSTIC_WEIGHT = 0.4  # of a frame's log-probability: neighbouring frames are not independent
LEAST = -8.0  # log-probability of a phone in a frame, so that no frame alone rules a phone out


def phone_classes(ipa: str) -> np.ndarray:
    """Classes int64 [P] of a phone string: silence, its phones without stress, silence."""
    inner = [SYMBOLS.index(phone.symbol) for phone in split_phones(ipa)]
    return np.array([SILENCE, *inner, SILENCE])


def load_phone_classifier(model: Path) -> PhoneClassifier:
    """The phone classifier of a model folder.

    Raises:
        CheckpointError: there is none, or one of other phones.
    """
    folder = model / PHONE_CLASSIFIER_NAME
    if not folder.is_dir():
        raise CheckpointError(
            f"{model}: has no {PHONE_CLASSIFIER_NAME}/, by which an adaptation finds the phones in "
            "recordings; train one (recipes/train_phone_classifier.py) and package the model with "
            "it"
        )
    phone_classifier = PhoneClassifier.from_pretrained(folder)
    if phone_classifier.config.classes != NUM_CLASSES:
        raise CheckpointError(
            f"{folder}: knows {phone_classifier.config.classes} phones where there are "
            f"{NUM_CLASSES}; train it anew"
        )
    return phone_classifier


@torch.no_grad()
def phone_likelihoods(
    phone_classifier: PhoneClassifier,
    audio: np.ndarray,
    sample_rate: int,
    num_frames: int,
    frame_rate: float,
) -> np.ndarray:
    """Weighted log-probabilities of the phones in every codec frame of mono audio [T].

    Args:
        sample_rate: Hz, of the audio.
        num_frames: F.
        frame_rate: Hz, of the codec.

    Returns:
        float [F,NUM_CLASSES].
    """
    config = phone_classifier.config
    samples = torch.from_numpy(resample(audio, sample_rate, config.sample_rate))[None, None]
    logits = phone_classifier(phone_classifier.features(samples)).logits[0]
    fine = logits.log_softmax(dim=0).T.numpy()  # at the classifier's frame rate
    seconds = (np.arange(len(fine)) + 0.5) * config.hop_length / config.sample_rate
    places = (seconds * frame_rate).astype(int)
    inside = places < num_frames
    likelihoods = np.zeros((num_frames, NUM_CLASSES))
    np.add.at(likelihoods, places[inside], ACOUSTIC_WEIGHT * np.maximum(fine[inside], LEAST))
    for kind in PAUSES:
        likelihoods[:, kind] = np.maximum(likelihoods[:, kind], likelihoods[:, SILENCE])
    return likelihoods


@dataclass(frozen=True)
class Alignment:
    """Where the phones of a clip lie, and how well they fit.

    The margin is the log-likelihood a frame above that of the same phones in reverse order, near 0
    for a wrong transcript.
    """

    counts: np.ndarray  # int64 [P] frames of every phone, summing to F
    margin: float


@dataclass(frozen=True)
class Aligner:
    """How long phones last."""

    log_durations: np.ndarray  # [NUM_CLASSES, MAX_DURATION + 1]

    @classmethod
    def fit(cls, clips: Iterable[tuple[np.ndarray, Sequence[int]]]) -> Aligner:
        """Count on clips with known durations: classes [P] and frames [P] of the phones of each."""
        table = np.full((NUM_CLASSES, MAX_DURATION + 1), 1.0 / (MAX_DURATION + 1))
        for classes, counts in clips:
            np.add.at(table, (classes, np.minimum(counts, MAX_DURATION)), 1.0)
        shares = table / table.sum(axis=1, keepdims=True)
        pauses = list(PAUSES)
        shares[pauses] = (1 - FREE_PAUSES) * shares[pauses] + FREE_PAUSES / (MAX_DURATION + 1)
        return cls(np.log(shares))

    def align(self, likelihoods: np.ndarray, classes: np.ndarray) -> Alignment:
        """Align phones, classes [P], with `phone_likelihoods` [F,NUM_CLASSES]."""
        counts, score = self._best(likelihoods, classes)
        _, reverse = self._best(likelihoods, classes[::-1])
        return Alignment(counts, (score - reverse) / len(likelihoods))

    def _best(self, likelihoods: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, float]:
        """Counts [P] of the likeliest segmentation, and its log-likelihood."""
        length, reach = len(likelihoods), MAX_DURATION + 1
        sums = np.vstack([np.zeros(NUM_CLASSES), likelihoods.cumsum(axis=0)])
        score = np.full(length + 1, -np.inf)
        score[0] = 0.0
        lengths = np.zeros((len(classes), length + 1), dtype=np.int64)
        for index, kind in enumerate(classes):
            # score'[t] = max over d of score[t-d] + duration[d] + frames t-d .. t-1 of this phone
            before = np.concatenate([np.full(MAX_DURATION, -np.inf), score - sums[:, kind]])
            options = (
                np.lib.stride_tricks.sliding_window_view(before, reach)[:, ::-1]
                + self.log_durations[kind]
            )
            lengths[index] = options.argmax(axis=1)
            score = options[np.arange(length + 1), lengths[index]] + sums[:, kind]
        counts, place = np.zeros(len(classes), dtype=np.int64), length
        for index in range(len(classes) - 1, -1, -1):
            counts[index] = lengths[index, place]
            place -= counts[index]
        return counts, float(score[-1])
