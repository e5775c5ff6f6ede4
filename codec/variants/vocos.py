"""ISTFT head without pitch (Vocos, arXiv 2306.00814)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.decoder import DecoderOutput, FrameDecoder

MOST_LOG_MAGNITUDE = math.log(100.0)  # of the ISTFT head, as in Vocos


class VocosDecoder(FrameDecoder):
    """latents [B,D,F] -> DecoderOutput without pitch, from log magnitude and phase of the STFT."""

    window: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.spectrum = nn.Linear(config.head_dim, config.n_fft + 2)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    def forward(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """`f0` is for decoders with pitch and changes nothing here."""
        spectrum = self.spectrum(self._frames(latents)).float().transpose(1, 2)
        with torch.autocast(latents.device.type, enabled=False):
            length = spectrum.shape[-1] * self.config.hop_length
            magnitude, phase = torch.cat([spectrum, spectrum[..., -1:]], dim=-1).chunk(2, dim=1)
            waves = torch.polar(magnitude.clamp_max(MOST_LOG_MAGNITUDE).exp(), phase)
            audio = torch.istft(
                waves, self.config.n_fft, self.config.hop_length, window=self.window, length=length
            )
        return DecoderOutput(lambda: audio[:, None])
