"""Adversarial losses: LSGAN (arXiv 1611.04076) and feature matching (arXiv 1910.06711)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from codec.training.discriminators import Judgement


def discriminator_loss(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """Mean over sub-discriminators of (1 - D(x))^2 + D(x')^2; `fake` is of detached audio."""
    losses = [
        (1 - r.score).pow(2).mean() + f.score.pow(2).mean() for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean()


def generator_losses(real: list[Judgement], fake: list[Judgement]) -> dict[str, Tensor]:
    """Losses of the codec, as scalars.

    Returns:
        `adversarial`: mean of (1 - D(x'))^2; `feature_matching`: mean |D_l(x) - D_l(x')| relative
        to mean |D_l(x)|.
    """
    adversarial = torch.stack([(1 - f.score).pow(2).mean() for f in fake]).mean()
    distances = [
        l1_loss(b, a.detach()) / a.detach().abs().mean().clamp_min(1e-4)
        for r, f in zip(real, fake, strict=True)
        for a, b in zip(r.features, f.features, strict=True)
    ]
    return {"adversarial": adversarial, "feature_matching": torch.stack(distances).mean()}
