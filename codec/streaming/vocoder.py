"""Samples of a vocoder whose parameters come in pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.nn.source import harmonics, held_pitch, upsample
from codec.nn.vocoder import Vocoder, VocoderParameters


class StreamingHarmonics:
    """F0 in pieces [B,n] -> pulses in pieces, half a hop behind."""

    def __init__(self, hop_length: int, sample_rate: int) -> None:
        self.hop, self.rate = hop_length, sample_rate
        self._f0: Tensor | None = None  # [B,2], of the last frames
        self._turns: Tensor | None = None  # [B,1], phase so far

    def push(self, f0: Tensor, last: bool) -> Tensor:
        kept = 0 if self._f0 is None else self._f0.shape[-1]
        f0 = f0 if self._f0 is None else torch.cat([self._f0, f0], dim=-1)
        self._f0 = f0[:, -2:]
        old = max(0, kept - 1)  # frames before the last one, which all samples have left behind
        begins = old * self.hop + (self.hop // 2 if kept else 0)
        part = slice(begins, None if last else -(self.hop // 2))
        pitch, voicing = upsample(held_pitch(f0), self.hop), upsample((f0 > 0).float(), self.hop)
        sound, self._turns = harmonics(pitch[:, part], voicing[:, part], self.rate, self._turns)
        return sound


class StreamingVocoder:
    """VocoderParameters in pieces -> samples in pieces, one and a half hops behind."""

    def __init__(self, vocoder: Vocoder) -> None:
        self.vocoder = vocoder
        self.pulses = StreamingHarmonics(vocoder.hop, vocoder.rate)
        self._sources: Tensor | None = None  # [B,2,T], samples that frames still need
        self._filters: Tensor | None = None  # [B,2,n,bins], of frames that wait for samples
        self._sum: Tensor | None = None  # [B,n_fft - hop], of frames that overlap the next ones
        self._made, self._position = 0, 0  # samples given out, and where in the noise

    def push(self, parameters: VocoderParameters, last: bool) -> Tensor:
        """Parameters of n frames -> samples [B,t]."""
        vocoder, filters = self.vocoder, self.vocoder.filters(parameters)
        pulses = self.pulses.push(parameters.f0, last)
        noise = vocoder.noise(pulses.shape[-1], self._position).expand_as(pulses)
        self._position += pulses.shape[-1]
        sources = torch.stack([pulses, noise], dim=1)
        if self._filters is None or self._sources is None:  # half a frame hears the first filter
            self._sources = sources.new_zeros(len(sources), 2, vocoder.margin)
            self._filters = filters[:, :, :1]
        sources = nn.functional.pad(
            torch.cat([self._sources, sources], -1), (0, vocoder.margin if last else 0)
        )
        filters = torch.cat([self._filters, filters], dim=2)
        if last:
            filters = torch.cat([filters, filters[:, :, -1:]], dim=2)
        count = min(filters.shape[2] - (not last), sources.shape[-1] // vocoder.hop - 1)
        count = max(0, count)
        self._sources, self._filters = sources[..., count * vocoder.hop :], filters[:, :, count:]
        if not count:
            return sources.new_zeros(len(sources), 0)
        return self._overlap(vocoder.framed(sources, filters[:, :, :count]), last)

    def _overlap(self, frames: Tensor, last: bool) -> Tensor:
        """[B,n,n_fft] -> the samples [B,t] that no later frame touches."""
        vocoder = self.vocoder
        total, done = vocoder.overlapped(frames), frames.shape[1] * vocoder.hop
        if self._sum is not None:
            total[:, : self._sum.shape[-1]] += self._sum
        self._sum = total[:, done:]
        skip = max(0, vocoder.margin - self._made)
        self._made += done
        # The last frame lies half a frame behind the end of the signal.
        end = done - vocoder.hop // 2 if last else done
        return total[:, skip:end]
