"""Emotion teacher that needs no downloaded model: how pitch, voicing, loudness and brightness move."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.features import magnitude

TEACHER_ID = "prosody-1"
BORDER_HZ = 1000  # energy above over energy below is the tilt
MOVING_SECONDS = 1.0  # of the slow statistics


class ProsodyTeacher(nn.Module):
    """audio [B,1,T], F0 [B,N] (Hz, 0 = unvoiced) and the speaker's usual F0 [B] (Hz) -> features [B,F,12] at the codec's
    frame rate: log F0 against the speaker's (octaves, held through unvoiced frames), voicing, level and tilt (both in
    units of 10 dB), their change from frame to frame, and moving means and F0 spread over about a second."""

    dim = 12

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    @torch.no_grad()
    def forward(self, audio: Tensor, f0: Tensor, usual_f0: Tensor) -> Tensor:
        power = magnitude(audio[:, 0].float(), self.config.n_fft, self.config.hop_length, self.window).square()
        power = power[..., : f0.shape[1]]
        border = round(BORDER_HZ * self.config.n_fft / self.config.sample_rate)
        level = power.sum(1).clamp_min(1e-4).log10()
        tilt = (power[:, border:].sum(1).clamp_min(1e-4).log10() - power[:, 1:border].sum(1).clamp_min(1e-4).log10())
        voiced = (f0 > 0).float()
        pitch = (held(f0, usual_f0) / usual_f0[:, None]).log2() * 2  # half octaves, about the spread of the others
        fast = self._per_frame(torch.stack([pitch, voiced, level, tilt * voiced], dim=-1))
        change = torch.nn.functional.pad(fast.diff(dim=1), (0, 0, 1, 0))
        return torch.cat([fast, change, self._slow(fast)], dim=-1)

    def _per_frame(self, features: Tensor) -> Tensor:
        """[B,N,d] -> [B,F,d], the mean of every codec frame."""
        return features.unflatten(1, (-1, self.config.frame_stride)).mean(2)

    def _slow(self, fast: Tensor) -> Tensor:
        width = round(MOVING_SECONDS * self.config.frame_rate) // 2 * 2 + 1
        moving = lambda x: torch.nn.functional.avg_pool1d(  # noqa: E731
            x.transpose(1, 2), width, 1, width // 2, count_include_pad=False
        ).transpose(1, 2)
        means = moving(fast[..., [0, 2, 3]])
        spread = (moving(fast[..., :1].square()) - moving(fast[..., :1]).square()).clamp_min(1e-6).sqrt()
        return torch.cat([means, spread], dim=-1)


def held(f0: Tensor, usual_f0: Tensor) -> Tensor:
    """F0 [B,N] with unvoiced frames filled by the last voiced value (`usual_f0` [B] before the first)."""
    index = torch.arange(f0.shape[1], device=f0.device).expand_as(f0)
    last = torch.where(f0 > 0, index, torch.full_like(index, -1)).cummax(dim=1).values
    return torch.where(last < 0, usual_f0[:, None], f0.gather(1, last.clamp_min(0)))
