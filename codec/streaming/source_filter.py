"""Samples of the source-filter decoder from filters and F0 that come in pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.nn.source import NO_PITCH, pulses, upsample
from codec.variants.source_filter import SourceFilterDecoder


class StreamingPulses:
    """F0 in pieces [B,n] -> pulse train in pieces, half a hop behind; see `pulse_train`."""

    def __init__(self, hop_length: int, sample_rate: int) -> None:
        self.hop, self.rate = hop_length, sample_rate
        self._before: tuple[Tensor, Tensor] | None = None  # pitch and voicing of the last frame
        self._turns: Tensor | None = None  # [B,1] double, of the phase so far

    def push(self, f0: Tensor, last: bool) -> Tensor:
        voiced = f0 > 0
        pitch = self._held(f0, voiced) if f0.shape[-1] else f0
        begun = self._before is not None
        if self._before is not None:
            pitch, voiced = (
                torch.cat([before, now], dim=-1)
                for before, now in zip(self._before, (pitch, voiced), strict=True)
            )
        self._before = pitch[:, -1:], voiced[:, -1:]
        half = self.hop // 2
        part = slice(half if begun else 0, None if last else -half)
        smooth = upsample(pitch, self.hop)[:, part]
        turns = torch.cumsum(smooth.double() / self.rate, dim=-1)
        turns = turns if self._turns is None else self._turns + turns
        self._turns = turns[:, -1:]
        sound = pulses(smooth, turns, self.rate) * upsample(voiced.float(), self.hop)[:, part]
        return sound.to(f0.dtype)

    def _held(self, f0: Tensor, voiced: Tensor) -> Tensor:
        """The last voiced value where unvoiced. Before the first voiced frame no pulse sounds; its
        pitch counts from the start, so the phase that was counted with another is set right.
        """
        if self._turns is None:
            self._turns = f0.new_zeros(len(f0), 1, dtype=torch.float64)
            self._sounded = torch.zeros_like(voiced[:, :1])
        start = (
            self._before[0] if self._before is not None else torch.full_like(f0[:, :1], NO_PITCH)
        )
        first = f0.gather(1, voiced.to(torch.int8).argmax(1, keepdim=True))
        now = voiced.any(1, keepdim=True) & ~self._sounded
        if now.any():
            self._turns = torch.where(now, self._turns * (first / start), self._turns)
            start = torch.where(now, first, start)
            if self._before is not None:
                self._before = start, self._before[1]
        self._sounded |= now
        index = torch.arange(f0.shape[-1], device=f0.device).expand_as(f0)
        place = torch.where(voiced, index, torch.full_like(index, -1)).cummax(-1).values
        return torch.where(place < 0, start, f0.gather(-1, place.clamp_min(0)))


class StreamingSynthesis:
    """Filters and F0 in pieces -> samples: the STFT of the sources, filtered, and its inverse."""

    def __init__(self, decoder: SourceFilterDecoder) -> None:
        config = decoder.config
        self.decoder, self.size, self.hop = decoder, config.n_fft, config.hop_length
        self.pulses = StreamingPulses(config.hop_length, config.sample_rate)
        self._sources: Tensor | None = None  # [B,2,T], samples that frames still need
        self._filters: Tensor | None = None  # [B,C,N], of frames that wait for samples
        self._sum: Tensor | None = None  # [B,size], of frames that overlap the next ones
        self._weight: Tensor | None = None  # [size], of their windows
        self._made = 0  # samples given out, from half a window before 0
        self._position = 0  # in the noise

    def push(self, filters: Tensor, f0: Tensor, last: bool) -> Tensor:
        """filters [B,3*bins,n], f0 [B,n] -> samples [B,t]."""
        excitation = self.pulses.push(f0, last)
        noise = self.decoder.noise(excitation.shape[-1], self._position).expand_as(excitation)
        self._position += excitation.shape[-1]
        sources, half = torch.stack([excitation, noise], dim=1), self.size // 2
        kept = sources.new_zeros(len(sources), 2, half) if self._sources is None else self._sources
        sources = nn.functional.pad(torch.cat([kept, sources], -1), (0, half if last else 0))
        waiting = filters if self._filters is None else torch.cat([self._filters, filters], -1)
        if last:  # one frame more than filters, as in the whole
            waiting = torch.cat([waiting, waiting[..., -1:]], -1)
        count = max(0, min((sources.shape[-1] - self.size) // self.hop + 1, waiting.shape[-1]))
        self._sources, self._filters = sources[..., count * self.hop :], waiting[..., count:]
        if not count:
            return sources.new_zeros(len(sources), 0)
        spectra = [
            torch.stft(
                source[:, : (count - 1) * self.hop + self.size],
                self.size,
                self.hop,
                window=self.decoder.window,
                center=False,
                return_complex=True,
            )
            for source in sources.unbind(1)
        ]
        return self._overlap(self.decoder.filtered(waiting[..., :count], *spectra), last)

    def _overlap(self, spectrum: Tensor, last: bool) -> Tensor:
        """[B,bins,n] -> the samples [B,t] that no later frame touches."""
        window, count = self.decoder.window, spectrum.shape[-1]
        frames = torch.fft.irfft(spectrum, self.size, dim=1) * window[:, None]
        length = (count - 1) * self.hop + self.size
        total, weight = (
            nn.functional.fold(part, (1, length), (1, self.size), stride=(1, self.hop))[:, 0, 0]
            for part in (frames, window.square()[None, :, None].expand(1, -1, count))
        )
        if self._sum is not None and self._weight is not None:
            tail = self._sum.shape[-1]
            total[:, :tail] += self._sum
            weight[:, :tail] += self._weight
        done = length if last else count * self.hop
        self._sum, self._weight = total[:, done:], weight[:, done:]
        skip = max(0, self.size // 2 - self._made)
        self._made += done
        end = done - self.size // 2 if last else done
        return total[:, skip:end] / weight[:, skip:end]
