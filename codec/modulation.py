"""Module 1 of AffectCodec: two teachers' features of every frame modulate the latents before the
quantiser.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.attention import WindowedAttention
from codec.nn.prosody import PROSODY_DIM
from codec.parts import part


@dataclass(frozen=True)
class TeacherFeatures:
    """Features of every codec frame, of the teachers or of the student in their place."""

    emotion: Tensor  # [B,F,E]
    semantic: Tensor  # [B,F,S]
    emotion_known: Tensor  # bool [B,F]
    semantic_known: Tensor  # bool [B,F]; unknown where there is no transcript

    @classmethod
    def everywhere(cls, emotion: Tensor, semantic: Tensor) -> TeacherFeatures:
        """Features that are known in all frames."""
        known = torch.ones(emotion.shape[:2], dtype=torch.bool, device=emotion.device)
        return cls(emotion, semantic, known, known)

    def filled(self, other: TeacherFeatures) -> TeacherFeatures:
        """These features, and `other`'s in the frames where these are unknown."""
        return TeacherFeatures(
            torch.where(
                self.emotion_known[..., None], self.emotion, other.emotion.to(self.emotion.dtype)
            ),
            torch.where(
                self.semantic_known[..., None],
                self.semantic,
                other.semantic.to(self.semantic.dtype),
            ),
            self.emotion_known | other.emotion_known,
            self.semantic_known | other.semantic_known,
        )

    def swapped(self, other: TeacherFeatures, chosen: Tensor) -> TeacherFeatures:
        """These features, and `other`'s in the sequences `chosen`, bool [B]."""
        kept = ~chosen[:, None]
        return replace(
            self, emotion_known=self.emotion_known & kept, semantic_known=self.semantic_known & kept
        ).filled(other)

    def to(self, device: torch.device) -> TeacherFeatures:
        """The same on a device."""
        parts = (self.emotion, self.semantic, self.emotion_known, self.semantic_known)
        return TeacherFeatures(*(part.to(device) for part in parts))

    def check_fits(self, config: CodecConfig, batch: int, frames: int) -> None:
        """Refuse features of other shapes than [B,F,E] and [B,F,S] of a batch and a codec.

        Raises:
            ValueError: their shapes differ.
        """
        given = tuple(self.emotion.shape), tuple(self.semantic.shape)
        wanted = (batch, frames, config.emotion_dim), (batch, frames, config.semantic_dim)
        if given != wanted:
            raise ValueError(
                f"teacher_features has the shapes {given}, but these frames of a codec taught by "
                f"{config.emotion_teacher} and {config.semantic_teacher} need {wanted}"
            )


def encoding_modes(config: CodecConfig) -> tuple[str, ...]:
    """How a codec of this shape can encode, the default first.

    student: its own predictor stands in for the teachers; off: no modulation; teacher: with
    features of the teachers, from the caller; prosody: emotion from signal processing, no
    semantics; self: the latents attend to themselves.
    """
    if config.modulation == "none":
        return ("off",)
    if config.modulation == "self":
        return ("self", "off")
    student = ("student",) if config.student_dim else ()
    own = config.emotion_teacher == "prosody" and config.emotion_dim == PROSODY_DIM
    return (*student, "off", "teacher", *(("prosody",) if own else ()))


class CrossAttention(nn.Module):
    """Latents [B,F,D] attend to the teacher's features [B,F,E]: the paper's choice. -> [B,F,M].

    With `projected`, the features are brought to the latents' space before and not after the
    attention; M is then D.
    """

    def __init__(self, config: CodecConfig, features: int, projected: bool = False) -> None:
        super().__init__()
        width = config.latent_dim if projected else config.modulation_dim
        self.project = nn.Linear(features, width) if projected else nn.Identity()
        self.attention = WindowedAttention(
            config.latent_dim,
            width if projected else features,
            width,
            config.modulation_heads,
            config.modulation_window,
        )

    def forward(self, latents: Tensor, features: Tensor) -> Tensor:
        return self.attention(latents, self.project(features))


class ZeroScale(nn.Module):
    """A scale per channel that starts at zero."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def _branch(config: CodecConfig, features: int) -> nn.Module:
    if config.modulation == "xattn_post":
        return CrossAttention(config, features, projected=True)
    return part("modulation", config.modulation, CrossAttention)(config, features)


class Modulator(nn.Module):
    """z_uni = z + g_emo W u_emo + g_sem W u_sem (AffectCodec, EG-Latent): W is shared by the
    branches and starts at zero.

    `config.modulation` names what computes u from the latents and a teacher's features. Gates are
    shut at random per sequence in training, so that a codec without any teacher is a trained mode.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.keep, self.both_off = config.modulation_keep, config.modulation_both_off
        self.emotion = _branch(config, config.emotion_dim)
        self.semantic = _branch(config, config.semantic_dim) if config.modulation != "cem" else None
        if config.modulation in ("xattn_post", "cem"):
            self.output = ZeroScale(config.latent_dim)
        else:
            self.output = nn.Linear(config.modulation_dim, config.latent_dim, bias=False)
            nn.init.zeros_(self.output.weight)

    def draw_gates(self, batch: int, device: torch.device) -> Tensor:
        """[batch, 2] of 0 and 1, emotion and semantics; nothing is rescaled."""
        gates = torch.rand(batch, 2, device=device) < self.keep
        return (gates & (torch.rand(batch, 1, device=device) >= self.both_off)).float()

    def forward(
        self, latents: Tensor, teacher_features: TeacherFeatures, gates: Tensor | None = None
    ) -> Tensor:
        """Modulate latents [B,D,F].

        Args:
            teacher_features: of the same frames.
            gates: [B,2]; None = both open. Where both are 0 the latents pass unchanged.
        """
        frames = latents.transpose(1, 2)
        offset = self._offset(self.emotion, frames, teacher_features.emotion, gates, 0)
        if self.semantic is not None:
            offset = offset + self._offset(
                self.semantic, frames, teacher_features.semantic, gates, 1
            )
        return latents + offset.transpose(1, 2)

    def _offset(
        self, branch: nn.Module, frames: Tensor, features: Tensor, gates: Tensor | None, place: int
    ) -> Tensor:
        offset = self.output(branch(frames, features.to(frames.dtype)))
        return offset if gates is None else offset * gates[:, place, None, None].to(offset.dtype)
