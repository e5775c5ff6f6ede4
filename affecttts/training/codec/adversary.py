"""The adversary of the codec's training: discriminators, their optimiser, and both directions of
the game.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import CropBatch
from affecttts.training.run import update
from affecttts.training.schedule import learning_rate
from codec import CodecConfig, CodecOutput
from codec.training.adversarial import discriminator_loss, generator_losses
from codec.training.discriminators import Discriminator
from codec.training.envelope_discriminator import (
    EnvelopeDiscriminator,
    EnvelopeDiscriminatorConfig,
)


def fresh(config: CodecTrainingConfig, codec: CodecConfig) -> Discriminator | EnvelopeDiscriminator:
    """Untrained discriminators of the kind that a config asks for."""
    if config.adversary == "audio":
        return Discriminator(config.discriminator)
    return EnvelopeDiscriminator(
        EnvelopeDiscriminatorConfig(
            codec.sample_rate, codec.envelope_coefficients, config.envelope_channels
        )
    )


def stored(config: CodecTrainingConfig, folder: str) -> Discriminator | EnvelopeDiscriminator:
    """Trained discriminators of the kind that a config asks for.

    Raises:
        CheckpointError: a folder of another kind.
    """
    kind = Discriminator if config.adversary == "audio" else EnvelopeDiscriminator
    return kind.from_pretrained(folder)


class Adversary:
    """Trains discriminators against a generator, and judges the generator with them held still.

    Args:
        init: discriminator folder to start from; None: fresh ones.
    """

    def __init__(
        self, config: CodecTrainingConfig, codec: CodecConfig, init: str | None, accelerator: Any
    ) -> None:
        self.config, self.codec, self.accelerator = config, codec, accelerator
        discriminator = fresh(config, codec) if init is None else stored(config, init)
        optimizer = torch.optim.AdamW(
            discriminator.parameters(),
            config.discriminator_learning_rate,
            betas=(0.8, 0.99),
            fused=True,
        )
        self.discriminator, self.optimizer = accelerator.prepare(discriminator, optimizer)

    def play(
        self, batch: CropBatch, output: CodecOutput, step: int
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        """The discriminators' step on a recording and its copy, then their judgement.

        Returns:
            losses of the generator, none before its time, and values for the log.
        """
        config, (real, fake) = self.config, self._pair(batch, output)
        rate = learning_rate(step, config.discriminator_learning_rate, 1, config.steps)
        logs = self.learn(real, fake, rate)
        alone = step < (config.adversarial_start_step or 0) + config.adversarial_alone_steps
        return {} if alone else self.judge(real, fake), logs

    def _pair(self, batch: CropBatch, output: CodecOutput) -> tuple[Tensor, Tensor]:
        """What the discriminators read of a recording and of its copy: envelopes, or a random crop
        of the audio.
        """
        if self.config.adversary == "envelope":
            assert batch.vocoder is not None and output.decoded.parameters is not None
            real = batch.vocoder[..., : self.codec.envelope_coefficients]
            return real, output.decoded.parameters.envelope
        length = round(self.config.adversarial_crop_seconds * self.codec.sample_rate)
        length = min(length, batch.audio.shape[-1])
        start = int(torch.randint(0, batch.audio.shape[-1] - length + 1, ()))
        return tuple(part[..., start : start + length] for part in (batch.audio, output.audio))

    def plain(self) -> Discriminator | EnvelopeDiscriminator:
        """The discriminators without what distributes them."""
        return self.accelerator.unwrap_model(self.discriminator)

    def learn(self, real: Tensor, fake: Tensor, rate: float) -> dict[str, float]:
        """One step of the discriminators; values for the log."""
        with self.accelerator.autocast():
            judged, judged_fake = self.discriminator(real), self.discriminator(fake.detach())
            loss = discriminator_loss(judged, judged_fake)
        update(
            self.accelerator,
            {"discriminator": self.optimizer},
            self.discriminator,
            loss,
            rate,
            self.config.gradient_clip,
        )
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
