"""Decoders that work at frame rate: quantised latents -> parameters of a vocoder or spectra."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.layers import Conv, FixedLinear, blocks
from codec.nn.packing import FrameValues, Packing
from codec.nn.vocoder import Vocoder, VocoderParameters

QUIET = -4.0  # natural log of the amplitude that a fresh parametric decoder says


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

    def predicted_f0(self, log_f0: Tensor, voicing: Tensor) -> Tensor:
        """[B,N] Hz, 0 where voicing is below one half."""
        return torch.where(voicing > 0, log_f0.exp(), torch.zeros_like(log_f0)).detach()


class ParametricDecoder(PitchDecoder):
    """latents [B,D,F] -> the parameters of a vocoder, and its audio.

    They are learned from those that an analysis of the recording gives, so training needs neither
    waveforms nor an adversary to get coherent speech. The network predicts what a linear map of the
    latents leaves (codec/training/linear_start.py), in units of `spread`, the targets' standard
    deviation.
    """

    spread: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.vocoder = Vocoder(config)
        self.packing = Packing(config.envelope_coefficients, self.vocoder.bands)
        self.values_of = nn.Linear(config.head_dim, self.packing.size)
        nn.init.zeros_(self.values_of.weight)
        nn.init.zeros_(self.values_of.bias)
        self.linear = FixedLinear(config.latent_dim, self.packing.size * config.frame_stride)
        self.linear.bias[:: self.packing.size] = QUIET * self.packing.scale[0]
        self.register_buffer("spread", torch.ones(self.packing.size))

    def forward(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """latents [B,D,F] -> parameters, and audio where it is asked for.

        `f0`, [B,N] Hz at feature rate and 0 where unvoiced, replaces the predicted pitch.
        """
        hidden = self._frames(latents)
        with torch.autocast(hidden.device.type, enabled=False):
            values = self.values(hidden.float(), self.linear_part(latents.float()))
            parameters = self.parameters_of(values, f0)
        return DecoderOutput(
            lambda: self.vocoder(parameters)[:, None], values.log_f0, values.voicing, parameters
        )

    def linear_part(self, latents: Tensor) -> Tensor:
        """latents [B,D,F] -> the linear map's share of the values, [B,N,C+A+2]."""
        shares = self.linear(latents).transpose(1, 2)
        return shares.unflatten(-1, (-1, self.packing.size)).flatten(1, 2)

    def values(self, hidden: Tensor, linear: Tensor) -> FrameValues:
        """Hidden frames [B,N,head_dim] and `linear_part` [B,N,C+A+2] -> what is said of frames."""
        values = self.packing.unpack(self.values_of(hidden) * self.spread + linear)
        low, high = math.log(self.config.f0_min), math.log(self.config.f0_max)
        return replace(values, log_f0=values.log_f0.clamp(low, high))

    def parameters_of(self, values: FrameValues, f0: Tensor | None = None) -> VocoderParameters:
        """What the vocoder is told, with another F0 [B,N] where one is given."""
        f0 = self.predicted_f0(values.log_f0, values.voicing) if f0 is None else f0
        return VocoderParameters(f0, values.envelope, values.aperiodicity)
