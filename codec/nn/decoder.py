"""Decoders that work at frame rate: quantised latents -> spectra -> audio by an ISTFT."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.features import stft
from codec.nn.layers import Conv, blocks
from codec.nn.source import FixedNoise, pulse_train


@dataclass(frozen=True)
class DecoderOutput:
    """What the decoder predicts; N = F * frame_stride feature frames."""

    audio: Tensor  # [B,1,T], T = F * samples_per_frame
    log_f0: Tensor | None = None  # [B,N], natural log of Hz; None of a decoder without pitch
    voicing: Tensor | None = None  # [B,N], logits; None likewise


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


class SourceFilterDecoder(FrameDecoder):
    """latents [B,D,F] -> DecoderOutput, by a neural source-filter head.

    The trunk predicts F0, voicing and two spectral filters per feature frame. A pulse train and
    noise pass through them in the STFT domain (in the line of NHV and HiFTNet). Pitch is thus an
    explicit, supervised quantity: it is what carries most of an emotion, and phase coherence need
    not be learned from an adversary.
    """

    window: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        bins = config.n_fft // 2 + 1
        self.pitch = nn.Linear(config.head_dim, 2)
        self.filters = nn.Linear(config.head_dim, 3 * bins)
        self.noise = FixedNoise(config.sample_rate)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self._start_quiet(bins)

    def _start_quiet(self, bins: int) -> None:
        """Speech-like level, zero phase and a usual pitch at step 0, so that the first losses are
        small.
        """
        nn.init.normal_(self.filters.weight, std=0.01)
        with torch.no_grad():
            self.filters.bias.copy_(
                torch.cat([torch.full((bins,), -4.0), torch.zeros(bins), torch.full((bins,), -6.0)])
            )

    def forward(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """latents [B,D,F] -> audio, log F0 and voicing.

        `f0`, [B,N] Hz at feature rate and 0 where unvoiced, replaces the predicted pitch (the true
        one in training).
        """
        hidden = self._frames(latents)
        filters = self.filters(hidden).float()
        with torch.autocast(hidden.device.type, enabled=False):
            log_f0, voicing = self.pitch_of(hidden.float())
            excitation = self.predicted_f0(log_f0, voicing) if f0 is None else f0
            audio = self._synthesise(filters, excitation.float())
        return DecoderOutput(audio[:, None], log_f0, voicing)

    def predicted_f0(self, log_f0: Tensor, voicing: Tensor) -> Tensor:
        """[B,N] Hz, 0 where voicing is below one half."""
        return torch.where(voicing > 0, log_f0.exp(), torch.zeros_like(log_f0)).detach()

    def pitch_of(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        pitch, voicing = self.pitch(hidden).unbind(-1)
        low, high = math.log(self.config.f0_min), math.log(self.config.f0_max)
        return low + (high - low) * torch.sigmoid(pitch), voicing

    def _synthesise(self, filters: Tensor, f0: Tensor) -> Tensor:
        """filters [B,N,3*bins], f0 [B,N] -> audio [B, N * hop_length]."""
        config = self.config
        # The STFT of N * hop samples has one frame more than the network: the last filter is used
        # twice.
        filters = torch.cat([filters, filters[:, -1:]], dim=1).transpose(1, 2)
        pulses = pulse_train(f0, config.hop_length, config.sample_rate)
        noise = self.noise(pulses.shape[-1]).expand_as(pulses)
        spectrum = self.filtered(filters, self._stft(pulses), self._stft(noise))
        return torch.istft(
            spectrum, config.n_fft, config.hop_length, window=self.window, length=pulses.shape[-1]
        )

    def filtered(self, filters: Tensor, pulses: Tensor, noise: Tensor) -> Tensor:
        """Filters [B,3*bins,N] and the spectra [B,bins,N] of the sources -> spectrum [B,bins,N]."""
        gain, phase, noise_gain = filters.chunk(3, dim=1)
        spectrum = torch.polar(gain.clamp_max(6).exp(), phase) * pulses
        return spectrum + noise_gain.clamp_max(6).exp() * noise

    def _stft(self, signal: Tensor) -> Tensor:
        return stft(signal, self.config.n_fft, self.config.hop_length, self.window)
