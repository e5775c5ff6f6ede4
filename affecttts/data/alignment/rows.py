"""From a manifest's row and its audio to the same row with phone durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from affecttts.data.alignment.languages import phone_string
from affecttts.data.alignment.likelihoods import (
    ACOUSTIC_WEIGHT,
    load_phone_classifier,
    phone_likelihoods,
)
from affecttts.data.alignment.units import Inventory, character_durations
from affecttts.data.alignment.viterbi import IMPOSSIBLE, Aligner
from affecttts.data.manifest import Utterance
from affecttts.errors import RequestError
from codec.atomic import atomic_folder
from codec.errors import CheckpointError
from codec.files import load_weights, member, read_json, save_weights, write_json
from codec.training.phone_classifier import PhoneClassifier

LONGEST = 60  # frames whose durations are counted one by one
SHORTEST = 2  # frames of a sound
PAUSE_STRETCH, SOUND_STRETCH = np.log(0.97), np.log(0.75)  # of every frame beyond LONGEST
LEAST_CONFIDENCE = 0.35  # of a transcript that fits
RECORD_NAME, WEIGHTS_NAME, CLASSIFIER_NAME = (
    "aligner.json",
    "durations.safetensors",
    "phone_classifier",
)


class MisfitError(RequestError):
    """A row that cannot be aligned; `reason` is its kind."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def fine_aligner(
    inventory: Inventory, clips: Sequence[tuple[np.ndarray, np.ndarray]], frame_rate: float
) -> Aligner:
    """An aligner for frames much shorter than phones: sounds last at least SHORTEST, anything may
    last long.

    Args:
        clips: classes and frames [P] of the phones of each; none: all durations are alike.
        frame_rate: Hz.
    """
    fitted = Aligner.fit(inventory, clips, LONGEST, frame_rate)
    table = fitted.log_durations.copy()
    table[inventory.silence] = -np.log(LONGEST + 1)
    table[inventory.sounds, :SHORTEST] = IMPOSSIBLE
    stretch = np.where(inventory.sounds, SOUND_STRETCH, PAUSE_STRETCH)
    return replace(fitted, log_durations=table, stretch=stretch)


@dataclass(frozen=True)
class RowAligner:
    """A phone classifier, and how long phones last at its frame rate."""

    phone_classifier: PhoneClassifier
    aligner: Aligner
    name: str  # says what it is and was made from

    @property
    def sample_rate(self) -> int:
        """Hz, of the audio that it takes."""
        return self.phone_classifier.config.sample_rate

    @property
    def inventory(self) -> Inventory:
        """Its classes."""
        return self.aligner.inventory

    def heard(self, audio: np.ndarray) -> np.ndarray:
        """Weighted log-probabilities [F,C] of mono audio [T]."""
        frames = len(audio) // self.phone_classifier.config.hop_length
        return phone_likelihoods(
            self.phone_classifier,
            self.inventory,
            audio,
            self.sample_rate,
            frames,
            self.aligner.frame_rate,
        )

    def counts(self, utterance: Utterance, audio: np.ndarray) -> tuple[str, np.ndarray, float]:
        """Phone string, frames [P] of its units, confidence.

        Raises:
            MisfitError: no transcript, or one that cannot be what is said.
        """
        ipa = spelt(utterance)
        if foreign := self.inventory.foreign(ipa):
            raise MisfitError(
                "phone unknown",
                f"{utterance.id}: the aligner has never heard {' '.join(sorted(foreign))}",
            )
        classes = self.inventory.classes(ipa)
        heard = self.heard(audio)
        counts = self.aligner.counts(heard, classes)
        if counts is None:
            raise MisfitError(
                "too many phones for its length",
                f"{utterance.id}: {len(classes)} phones in {utterance.seconds:.2f} s",
            )
        return ipa, counts, self._confidence(heard, classes, counts)

    def _confidence(self, heard: np.ndarray, classes: np.ndarray, counts: np.ndarray) -> float:
        """How probable the phones are beside the likeliest of each frame, 0 to 1: the geometric
        mean over the frames with sound (goodness of pronunciation: Witt and Young 2000).
        """
        labels = np.repeat(classes, counts)
        sounds = np.flatnonzero(self.inventory.sounds[labels])
        below = heard[sounds, labels[sounds]] - heard[sounds].max(axis=1)
        return float(np.exp(below.mean() / ACOUSTIC_WEIGHT)) if len(sounds) else 0.0

    def __call__(self, utterance: Utterance, audio: np.ndarray) -> Utterance:
        """The row with durations and confidence.

        Args:
            audio: float32 [T] at `sample_rate`.

        Raises:
            MisfitError: see `counts`; or what is said is not the transcript.
        """
        ipa, counts, confidence = self.counts(utterance, audio)
        if confidence < LEAST_CONFIDENCE:
            raise MisfitError(
                "transcript does not fit",
                f"{utterance.id}: confidence {confidence:.2f} for {(utterance.text or ipa)[:60]!r}",
            )
        ends = np.cumsum(counts) / self.aligner.frame_rate
        ends[-1] = max(utterance.seconds, ends[-2])
        seconds = np.diff(np.round(ends, 4), prepend=0.0).round(4).tolist()
        return replace(
            utterance,
            ipa=ipa,
            durations=character_durations(ipa, seconds),
            offset=0.0,
            offset_estimated=False,
            confidence=round(confidence, 3),
        )

    def save(self, folder: Path) -> None:
        """Write everything into a folder."""
        aligner = self.aligner
        if aligner.stretch is None:
            raise ValueError("the aligner of rows has durations without end")
        with atomic_folder(folder) as temporary:
            self.phone_classifier.save_pretrained(temporary / CLASSIFIER_NAME)
            tables = {"log_durations": aligner.log_durations, "stretch": aligner.stretch}
            save_weights(
                temporary / WEIGHTS_NAME,
                {name: torch.from_numpy(table) for name, table in tables.items()},
            )
            record = {
                "name": self.name,
                "frame_rate": aligner.frame_rate,
                "symbols": list(aligner.inventory.symbols),
            }
            write_json(temporary / RECORD_NAME, record)

    @classmethod
    def load(cls, folder: Path) -> RowAligner:
        """What `save` wrote.

        Raises:
            CheckpointError: the folder is missing, incomplete or corrupt.
        """
        record = read_json(member(folder, RECORD_NAME))
        try:
            inventory = Inventory(tuple(map(str, record["symbols"])))
            name, frame_rate = str(record["name"]), float(record["frame_rate"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{folder / RECORD_NAME}: is no aligner's record") from error
        tables = load_weights(member(folder, WEIGHTS_NAME))
        phone_classifier = load_phone_classifier(folder / CLASSIFIER_NAME, inventory)
        try:
            log_durations, stretch = (
                tables[key].double().numpy() for key in ("log_durations", "stretch")
            )
        except KeyError as error:
            raise CheckpointError(f"{folder / WEIGHTS_NAME}: lacks {error}") from error
        if len(log_durations) != inventory.size or len(stretch) != inventory.size:
            raise CheckpointError(f"{folder}: its tables are of other phones")
        return cls(phone_classifier, Aligner(inventory, log_durations, frame_rate, stretch), name)


def spelt(utterance: Utterance) -> str:
    """The phone string of a row: its own, or its transcript's.

    Raises:
        MisfitError: it has neither, or the text cannot be read.
    """
    if utterance.ipa:
        return utterance.ipa
    if not utterance.text:
        raise MisfitError("no transcript", f"{utterance.id}: no text and no ipa")
    try:
        return phone_string(utterance.text, utterance.language)
    except RequestError as error:
        raise MisfitError("text cannot be spoken", f"{utterance.id}: {error}") from error
