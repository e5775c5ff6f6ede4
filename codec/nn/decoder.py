"""Decoders that work at frame rate: quantised latents -> parameters of a vocoder or spectra."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.layers import Conv, blocks
from codec.nn.vocoder import Vocoder, VocoderParameters


@dataclass(frozen=True)
class DecoderOutput:
    """What the decoder predicts; N = F * frame_stride feature frames."""

    render: Callable[[], Tensor]  # gives the audio
    log_f0: Tensor | None = None  # [B,N], natural log of Hz; None of a decoder without pitch
    voicing: Tensor | None = None  # [B,N], logits; None likewise
    parameters: VocoderParameters | None = None  # None of a decoder that drives no vocoder

    @cached_property
    def audio(self) -> Tensor:
        """[B,1,T], T = F * samples_per_frame, made when it is first read."""
        return self.render()


class FrameDecoder(nn.Module):
    """Trunk at frame rate: latents [B,D,F] -> hidden feature frames [B,N,head_dim].

    A causal trunk looks ahead once, in its first layer: it streams with few frames of delay.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        causal = config.decoder_context == "causal"
        ahead, later = (config.decoder_lookahead, 0) if causal else (None, None)
        self.stem = Conv(config.latent_dim, config.decoder_dim, 7, ahead)
        self.blocks = blocks(config.decoder_dim, config.decoder_blocks, later)
        self.norm = nn.LayerNorm(config.decoder_dim)
        self.upsample = nn.Linear(config.decoder_dim, config.head_dim * config.frame_stride)
        self.head_blocks = blocks(config.head_dim, config.head_blocks, later)
        self.head_norm = nn.LayerNorm(config.head_dim)

    def _frames(self, latents: Tensor) -> Tensor:
        """[B,D,F] -> [B,N,head_dim]."""
        hidden = self.upsampled(self.blocks(self.stem(latents)))
        return self.head_norm(self.head_blocks(hidden).transpose(1, 2))

    def upsampled(self, hidden: Tensor) -> Tensor:
        """Codec frames [B,decoder_dim,F] -> feature frames [B,head_dim,N]."""
        wide = self.upsample(self.norm(hidden.transpose(1, 2)))
        return wide.reshape(len(wide), -1, self.config.head_dim).transpose(1, 2)


class PitchDecoder(FrameDecoder):
    """A decoder in which pitch is an explicit, supervised quantity: it is what carries most of an
    emotion.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.pitch = nn.Linear(config.head_dim, 2)

    def pitch_of(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden frames [B,N,head_dim] -> log F0 and logits of voicing, [B,N] each."""
        pitch, voicing = self.pitch(hidden).unbind(-1)
        low, high = math.log(self.config.f0_min), math.log(self.config.f0_max)
        return low + (high - low) * torch.sigmoid(pitch), voicing

    def predicted_f0(self, log_f0: Tensor, voicing: Tensor) -> Tensor:
        """[B,N] Hz, 0 where voicing is below one half."""
        return torch.where(voicing > 0, log_f0.exp(), torch.zeros_like(log_f0)).detach()


class ParametricDecoder(PitchDecoder):
    """latents [B,D,F] -> the parameters of a vocoder, and its audio.

    They are learned from those that an analysis of the recording gives, so training needs neither
    waveforms nor an adversary to get sharp, coherent speech.
    """

    target_mean: Tensor
    target_spread: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.vocoder = Vocoder(config)
        size = config.envelope_coefficients + self.vocoder.bands
        self.parameters_of = nn.Linear(config.head_dim, size)
        nn.init.normal_(self.parameters_of.weight, std=0.01)
        nn.init.zeros_(self.parameters_of.bias)
        self.register_buffer("target_mean", torch.zeros(size))
        self.register_buffer("target_spread", torch.ones(size))

    def set_scale(self, mean: Tensor, spread: Tensor) -> None:
        """Mean and standard deviation [C+A] of the targets, which the last layer then need not
        learn.
        """
        self.target_mean.copy_(mean)
        self.target_spread.copy_(spread)

    def forward(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """latents [B,D,F] -> parameters, and audio where it is asked for.

        `f0`, [B,N] Hz at feature rate and 0 where unvoiced, replaces the predicted pitch.
        """
        hidden = self._frames(latents)
        with torch.autocast(hidden.device.type, enabled=False):
            log_f0, voicing = self.pitch_of(hidden.float())
            f0 = self.predicted_f0(log_f0, voicing) if f0 is None else f0
            parameters = self.shaped(hidden.float(), f0)
        return DecoderOutput(lambda: self.vocoder(parameters)[:, None], log_f0, voicing, parameters)

    def shaped(self, hidden: Tensor, f0: Tensor) -> VocoderParameters:
        """Hidden frames [B,N,head_dim] and F0 [B,N] -> what the vocoder is told."""
        values = self.parameters_of(hidden) * self.target_spread + self.target_mean
        envelope, aperiodicity = values.split(
            [self.config.envelope_coefficients, self.vocoder.bands], dim=-1
        )
        return VocoderParameters(f0, envelope, aperiodicity)
