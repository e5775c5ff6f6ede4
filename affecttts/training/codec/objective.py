"""What the codec is trained for: all losses of a step and their weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import CropBatch
from affecttts.training.schedule import faded, ramp
from codec import Codec, CodecOutput
from codec.nn.decoder import ParametricDecoder
from codec.training.balance import GradientBalancer
from codec.training.cycle import cycle_loss
from codec.training.linear_start import target_latents
from codec.training.losses import SpectralLosses, pitch_losses
from codec.training.phone_classifier import PhoneticLoss
from codec.training.vocoder_loss import VocoderLosses

Losses = dict[str, Tensor]
Logs = dict[str, float]
REFERENCE = ("mel", "envelope")  # losses whose gradients those of the teachers are held against


class Objective:
    """Unweighted named losses of the codec, without those of an adversary, and their weights.

    Args:
        vocoder: None: the decoder drives none.
        distillation: `Distillation`, prepared for the processes of the run.
        phonetic_loss: None: no phone classifier takes part.
    """

    def __init__(
        self,
        config: CodecTrainingConfig,
        spectral: SpectralLosses,
        vocoder: VocoderLosses | None,
        distillation: nn.Module,
        phonetic_loss: PhoneticLoss | None,
        accelerator: Any,
    ) -> None:
        self.config, self.accelerator = config, accelerator
        self.spectral, self.vocoder, self.distillation = spectral, vocoder, distillation
        self.phonetic_loss = phonetic_loss
        self.fixed_weights = asdict(config.loss_weights)
        self.balancer = GradientBalancer(config.gradient_ratios.wanted())

    def losses(
        self, codec: Codec, output: CodecOutput, batch: CropBatch, step: int
    ) -> tuple[Losses, Logs]:
        """Unweighted losses of a batch, and values for the log.

        Args:
            codec: without what distributes it.
        """
        losses, logs = self._reconstruction(codec, output, batch, step), {}
        if step >= self.config.quantized_from:
            if output.quantized.commitment.requires_grad:
                losses["commitment"] = output.quantized.commitment
                if output.quantized.codebook is not None:
                    losses["codebook"] = output.quantized.codebook
            if self.fixed_weights["cycle"]:
                with self.accelerator.autocast():
                    losses["cycle"] = cycle_loss(codec, output, batch.mask)
        if batch.targets is not None:
            reconstruction = torch.stack(
                [self.fixed_weights[name] * losses[name] for name in REFERENCE if name in losses]
            ).sum()
            taught, logs = self._taught(output, batch, reconstruction, step)
            losses |= taught
        return losses, logs

    def heard(self, batch: CropBatch, step: int) -> Tensor:
        """The frames that codebooks learn from, bool [B,F]: those of the recordings, or, where a
        parametric decoder is trained, a share of them that follows how loud they are.
        """
        if self.vocoder is None or batch.vocoder is None:
            return batch.mask
        loud = self.vocoder.weight(batch.vocoder[..., : self.vocoder.coefficients])
        loud = loud.unflatten(1, (batch.mask.shape[1], -1)).mean(-1)
        generator = torch.Generator().manual_seed(self.config.seed + step)
        return batch.mask & (torch.rand(loud.shape, generator=generator).to(loud.device) < loud)

    def weights(self, losses: Losses, step: int) -> dict[str, float]:
        """The weight of every loss at a step."""
        return self.fixed_weights | self._balanced_weights(losses, step)

    def _reconstruction(
        self, codec: Codec, output: CodecOutput, batch: CropBatch, step: int
    ) -> Losses:
        losses = pitch_losses(output.decoded, batch.f0)
        if self.vocoder is None or self.config.loss_weights.of_spectra:
            losses |= self.spectral(output.audio, batch.audio)
        if self.vocoder is not None and batch.vocoder is not None:
            frames = batch.mask.repeat_interleave(batch.f0.shape[1] // batch.mask.shape[1], dim=1)
            losses |= self.vocoder(output.decoded, batch.vocoder, batch.f0, frames)
            if step < self.config.latents_steps and not self.config.analysed:
                losses["latents"] = self._latents(codec, output, batch)
        if step < self.config.waveform_steps:
            losses["waveform"] = (output.audio - batch.audio).abs().mean()
        if self.phonetic_loss is not None:
            losses |= self.phonetic_loss(output.audio, batch.audio)
        return losses

    def _latents(self, codec: Codec, output: CodecOutput, batch: CropBatch) -> Tensor:
        """Squared distance of the latents to those that say the recording best."""
        wrong = (output.latents.float() - analysed_latents(codec, batch)).square().sum(1)
        return (wrong * batch.mask).sum() / batch.mask.sum().clamp_min(1)

    def _taught(
        self, output: CodecOutput, batch: CropBatch, reconstruction: Tensor, step: int
    ) -> tuple[Losses, Logs]:
        """Losses that the teachers give, with their measured gradients kept up to date."""
        losses, logs = self.distillation(output, batch.targets, step)
        balanced = {name: losses[name] for name in self.balancer.ratios if name in losses}
        if balanced and (step % self.config.balance_every == 0 or not self.balancer.norms):
            self.balancer.measure(output.latents, reconstruction, balanced)
        norms = {f"gradient_norm/{name}": norm for name, norm in self.balancer.norms.items()}
        weights = self._balanced_weights(losses, step)
        return losses, logs | norms | {f"weight/{name}": w for name, w in weights.items()}

    def _balanced_weights(self, losses: Losses, step: int) -> dict[str, float]:
        config, start = self.config, self.config.quantized_from
        share = ramp(step, start, start + config.balanced_ramp_steps) * faded(
            step, config.steps, config.balanced_fade
        )
        return {
            name: share * self.balancer.weight(name)
            for name in self.balancer.ratios
            if name in losses
        }


def analysed_latents(codec: Codec, batch: CropBatch) -> Tensor:
    """The latents [B,D,F] that say the recordings of a batch best."""
    assert batch.vocoder is not None and isinstance(codec.decoder, ParametricDecoder)
    return target_latents(codec.decoder, batch.vocoder, batch.f0)


def quantizer_logs(output: CodecOutput) -> Logs:
    """Perplexity and usage of every codebook."""
    if output.quantized is None:
        return {}
    logs = {f"perplexity/q{k + 1}": p.item() for k, p in enumerate(output.quantized.perplexity)}
    logs |= {f"usage/q{k + 1}": share.item() for k, share in enumerate(output.quantized.usage)}
    return logs | {"restarts": output.quantized.restarts.item()}
