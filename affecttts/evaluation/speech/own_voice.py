"""Did an adapted voice take, and did its words survive? Recordings that it never heard, their
sentences spoken by it; beside it the base voices as they are, and the codec's copies of the
recordings, which no adapter can beat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affecttts.errors import RequestError
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.stats.bootstrap import (
    Interval,
    difference_interval,
    interval,
    ratio_interval,
)
from affecttts.synthesis.synthesizer import Synthesizer
from codec.audio import load_audio

SEED = 7
COLUMNS = ("who", "cosine [95 %]", "word errors, %", "cosine above", "word errors above, points")
RECORDINGS, COPIES = "the recordings", "the codec's copies"


class Spoken(NamedTuple):
    """A recording: its file and what is said in it."""

    path: Path
    text: str


class Heard:
    """What the judges say of speech in one voice, sentence by sentence."""

    def __init__(self, cosines: list[float], words: list[WordCounts]) -> None:
        self.cosines, self.words = np.array(cosines), [count.words for count in words]
        self.errors = [100 * count.errors for count in words]

    def row(self, best: Heard | None = None) -> list[Interval]:
        """Cosine and word error rate; with another voice also how much this one has more."""
        values = [interval(self.cosines), ratio_interval(self.errors, self.words)]
        if best is None:
            return values
        more = (
            interval(self.cosines - best.cosines),
            difference_interval(self.errors, best.errors, self.words),
        )
        return [*values, *more]


def evaluate_voice(
    voice: Path,
    recordings: Sequence[Spoken],
    model: Path | None = None,
    progress: Callable[[Sequence, str], Iterable] = lambda items, label: items,
    threads: int = 1,
) -> tuple[str, dict[str, list[Interval]]]:
    """Judge an adapted voice on recordings of the person.

    Args:
        voice: folder that `affecttts adapt` made.
        model: folder of the base model; None = the shipped one.

    Returns:
        The base voice that is nearest to the recordings, and who -> cosine to the recordings' mean
        and word error rate; of the adapted voice also how much more than the nearest.

    Raises:
        RequestError: no recording has a text.
    """
    if not recordings:
        raise RequestError("none of the recordings has a text; give a table with texts")
    synthesizer = Synthesizer.from_pretrained(model)
    bases, adapted = synthesizer.voices, synthesizer.load_voice(voice)
    voice_judge, word_judge = VoiceJudge(), WordJudge(threads)
    codec = synthesizer.speaker(adapted).codec
    rate, books = codec.config.sample_rate, synthesizer.layout.num_codebooks
    originals = [load_audio(row.path, rate).samples for row in recordings]
    centre = np.mean([voice_judge(audio, rate) for audio in originals], axis=0)
    centre /= np.linalg.norm(centre)

    def hear(clips: Sequence[np.ndarray]) -> Heard:
        words = [word_judge(audio, rate, row.text) for audio, row in zip(clips, recordings)]
        return Heard([float(voice_judge(audio, rate) @ centre) for audio in clips], words)

    heard = {RECORDINGS: hear(originals), COPIES: hear([_copy(codec, x, books) for x in originals])}
    for name in (*bases, adapted):
        said = [
            synthesizer.synthesize(row.text, voice=name, seed=SEED).audio
            for row in progress(recordings, name)
        ]
        heard[name] = hear(said)
    nearest = max(bases, key=lambda name: heard[name].cosines.mean())
    rows = {
        name: part.row(heard[nearest] if name == adapted else None) for name, part in heard.items()
    }
    return nearest, rows


def _copy(codec, audio: np.ndarray, books: int) -> np.ndarray:
    """Audio [T] through the codec's first codebooks and back."""
    import torch

    codes = codec.encode(torch.from_numpy(audio)[None, None], books).codes
    return codec.decode(codes)[0, 0, : len(audio)].numpy()
