"""Module 3 of AffectCodec: emotion-weighted semantic alignment of the first quantiser's output with
the tokens of the words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

WEIGHTINGS = ("frame", "global", "uniform")
SALIENCIES = ("l1", "l2", "cosine", "level")


@dataclass(frozen=True)
class AlignmentConfig:
    """Form of the alignment loss."""

    weighting: str = "frame"  # frame: gamma_t; global: one factor a sequence; uniform: none
    # change between frames: l1 (the paper's), l2, cosine; level: distance to the sequence's mean
    saliency: str = "l1"
    temperature: float = 1.0  # of the softmax over saliency
    clamp: tuple[float, float] = (0.1, 5.0)  # of gamma
    attention_temperature: float = 0.1  # of the softmax over the tokens of a window
    reach: int = 1  # tokens to either side of a frame's own that are in its window
    fallback: bool = False  # the semantic teacher's features for frames without a transcript
    speech_only: bool = True  # silent frames take no part

    def __post_init__(self) -> None:
        for name, known in (("weighting", WEIGHTINGS), ("saliency", SALIENCIES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; known: {known}")


def emotion_saliency(emotion: Tensor, mask: Tensor, kind: str = "l1") -> Tensor:
    """How much the emotion teacher's features move at every frame.

    Args:
        emotion: [B,F,E].
        mask: bool [B,F], frames that count towards the mean of "level".
        kind: one of `SALIENCIES`.

    Returns:
        [B,F]; 0 at the first frame unless `kind` is "level".
    """
    emotion = emotion.float()
    if kind == "level":
        mean = (emotion * mask[..., None]).sum(1, keepdim=True) / mask.sum(1)[
            :, None, None
        ].clamp_min(1)
        return (emotion - mean).abs().sum(-1)
    if kind == "cosine":
        change = 1 - torch.nn.functional.cosine_similarity(emotion[:, 1:], emotion[:, :-1], dim=-1)
    else:
        change = torch.linalg.vector_norm(emotion.diff(dim=1), ord=int(kind[1]), dim=-1)
    return torch.nn.functional.pad(change, (1, 0))


@torch.no_grad()
def emotion_weights(emotion: Tensor, mask: Tensor, config: AlignmentConfig) -> Tensor:
    """Weights of frames, larger where emotion moves (AffectCodec, EW-Align).

    Saliency is standardised before the softmax, which raw L1 distances would saturate.

    Args:
        emotion: [B,F,E] teacher features.
        mask: bool [B,F], valid frames.

    Returns:
        gamma [B,F]; mean 1 over the valid frames, 0 elsewhere.
    """
    valid = mask.float()
    count = valid.sum(1, keepdim=True).clamp_min(1)
    if config.weighting == "uniform":
        return valid
    saliency = emotion_saliency(emotion, mask, config.saliency)
    mean = (saliency * valid).sum(1, keepdim=True) / count
    if config.weighting == "global":
        return valid * (mean / mean.mean().clamp_min(1e-6)).clamp(*config.clamp)
    spread = (
        (((saliency - mean) * valid).square().sum(1, keepdim=True) / count).sqrt().clamp_min(1e-6)
    )
    scores = ((saliency - mean) / spread / config.temperature).masked_fill(~mask, -torch.inf)
    gamma = (scores.softmax(1).nan_to_num() * count).clamp(*config.clamp) * valid
    return gamma * count / gamma.sum(1, keepdim=True).clamp_min(1e-6)


class SemanticAligner(nn.Module):
    """Projects the first quantiser's output to the space of token embeddings and compares it with
    the tokens of a local window.

    With `speech_dim` there is a second projection, for frames that have no token but features of
    the semantic teacher.
    """

    def __init__(
        self,
        latent_dim: int,
        token_dim: int,
        config: AlignmentConfig,
        speech_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.project = nn.Linear(latent_dim, token_dim)
        self.project_to_speech = nn.Linear(latent_dim, speech_dim) if speech_dim else None

    def forward(
        self, q1: Tensor, tokens: Tensor, gamma: Tensor, speech: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The alignment loss and its health.

        Args:
            q1: [B,F,D], straight-through output of the first quantiser.
            tokens: [B,F,W,C] embeddings of the tokens in every frame's window, zeros where there is
                none.
            gamma: [B,F] weights, 0 = frame left out.
            speech: [B,F,S] features of the semantic teacher, for frames without tokens.

        Returns:
            The loss -sum gamma log sigmoid(cos(P q, c*)) / sum gamma (AffectCodec, L_align), and
            the mean cosine.
        """
        with torch.autocast(q1.device.type, enabled=False):
            q1, absent = q1.float(), tokens.abs().sum(-1) == 0
            cosine = self._token_cosine(self.project(q1), tokens, absent)
            if self.project_to_speech is not None and speech is not None:
                spoken = torch.nn.functional.cosine_similarity(
                    self.project_to_speech(q1), speech, dim=-1
                )
                cosine = torch.where(absent.all(-1), spoken, cosine)
            total = gamma.sum().clamp_min(1e-6)
            return -(gamma * torch.nn.functional.logsigmoid(cosine)).sum() / total, (
                gamma * cosine
            ).sum() / total

    def _token_cosine(self, projected: Tensor, tokens: Tensor, absent: Tensor) -> Tensor:
        """Cosine [B,F] with the mean of the window's tokens, weighted by how near each is."""
        cosines = torch.nn.functional.cosine_similarity(projected[:, :, None], tokens, dim=-1)
        scores = (cosines.detach() / self.config.attention_temperature).masked_fill(absent, -1e4)
        target = (scores.softmax(-1)[..., None] * tokens).sum(2)
        return torch.nn.functional.cosine_similarity(projected, target, dim=-1)
