"""A phone classifier from a corpus without durations: flat start, then the network and the borders
that follow from it in turn, until the borders stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from affecttts.data.alignment.gaussians import Spoken, flat_start, labels_of
from affecttts.data.alignment.likelihoods import ACOUSTIC_WEIGHT, LEAST, with_silent_pauses
from affecttts.data.alignment.rows import RowAligner, fine_aligner
from affecttts.data.alignment.units import Inventory
from affecttts.data.alignment.viterbi import Aligner
from affecttts.errors import RequestError
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig

CROP_FRAMES, CLIPS = 150, 16  # of a step
STILL = 0.01  # seconds; borders whose mean moves less between two rounds stand still
FEWEST = 20  # clips from which phones can be learned at all
Progress = Callable[[Iterable, str], Iterable]


@dataclass(frozen=True)
class FlatStartConfig:
    """How long a flat start learns."""

    dim: int = 128  # of the network
    steps: int = 300  # of the first round; of each later one a third
    rounds: int = 4  # at most
    learning_rate: float = 2e-3
    seed: int = 0


class FlatStart:
    """Trains an aligner on clips.

    Args:
        clips: of the corpus.
        inventory: their phones.
        say: takes a line on the course of the training.
        progress: wraps an iterable as (iterable, label).
    """

    def __init__(
        self,
        clips: Sequence[Spoken],
        inventory: Inventory,
        config: FlatStartConfig,
        say: Callable[[str], None],
        progress: Progress,
    ) -> None:
        if len(clips) < FEWEST:
            raise RequestError(
                f"{len(clips)} rows with a transcript and audio; a flat start needs at least "
                f"{FEWEST}, better an hour of speech"
            )
        self.clips, self.inventory, self.config = clips, inventory, config
        self.say, self.progress = say, progress
        torch.manual_seed(config.seed)
        shape = PhoneClassifierConfig(dim=config.dim, classes=inventory.size)
        self.frame_rate = shape.sample_rate / shape.hop_length
        self.network = PhoneClassifier(shape)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=0.01
        )
        self.random = np.random.default_rng(config.seed)

    def run(self, name: str) -> RowAligner:
        """Train; returns the aligner."""
        durations = lambda pairs: fine_aligner(self.inventory, pairs, self.frame_rate)  # noqa: E731
        counts = flat_start(
            self.clips,
            self.inventory,
            durations,
            lambda rounds: self.progress(rounds, "flat start"),
        )
        for number in range(self.config.rounds):
            self._learn(counts, self.config.steps if number == 0 else self.config.steps // 3)
            aligner = durations(self._pairs(counts))
            before, counts = counts, self._aligned(aligner, counts)
            moved = self._moved(before, counts)
            self.say(f"round {number + 1}: borders moved by {1000 * moved:.0f} ms in the mean")
            if moved < STILL:
                break
        return RowAligner(self.network.eval(), durations(self._pairs(counts)), name)

    def _pairs(self, counts: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(clip.classes, count) for clip, count in zip(self.clips, counts)]

    def _moved(self, before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
        """Mean seconds between the borders of two rounds."""
        steps = [np.abs(np.cumsum(a) - np.cumsum(b))[:-1] for a, b in zip(before, after)]
        return float(np.concatenate(steps).mean()) / self.frame_rate

    def _learn(self, counts: Sequence[np.ndarray], steps: int) -> None:
        self.network.train()
        labels = [labels_of(c, count, self.inventory) for c, count in zip(self.clips, counts)]
        for step in self.progress(range(steps), "phone classifier"):
            for group in self.optimizer.param_groups:
                rising, falling = (step + 1) / (steps // 10 + 1), 1.05 - step / steps
                group["lr"] = self.config.learning_rate * min(1.0, rising) * min(1.0, falling)
            features, phones = self._batch(labels)
            loss = torch.nn.functional.cross_entropy(
                self.network(features).logits, phones, label_smoothing=0.05, ignore_index=-1
            )
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()

    def _batch(self, labels: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """features [B,mels,N] and classes int64 [B,N], -1 behind the end of a clip."""
        mels = self.clips[0].features.shape[1]
        features = np.zeros((CLIPS, CROP_FRAMES, mels), dtype=np.float32)
        phones = np.full((CLIPS, CROP_FRAMES), -1)
        for row in range(CLIPS):
            index = int(self.random.integers(len(self.clips)))
            clip = self.clips[index]
            start = int(self.random.integers(0, max(1, clip.length - CROP_FRAMES + 1)))
            part = clip.features[start : start + CROP_FRAMES]
            features[row, : len(part)] = part
            phones[row, : len(part)] = labels[index][start : start + CROP_FRAMES]
        return torch.from_numpy(features).transpose(1, 2), torch.from_numpy(phones)

    @torch.no_grad()
    def _aligned(self, aligner: Aligner, before: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Frames [P] of every clip; those of `before` where the phones do not fit."""
        self.network.eval()
        result = []
        for index, clip in enumerate(self.progress(self.clips, "align")):
            features = torch.from_numpy(clip.features.T.astype(np.float32))[None]
            logits = self.network(features).logits[0].log_softmax(dim=0).T.double().numpy()
            weighted = ACOUSTIC_WEIGHT * np.maximum(logits, LEAST)
            heard = with_silent_pauses(weighted, self.inventory)
            counts = aligner.counts(heard, clip.classes)
            result.append(before[index] if counts is None else counts)
        return result
