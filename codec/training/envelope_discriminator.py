"""A discriminator of spectral envelopes, as an image over the mel scale and time.

It asks of a parametric decoder what a listener does, that envelopes be as sharp as those of speech,
at a small share of the cost of one that reads waveforms (in the line of Kaneko et al. 2017,
"Generative adversarial network-based postfilter for statistical parametric speech synthesis").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.nn.vocoder import mel_cosines, mel_points
from codec.pretrained import Pretrained
from codec.training.discriminators import ConvStack, Judgement

POINTS = 96  # of the mel scale
LEVEL = (4.0, 1.0)  # natural log of a level: what it is divided by, and what is added then
FINE, LOUDER = 12, 4.0  # coefficients from this one on are shown by themselves too, so much larger


@dataclass(frozen=True)
class EnvelopeDiscriminatorConfig:
    """What envelopes look like, and how large the discriminator is."""

    sample_rate: int = 24_000  # Hz
    coefficients: int = 60
    channels: int = 24


class EnvelopeDiscriminator(Pretrained):
    """envelopes [B,N,C] (see `VocoderParameters`) -> one Judgement."""

    model_type, config_class = "affectcodec_envelope_discriminator", EnvelopeDiscriminatorConfig
    points: Tensor

    def __init__(self, config: EnvelopeDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        hz = mel_points(POINTS, config.sample_rate)
        cosines = mel_cosines(config.coefficients, hz, config.sample_rate)
        self.register_buffer("points", cosines, persistent=False)
        widths = [3, config.channels, *(config.channels * times for times in (2, 3, 4))]
        strides = ((2, 1), (2, 2), (2, 2), (2, 2))
        layers = [
            nn.Conv2d(a, b, (5, 3), stride, (2, 1))
            for a, b, stride in zip(widths, widths[1:], strides)
        ]
        self.stack = ConvStack([*layers, nn.Conv2d(widths[-1], 1, 3, padding=1)])

    def forward(self, envelopes: Tensor) -> list[Judgement]:
        shape = torch.cat([torch.zeros_like(envelopes[..., :1]), envelopes[..., 1:]], dim=-1)
        fine = LOUDER * shape[..., FINE:] @ self.points[FINE:]
        image, fine = (shape @ self.points).transpose(1, 2), fine.transpose(1, 2)
        level = (envelopes[..., 0] / LEVEL[0] + LEVEL[1])[:, None].expand_as(image)
        return [self.stack(torch.stack([image, fine, level], dim=1))]
