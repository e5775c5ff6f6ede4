"""The three teachers of a training run together: what they say of any stretch of any clip, at codec frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.errors import RequestError
from affecttts.teachers.cache import TeacherCache
from affecttts.teachers.protocol import Teacher, frames_at, windows_at
from codec.config import CodecConfig
from codec.modulation import Guidance


@dataclass(frozen=True)
class FrameLessons:
    """What the teachers say of a batch of F codec frames."""

    guidance: Guidance
    tokens: Tensor  # float32 [B,F,W,C] of the text teacher: each frame's token amid its neighbours, zeros where there is none

    def to(self, device: torch.device) -> FrameLessons:
        """The same on a device."""
        return FrameLessons(self.guidance.to(device), self.tokens.to(device))


class Lessons:
    """Emotion, semantic and text teacher over one audio cache; a teacher with two offices is asked once."""

    def __init__(self, emotion: Teacher, semantic: Teacher, text: Teacher, audio: AudioCache, root: str | Path) -> None:
        if text.rate is not None:
            known = "phonology, minilm, bert, wav2vec2_bert"
            raise RequestError(f"text teacher {text.id}: says nothing of single tokens; choose one of {known}")
        caches = {teacher.id: TeacherCache(teacher, audio, root) for teacher in (emotion, semantic, text)}
        self.emotion, self.semantic, self.text = (caches[teacher.id] for teacher in (emotion, semantic, text))
        self._seconds = [clip.length / audio.sample_rate for clip in audio.clips]

    def stretch(self, clip: int, start: float, count: int, codec: CodecConfig, reach: int) -> dict[str, np.ndarray]:
        """Arrays of `count` codec frames from `start` seconds on, for `collate`; nothing is known past the end of the audio.

        Args:
            clip: index in the audio cache.
            reach: tokens to either side of a frame's own.
        """
        arrays = {}
        for name, cache in (("emotion", self.emotion), ("semantic", self.semantic)):
            lesson = cache.lesson(clip)
            if lesson is None:
                arrays[name], arrays[f"{name}_known"] = np.zeros((count, cache.dim), np.float32), np.zeros(count, bool)
            else:
                arrays[name], arrays[f"{name}_known"] = frames_at(lesson, cache.rate, start, count, codec.frame_rate)
        lesson, width = self.text.lesson(clip), 2 * reach + 1
        if lesson is None:
            arrays["tokens"] = np.zeros((count, width, self.text.dim), np.float32)
        else:
            arrays["tokens"] = windows_at(lesson, start, count, codec.frame_rate, reach)
        past = start + (np.arange(count) + 0.5) / codec.frame_rate >= self._seconds[clip]
        for array in arrays.values():
            array[past] = 0
        return arrays


def collate(rows: list[dict[str, np.ndarray]]) -> FrameLessons:
    """A batch of `Lessons.stretch`."""
    stacked = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    return FrameLessons(tokens=stacked.pop("tokens"), guidance=Guidance(**stacked))
