"""Decoder that filters pulses and noise in the STFT domain, each by a filter of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.decoder import DecoderOutput, PitchDecoder
from codec.nn.features import stft
from codec.nn.source import FixedNoise, pulse_train


class SourceFilterDecoder(PitchDecoder):
    """latents [B,D,F] -> DecoderOutput, by a neural source-filter head.

    The trunk predicts F0, voicing and two spectral filters per feature frame. A pulse train and
    noise pass through them in the STFT domain (in the line of NHV and HiFTNet), so phase coherence
    need not be learned from an adversary.
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
            audio = self._synthesise(filters, excitation.float())[:, None]
        return DecoderOutput(lambda: audio, log_f0, voicing)

    def pitch_of(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden frames [B,N,head_dim] -> log F0 and logits of voicing, [B,N] each."""
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
