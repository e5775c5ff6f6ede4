"""A free-text prompt -> emotions, an intensity and VAD values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from affecttts.emotion.freetext.embedding import SentenceEmbedder, packaged_model_path
from affecttts.emotion.freetext.head import fit_head, load_head, training_set
from affecttts.emotion.freetext.names import Names, favour_names, find_names, read_intensity
from affecttts.emotion.spec import blend_vad, check_prompt
from affecttts.emotion.table import Vad, load_emotions


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
            self._head = fit_head(*training_set(self._table, self._embedder))

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
        read = dict(zip(self._table.ids, self._head.probabilities(embedding), strict=True))
        return favour_names(read, names)
