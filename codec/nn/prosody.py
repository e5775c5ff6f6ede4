"""How pitch, voicing, loudness and brightness move: emotion features that need no trained model."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.nn.features import magnitude
from codec.nn.pitch import f0_torch

PROSODY_DIM = 12
LEVELS = (2, 9)  # those that are levels: of the frame, and its moving mean
BORDER_HZ = 1000  # energy above over energy below is the tilt
MOVING_SECONDS = 1.0  # of the slow statistics
USUAL_HZ = 150.0  # F0 of a speaker where nothing is voiced
FLOOR = 1e-6  # power of a frame relative to the signal's mean


class ProsodyFeatures(nn.Module):
    """audio [B,1,T], F0 [B,N] (Hz, 0 = unvoiced) and a usual F0 [B] (Hz) -> features [B,F,12] at
    the codec's frame rate.

    Log F0 against the usual one (half octaves, held through unvoiced frames), voicing, level
    against the mean of the signal, and tilt (both in units of 10 dB); their change from frame to
    frame; moving means and F0 spread over about a second. A gain changes none of them.
    """

    window: Tensor

    def __init__(self, config: CodecConfig, quietest: float = FLOOR) -> None:
        """`quietest`: power of a frame, relative to the signal's mean, below which the level falls
        no further.
        """
        super().__init__()
        self.config, self.quietest = config, quietest
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    @torch.no_grad()
    def forward(self, audio: Tensor, f0: Tensor, usual_f0: Tensor) -> Tensor:
        power = magnitude(
            audio[:, 0].float(), self.config.n_fft, self.config.hop_length, self.window
        ).square()
        power = power[..., : f0.shape[1]]
        border = round(BORDER_HZ * self.config.n_fft / self.config.sample_rate)
        power = power / power.sum(1).mean(1)[:, None, None].clamp_min(1e-9)
        level, above, below = (
            part.sum(1).clamp_min(FLOOR).log10()
            for part in (power, power[:, border:], power[:, 1:border])
        )
        level, tilt = level.clamp_min(math.log10(self.quietest)), above - below
        voiced = (f0 > 0).float()
        # half octaves, about the spread of the others
        pitch = (held(f0, usual_f0) / usual_f0[:, None]).log2() * 2
        fast = self._per_frame(torch.stack([pitch, voiced, level, tilt * voiced], dim=-1))
        change = nn.functional.pad(fast.diff(dim=1), (0, 0, 1, 0))
        return torch.cat([fast, change, self._slow(fast)], dim=-1)

    def of_audio(self, audio: Tensor) -> Tensor:
        """audio [B,1,T], T a multiple of samples_per_frame -> [B,F,12], F0 tracked by `f0_torch`
        and its median taken for the usual one.
        """
        config = self.config
        f0 = f0_torch(audio, config.sample_rate, config.hop_length, config.f0_min, config.f0_max)
        voiced = torch.where(f0 > 0, f0, torch.full_like(f0, torch.nan))
        return self(audio, f0, voiced.nanmedian(dim=1).values.nan_to_num(USUAL_HZ))

    def _per_frame(self, features: Tensor) -> Tensor:
        """[B,N,d] -> [B,F,d], the mean of every codec frame; N = F * frame_stride."""
        return features.unflatten(1, (-1, self.config.frame_stride)).mean(2)

    def _slow(self, fast: Tensor) -> Tensor:
        means = self._moving(fast[..., [0, 2, 3]])
        spread = (
            (self._moving(fast[..., :1].square()) - self._moving(fast[..., :1]).square())
            .clamp_min(1e-6)
            .sqrt()
        )
        return torch.cat([means, spread], dim=-1)

    def _moving(self, x: Tensor) -> Tensor:
        width = round(MOVING_SECONDS * self.config.frame_rate) // 2 * 2 + 1
        pool = nn.functional.avg_pool1d(
            x.transpose(1, 2), width, 1, width // 2, count_include_pad=False
        )
        return pool.transpose(1, 2)


def held(f0: Tensor, usual_f0: Tensor) -> Tensor:
    """F0 [B,N] with unvoiced frames filled by the last voiced value (`usual_f0` [B] before the
    first).
    """
    index = torch.arange(f0.shape[1], device=f0.device).expand_as(f0)
    last = torch.where(f0 > 0, index, torch.full_like(index, -1)).cummax(dim=1).values
    return torch.where(last < 0, usual_f0[:, None], f0.gather(1, last.clamp_min(0)))
