"""Emotion teachers that need no downloaded model: how pitch, voicing, loudness and brightness
move.
"""

from __future__ import annotations

import numpy as np
import torch

from affecttts.data.audio_cache import level
from affecttts.teachers.protocol import Clip, Teacher, TeacherAnswer
from codec.config import CodecConfig
from codec.nn.prosody import LEVELS, ProsodyFeatures

QUIETEST = 1e-2  # of a clip's mean power: what is softer is silence, and silences are alike
# of speech; distances do not see it, a LayerNorm does
USUAL = np.float32([0, 0.6, -0.65, -0.95, 0, 0, 0, 0, 0, -0.65, -0.95, 0.55])
# Relations compare distances, to which a feature adds as it spreads: pitch as it is would tell
# speakers, frames would tell sounds.
WEIGHTS = np.float32([0.2, 1, 1, 1, 0.6, 0.3, 0.3, 0.3, 0.4, 3, 3, 3])


class ProsodyTeacher(Teacher):
    """The 12 features of `codec.nn.prosody` at the codec's frame rate, F0 against the speaker's
    median.
    """

    version = "prosody-2"

    def __init__(self, config: CodecConfig) -> None:
        self.config, self.rate = config, config.frame_rate
        self.id = (
            f"{self.version} "
            f"{config.sample_rate}/{config.hop_length}/{config.frame_stride}/{config.n_fft}"
        )
        self._features = ProsodyFeatures(config)

    def teach(self, clip: Clip) -> TeacherAnswer:
        """One vector per codec frame; the last frame may be padded with silence."""
        stride, hop = self.config.frame_stride, self.config.hop_length
        missing = -len(clip.f0) % stride
        f0 = np.pad(clip.f0, (0, missing)).astype(np.float32)
        audio = np.pad(clip.audio, (0, max(0, len(f0) * hop - len(clip.audio))))
        audio, f0 = torch.from_numpy(audio)[None, None], torch.from_numpy(f0)[None]
        return TeacherAnswer(self._features(audio, f0, torch.tensor([clip.usual_f0]))[0].numpy())


class AffectiveProsodyTeacher(ProsodyTeacher):
    """The same features for relations between clips: level against the speaker's usual one, what is
    slow counts most (ours).
    """

    version = "affective_prosody-2"

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self._features = ProsodyFeatures(config, QUIETEST)
        self.per_gain = np.zeros_like(WEIGHTS)
        self.per_gain[list(LEVELS)] = WEIGHTS[list(LEVELS)]

    def teach(self, clip: Clip) -> TeacherAnswer:
        """As the other teacher's, [F,12] centred and weighted."""
        vectors = super().teach(clip).vectors
        vectors[:, LEVELS] += level(clip.audio) - clip.usual_level
        return TeacherAnswer((vectors - USUAL) * WEIGHTS)
