"""The adversary of the codec's training: discriminators, their optimiser, and both directions of
the game.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from codec.training.adversarial import discriminator_loss, generator_losses
from codec.training.discriminators import Discriminator


class Adversary:
    """Trains discriminators against a generator, and judges the generator with them held still."""

    def __init__(
        self, discriminator: Discriminator, learning_rate: float, clip: float, accelerator: Any
    ) -> None:
        optimizer = torch.optim.AdamW(
            discriminator.parameters(), learning_rate, betas=(0.8, 0.99), fused=True
        )
        self.accelerator, self.clip = accelerator, clip
        self.discriminator, self.optimizer = accelerator.prepare(discriminator, optimizer)

    def plain(self) -> Discriminator:
        """The discriminators without what distributes them."""
        return self.accelerator.unwrap_model(self.discriminator)

    def learn(self, real: Tensor, fake: Tensor, rate: float) -> dict[str, float]:
        """One step of the discriminators on audio [B,1,T]; values for the log."""
        with self.accelerator.autocast():
            judged, judged_fake = self.discriminator(real), self.discriminator(fake.detach())
            loss = discriminator_loss(judged, judged_fake)
        update(self.accelerator, self.optimizer, self.discriminator, loss, rate, self.clip)
        means = (
            torch.stack([part.score.float().mean() for part in side]).mean().item()
            for side in (judged, judged_fake)
        )
        return {"loss/discriminator": loss.item(), **dict(zip(("score/real", "score/fake"), means))}

    def judge(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Losses of the generator, "adversarial" and "feature_matching"."""
        self.discriminator.requires_grad_(False)
        with self.accelerator.autocast():
            with torch.no_grad():
                judged = self.discriminator(real)
            losses = generator_losses(judged, self.discriminator(fake))
        self.discriminator.requires_grad_(True)
        return losses


def update(
    accelerator: Any,
    optimizer: Any,
    module: torch.nn.Module,
    loss: Tensor,
    rate: float,
    clip: float,
) -> float:
    """One clipped step at a learning rate; returns the norm of the gradient before clipping."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    accelerator.backward(loss)
    norm = accelerator.clip_grad_norm_(module.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(norm)
