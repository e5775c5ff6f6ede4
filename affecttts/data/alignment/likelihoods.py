"""What a phone classifier hears in every frame, as an aligner takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from affecttts.data.alignment.units import Inventory
from codec.audio import resample
from codec.errors import CheckpointError
from codec.training.phone_classifier import PhoneClassifier

ACOUSTIC_WEIGHT = 0.4  # of a frame's log-probability: neighbouring frames are not independent
LEAST = -8.0  # log-probability of a phone in a frame, so that no frame alone rules a phone out


def load_phone_classifier(folder: Path, inventory: Inventory) -> PhoneClassifier:
    """The phone classifier in a folder, usually of a model.

    Raises:
        CheckpointError: there is none, or one of other phones.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder.parent}: has no {folder.name}/, by which phones are found in recordings; "
            "train one (recipes/train_phone_classifier.py) and package the model with it"
        )
    phone_classifier = PhoneClassifier.from_pretrained(folder)
    if phone_classifier.config.classes != inventory.size:
        raise CheckpointError(
            f"{folder}: knows {phone_classifier.config.classes} phones where there are "
            f"{inventory.size}; train it anew"
        )
    return phone_classifier


@torch.no_grad()
def phone_likelihoods(
    phone_classifier: PhoneClassifier,
    inventory: Inventory,
    audio: np.ndarray,
    sample_rate: int,
    num_frames: int,
    frame_rate: float,
) -> np.ndarray:
    """Weighted log-probabilities of the classes in every frame of mono audio [T].

    Args:
        sample_rate: Hz, of the audio.
        num_frames: F.
        frame_rate: Hz, of the frames.

    Returns:
        float [F,inventory.size].
    """
    config = phone_classifier.config
    samples = torch.from_numpy(resample(audio, sample_rate, config.sample_rate))[None, None]
    logits = phone_classifier(phone_classifier.features(samples)).logits[0]
    fine = logits.log_softmax(dim=0).T.numpy()  # at the classifier's frame rate
    seconds = (np.arange(len(fine)) + 0.5) * config.hop_length / config.sample_rate
    places = (seconds * frame_rate).astype(int)
    inside = places < num_frames
    likelihoods = np.zeros((num_frames, inventory.size))
    np.add.at(likelihoods, places[inside], ACOUSTIC_WEIGHT * np.maximum(fine[inside], LEAST))
    return with_silent_pauses(likelihoods, inventory)


def with_silent_pauses(likelihoods: np.ndarray, inventory: Inventory) -> np.ndarray:
    """Likelihoods [F,C] where a pause is heard as itself or as silence, whichever is likelier."""
    silence = likelihoods[:, inventory.silence]
    for kind in inventory.pauses:
        likelihoods[:, kind] = np.maximum(likelihoods[:, kind], silence)
    return likelihoods
