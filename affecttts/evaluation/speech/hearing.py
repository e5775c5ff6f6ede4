"""The panel of judges: what each hears in a clip, kept as plain values. A judge whose package is
missing says what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from affecttts.evaluation.judges.declarations import (
    ACOUSTICS,
    NATURALNESS,
    SOUND,
    VOICE,
    WHISPER_BASE,
    WORDS,
    JudgeCard,
)
from affecttts.evaluation.judges.emotion import AcousticJudge, EmotionJudge, load_emotion_judge
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import (
    BASE,
    TINY_EN,
    WordJudge,
    count_characters,
    count_words,
)
from affecttts.evaluation.signal.acoustics import acoustics, letters
from affecttts.evaluation.signal.faults import sound_faults
from affecttts.evaluation.signal.functionals import functionals

PARTS = {
    "words": WORDS,
    "whisper_base": WHISPER_BASE,
    "voice": VOICE,
    "sound": SOUND,
    "distillmos": NATURALNESS,
}
WHISPERS = {"words": TINY_EN, "whisper_base": BASE}
DECIMALS = 5  # of what is kept


@dataclass
class Panel:
    """Judges at work.

    Attributes:
        emotions: name -> judge.
        left_out: names of `PARTS` that are not wanted.
    """

    emotions: dict[str, EmotionJudge]
    left_out: tuple[str, ...] = ()
    threads: int = 1
    _loaded: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str], left_out: Iterable[str], threads: int) -> Panel:
        """A panel with emotion judges by name; nothing else is loaded yet.

        Raises:
            RequestError: no such emotion judge.
        """
        out = set(left_out)
        judges = {
            judge.card.name: judge
            for judge in (load_emotion_judge(name) for name in names if name not in out)
        }
        return cls(
            judges, tuple(part for part, card in PARTS.items() if {part, card.name} & out), threads
        )

    @property
    def cards(self) -> list[JudgeCard]:
        """Declarations of all that will judge."""
        working = [
            card for part, card in PARTS.items() if part not in self.left_out and not card.missing
        ]
        return [ACOUSTICS, *working, *(judge.card for judge in self.emotions.values())]

    @property
    def missing(self) -> dict[str, str]:
        """Part -> how to install what it lacks, or that it was left out."""
        lacking = {part: card.missing for part, card in PARTS.items() if card.missing}
        return lacking | {part: "left out on request" for part in PARTS if part in self.left_out}

    def hear(
        self, known: dict[str, Any], audio: np.ndarray, sample_rate: int, text: str, whole: bool
    ) -> dict[str, Any]:
        """What `known` does not say yet of mono audio [T] that should say `text`.

        Args:
            whole: also what `PARTS` say, which is slow; else only what tells of emotion.
        """
        wrong = sound_faults(audio, sample_rate)
        tasks: dict[str, Callable[[], Any]] = {"faults": lambda: wrong}
        if not wrong["empty"]:
            tasks |= {
                "acoustics": lambda: asdict(acoustics(audio, sample_rate, letters(text))),
                "functionals": lambda: functionals(audio, sample_rate),
            }
            for name, judge in self.emotions.items():
                if not isinstance(judge, AcousticJudge):  # those read the functionals
                    tasks[f"emotion {name}"] = lambda judge=judge: judge(audio, sample_rate)
            if whole and "voice" not in self.missing:
                tasks["voice"] = lambda: self._judge("voice", VoiceJudge)(audio, sample_rate)
        if whole:
            tasks |= self._slow(audio, sample_rate, text)
        return {name: _plain(task()) for name, task in tasks.items() if name not in known}

    def _slow(self, audio: np.ndarray, sample_rate: int, text: str) -> dict[str, Callable[[], Any]]:
        """What words and sound are, by part; nothing of what is missing."""
        tasks: dict[str, Callable[[], Any]] = {
            part: lambda part=part: self._words(part, audio, sample_rate, text) for part in WHISPERS
        }
        tasks["sound"] = lambda: self._judge("sound", lambda: SoundJudge(self.threads))(
            audio, sample_rate
        )
        tasks["distillmos"] = lambda: self._judge("distillmos", NaturalnessJudge)(
            audio, sample_rate
        )
        return {part: task for part, task in tasks.items() if part not in self.missing}

    def _words(self, part: str, audio: np.ndarray, sample_rate: int, text: str) -> dict[str, Any]:
        judge = self._judge(part, lambda: WordJudge(self.threads, WHISPERS[part]))
        heard = judge.transcribe(audio, sample_rate)
        counts = count_words(text, heard)
        errors, characters = count_characters(text, heard)
        return {
            "heard": heard,
            "errors": counts.errors,
            "words": counts.words,
            "character_errors": errors,
            "characters": characters,
            "skip": counts.skips > 0,
            "repeat": counts.repeats > 0,
        }

    def _judge(self, part: str, make: Callable[[], Any]) -> Any:
        if part not in self._loaded:
            self._loaded[part] = make()
        return self._loaded[part]


def _plain(value: Any) -> Any:
    """Ready for JSON."""
    if isinstance(value, np.ndarray):
        return [round(float(x), DECIMALS) for x in value]
    return {name: _plain(x) for name, x in value.items()} if isinstance(value, dict) else value
