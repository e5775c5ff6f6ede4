"""Which sentence is spoken by whom in which emotions: a pure function of the seed, so every shard
knows the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recipes.corpora.kokoro_affect.rules import load_rules
from recipes.corpora.kokoro_affect.sentences import Sentence

INTENSITIES = (0.7, 1.3)
EMOTIONS_PER_SENTENCE = (1, 1)


@dataclass(frozen=True)
class Task:
    """One clip to be made."""

    id: str
    sentence: Sentence
    speaker: str  # of the manifest
    voice: str  # file of Kokoro
    emotion: str
    intensity: float
    seed: tuple[int, ...]

    def generator(self) -> np.random.Generator:
        """Draws what is random in the clip."""
        return np.random.default_rng(self.seed)

    def in_shard(self, index: int, count: int) -> bool:
        """Whether the clip belongs to shard `index` of `count`."""
        return zlib.crc32(self.id.encode()) % count == index


def tasks(
    sentences: list[Sentence],
    speakers: dict[str, str],
    seed: int,
    per_sentence: tuple[int, int] = EMOTIONS_PER_SENTENCE,
) -> Iterator[Task]:
    """Every sentence by one speaker in some emotions at drawn intensities.

    Args:
        sentences: what is spoken.
        speakers: voice of Kokoro by name in the manifest.
        seed: of everything.
        per_sentence: least and greatest number of emotions that a sentence is spoken in.
    """
    emotions, names = list(load_rules()), list(speakers)
    for number, sentence in enumerate(sentences):
        generator = np.random.default_rng((seed, 1, number))
        speaker = names[int(generator.integers(len(names)))]
        count = int(generator.integers(per_sentence[0], per_sentence[1] + 1))
        for index in sorted(generator.permutation(len(emotions))[:count]):
            emotion, drawn = emotions[index], round(float(generator.uniform(*INTENSITIES)), 2)
            prefix = "" if sentence.kind == "n" else sentence.kind
            # corpora of several seeds may be trained on together
            suffix = f"_seed{seed}" if seed else ""
            name = f"{prefix}{number:05d}_{speaker}_{emotion}{suffix}"
            intensity = 1.0 if emotion == "neutral" else drawn
            yield Task(
                name,
                sentence,
                speaker,
                speakers[speaker],
                emotion,
                intensity,
                (seed, 2, number, int(index)),
            )
