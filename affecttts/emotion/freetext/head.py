"""The classifier over sentence embeddings: fitting, files, scores."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.emotion.table import EmotionTable
from codec.atomic import atomic_file

if TYPE_CHECKING:
    import torch

    from affecttts.emotion.freetext.embedding import SentenceEmbedder

HEAD_PATH = Path(__file__).parent / "head.safetensors"

# Chosen by 10-fold cross-validation over the phrasings.
KERNEL_WIDTH = 1.0
RIDGE = 0.3
TEMPERATURES = (4.0, 6.0, 8.0, 10.0, 12.0, 16.0)
FOLDS = 10


@dataclass(frozen=True)
class Head:
    """Kernel ridge classifier over sentence embeddings.

    A Gaussian kernel, because emotions are many small clusters of situations:
    a linear head does worse in cross-validation.

    Attributes:
        anchors: Embeddings of the phrasings, [phrasings, dim], unit length.
        weights: One column an emotion, [phrasings, emotions].
        temperature: Factor on the scores before the softmax.
    """

    anchors: torch.Tensor
    weights: torch.Tensor
    temperature: float

    def scores(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Scores [n, emotions] of unit-length embeddings [n, dim]."""
        return _kernel(embeddings, self.anchors) @ self.weights

    def probabilities(self, embedding: torch.Tensor) -> list[float]:
        """Probability of each emotion for one embedding [dim]."""
        scores = self.scores(embedding[None])[0] * self.temperature
        return scores.softmax(dim=0).tolist()


def phrasings_hash(table: EmotionTable) -> str:
    """SHA-256 of what a head is fitted on: ids and phrasings, in order."""
    content = [[e.id, list(e.phrasings)] for e in table.emotions]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def load_head(table: EmotionTable, path: Path = HEAD_PATH) -> Head:
    """Loads a fitted head.

    Raises:
        ValueError: It was fitted on other phrasings.
    """
    import torch
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        facts = file.metadata()
        anchors = torch.nn.functional.normalize(file.get_tensor("anchors").double())
        weights = file.get_tensor("weights").double()
    if facts["phrasings"] != phrasings_hash(table):
        raise ValueError(
            f"{path.name} was fitted on other phrasings; run python -m affecttts.emotion.freetext "
            "--build"
        )
    return Head(anchors, weights, float(facts["temperature"]))


def save_head(head: Head, table: EmotionTable, path: Path = HEAD_PATH) -> None:
    """Saves a head with the hash of its phrasings.

    Half precision halves the file; it moves probabilities by less than 0.01.
    """
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "anchors": head.anchors.half(),
        "weights": head.weights.half().contiguous(),
    }
    facts = {
        "phrasings": phrasings_hash(table),
        "temperature": str(head.temperature),
    }
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, facts)


def training_set(
    table: EmotionTable, embedder: SentenceEmbedder
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings [phrasings, dim] of all phrasings and the index [phrasings] of each one's
    emotion.
    """
    import torch

    texts = [text for emotion in table.emotions for text in emotion.phrasings]
    labels = [i for i, e in enumerate(table.emotions) for _ in e.phrasings]
    return embedder.embed(texts), torch.tensor(labels)


def fit_head(embeddings: torch.Tensor, labels: torch.Tensor) -> Head:
    """Fits the classifier; its temperature is set by cross-validation.

    Args:
        embeddings: [phrasings, dim], rows of unit length.
        labels: [phrasings], index of each phrasing's emotion.
    """
    from torch.nn.functional import cross_entropy

    scores = cross_validate(embeddings, labels)
    losses = {t: cross_entropy(scores * t, labels).item() for t in TEMPERATURES}
    temperature = min(losses, key=losses.__getitem__)
    return Head(embeddings, _solve(embeddings, labels), temperature)


def cross_validate(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Scores [phrasings, emotions] from heads that did not see the phrasing."""
    import torch

    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(labels)) % FOLDS
    scores = torch.zeros(len(labels), int(labels.max()) + 1, dtype=embeddings.dtype)
    for number in range(FOLDS):
        seen = fold != number
        weights = _solve(embeddings[seen], labels[seen])
        scores[~seen] = _kernel(embeddings[~seen], embeddings[seen]) @ weights
    return scores


def _solve(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    import torch

    kernel = _kernel(embeddings, embeddings)
    ridge = RIDGE * torch.eye(len(labels), dtype=kernel.dtype)
    targets = torch.nn.functional.one_hot(labels).to(kernel.dtype)
    return torch.linalg.solve(kernel + ridge, targets)


def _kernel(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    # Between unit vectors the squared distance is 2 - 2 cos.
    return (-KERNEL_WIDTH * (2.0 - 2.0 * left @ right.T)).exp()
