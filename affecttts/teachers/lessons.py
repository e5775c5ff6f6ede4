"""The three teachers of a training run together: what they say of any stretch of any clip, at codec
frames.
"""

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
from affecttts.teachers.registry import make_teacher
from codec.config import CodecConfig
from codec.modulation import TeacherFeatures
from codec.training.activity import frame_levels, sounding_level


@dataclass(frozen=True)
class FrameLessons:
    """What the teachers say of a batch of F codec frames."""

    teacher_features: TeacherFeatures
    # float32 [B,F,W,C] of the text teacher: each frame's token amid its neighbours, zeros where
    # there is none
    tokens: Tensor
    sounding: Tensor  # bool [B,F], frames that are not silent

    def to(self, device: torch.device) -> FrameLessons:
        """The same on a device."""
        return FrameLessons(
            self.teacher_features.to(device), self.tokens.to(device), self.sounding.to(device)
        )


class Lessons:
    """Emotion, semantic and text teacher over one audio cache; a teacher with two offices is asked
    once.
    """

    def __init__(
        self,
        emotion: Teacher,
        semantic: Teacher,
        text: Teacher,
        audio: AudioCache,
        root: str | Path,
    ) -> None:
        if text.rate is not None:
            known = "phonology, minilm, bert, wav2vec2_bert"
            raise RequestError(
                f"text teacher {text.id}: says nothing of single tokens; choose one of {known}"
            )
        caches = {
            teacher.id: TeacherCache(teacher, audio, root) for teacher in (emotion, semantic, text)
        }
        self.emotion, self.semantic, self.text = (
            caches[teacher.id] for teacher in (emotion, semantic, text)
        )
        self._audio = audio

    def stretch(
        self, clip: int, start: float, count: int, codec: CodecConfig, reach: int, gain: float = 0.0
    ) -> dict[str, np.ndarray]:
        """Arrays of `count` codec frames from `start` seconds on, for `collate`; nothing is known
        past the end of the audio.

        Args:
            clip: index in the audio cache.
            reach: tokens to either side of a frame's own.
            gain: log10 of the power ratio by which the audio was made louder; changes what teachers
                with `per_gain` say.
        """
        arrays = {}
        for name, cache in (("emotion", self.emotion), ("semantic", self.semantic)):
            lesson = cache.lesson(clip)
            if lesson is None:
                arrays[name], arrays[f"{name}_known"] = (
                    np.zeros((count, cache.dim), np.float32),
                    np.zeros(count, bool),
                )
            else:
                arrays[name], arrays[f"{name}_known"] = frames_at(
                    lesson, cache.rate, start, count, codec.frame_rate
                )
                if cache.per_gain is not None:
                    arrays[name] += np.float32(gain) * cache.per_gain
        lesson, width = self.text.lesson(clip), 2 * reach + 1
        if lesson is None:
            arrays["tokens"] = np.zeros((count, width, self.text.dim), np.float32)
        else:
            arrays["tokens"] = windows_at(lesson, start, count, codec.frame_rate, reach)
        audio = self._audio.audio(self._audio.clips[clip])
        arrays["sounding"] = _sounding(
            audio, round(start * codec.sample_rate), count, codec.samples_per_frame
        )
        past = start + (np.arange(count) + 0.5) / codec.frame_rate >= len(audio) / codec.sample_rate
        for array in arrays.values():
            array[past] = 0
        return arrays


def lessons_for(
    codec: CodecConfig, audio: AudioCache, root: str | Path, device: str = "cpu"
) -> Lessons:
    """The teachers that a codec was trained with, for its encode mode "teacher"; the text teacher
    has no say in it.
    """
    names = codec.emotion_teacher, codec.semantic_teacher, "phonology"
    return Lessons(*(make_teacher(name, codec, device) for name in names), audio, root)


def _sounding(audio: np.ndarray, start: int, count: int, frame_length: int) -> np.ndarray:
    """Whether each of `count` frames from sample `start` on sounds, bool [count], judged by the
    whole recording [T].
    """
    part = audio[start : start + count * frame_length]
    part = np.pad(part, (0, count * frame_length - len(part)))
    return frame_levels(part, frame_length) >= sounding_level(audio, frame_length)


def collate(rows: list[dict[str, np.ndarray]]) -> FrameLessons:
    """A batch of `Lessons.stretch`."""
    stacked = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    tokens, sounding = stacked.pop("tokens"), stacked.pop("sounding")
    return FrameLessons(TeacherFeatures(**stacked), tokens, sounding)
