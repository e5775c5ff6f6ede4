"""Emotion teacher that needs no downloaded model: how pitch, voicing, loudness and brightness move."""

from __future__ import annotations

import numpy as np
import torch

from affecttts.teachers.protocol import Clip, Lesson
from codec.config import CodecConfig
from codec.prosody import ProsodyFeatures


class ProsodyTeacher:
    """The 12 features of `codec.prosody` at the codec's frame rate, F0 against the speaker's median."""

    def __init__(self, config: CodecConfig) -> None:
        self.config, self.rate = config, config.frame_rate
        self.id = f"prosody-2 {config.sample_rate}/{config.hop_length}/{config.frame_stride}/{config.n_fft}"
        self._features = ProsodyFeatures(config)

    def teach(self, clip: Clip) -> Lesson:
        """One vector per codec frame; the last frame may be padded with silence."""
        stride, hop = self.config.frame_stride, self.config.hop_length
        missing = -len(clip.f0) % stride
        f0 = np.pad(clip.f0, (0, missing)).astype(np.float32)
        audio = np.pad(clip.audio, (0, max(0, len(f0) * hop - len(clip.audio))))
        audio, f0 = torch.from_numpy(audio)[None, None], torch.from_numpy(f0)[None]
        return Lesson(self._features(audio, f0, torch.tensor([clip.usual_f0]))[0].numpy())
