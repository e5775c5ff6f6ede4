"""The teachers of a training run together: their targets for crops of clips, at codec frames."""

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
class FrameTargets:
    """The teachers' targets for a batch of F codec frames."""

    teacher_features: TeacherFeatures
    tokens: Tensor  # float32 [B,F,W,C], each frame's token and its neighbours, zeros for none
    sounding: Tensor  # bool [B,F], frames that are not silent

    def to(self, device: torch.device) -> FrameTargets:
        """The same on a device."""
        return FrameTargets(
            self.teacher_features.to(device), self.tokens.to(device), self.sounding.to(device)
        )


class TeacherTargets:
    """Emotion, semantic and text teacher over one audio cache; one that is both is asked once."""

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
        """Arrays of `count` codec frames from `start` seconds on, for `collate`.

        Nothing is known past the end of the audio.

        Args:
            clip: index in the audio cache.
            reach: tokens to either side of a frame's own.
            gain: log10 of the power ratio by which the audio was made louder; it changes answers of
                teachers with `per_gain`.
        """
        arrays = {}
        for name, cache in (("emotion", self.emotion), ("semantic", self.semantic)):
            answer = cache.answer(clip)
            if answer is None:
                arrays[name], arrays[f"{name}_known"] = (
                    np.zeros((count, cache.dim), np.float32),
                    np.zeros(count, bool),
                )
            else:
                arrays[name], arrays[f"{name}_known"] = frames_at(
                    answer, cache.rate, start, count, codec.frame_rate
                )
                if cache.per_gain is not None:
                    arrays[name] += np.float32(gain) * cache.per_gain
        answer, width = self.text.answer(clip), 2 * reach + 1
        if answer is None:
            arrays["tokens"] = np.zeros((count, width, self.text.dim), np.float32)
        else:
            arrays["tokens"] = windows_at(answer, start, count, codec.frame_rate, reach)
        audio = self._audio.audio(self._audio.clips[clip])
        arrays["sounding"] = _sounding(
            audio, round(start * codec.sample_rate), count, codec.samples_per_frame
        )
        past = start + (np.arange(count) + 0.5) / codec.frame_rate >= len(audio) / codec.sample_rate
        for array in arrays.values():
            array[past] = 0
        return arrays


def targets_for(
    codec: CodecConfig, audio: AudioCache, root: str | Path, device: str = "cpu"
) -> TeacherTargets:
    """The teachers that a codec was trained with, for its encoding mode "teacher".

    The text teacher does not matter there.
    """
    names = codec.emotion_teacher, codec.semantic_teacher, "phonology"
    return TeacherTargets(*(make_teacher(name, codec, device) for name in names), audio, root)


def _sounding(audio: np.ndarray, start: int, count: int, frame_length: int) -> np.ndarray:
    """Which of `count` frames from sample `start` on are not silent in a recording [T]."""
    part = audio[start : start + count * frame_length]
    part = np.pad(part, (0, count * frame_length - len(part)))
    return frame_levels(part, frame_length) >= sounding_level(audio, frame_length)


def collate(rows: list[dict[str, np.ndarray]]) -> FrameTargets:
    """A batch of `TeacherTargets.stretch`."""
    stacked = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    tokens, sounding = stacked.pop("tokens"), stacked.pop("sounding")
    return FrameTargets(TeacherFeatures(**stacked), tokens, sounding)
