"""Decoding in pieces: the samples of all codes at once, with a fixed delay, in constant memory.

decoder = StreamingDecoder(codec)
for codes in pieces:            # [B,k,f]
    play(decoder.push(codes))   # [B,1,t], what is final by now
play(decoder.finish())
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from codec.checks import check_codes
from codec.detail import PASSES
from codec.model import Codec
from codec.nn.decoder import SourceFilterDecoder
from codec.nn.layers import Conv, ConvNeXtBlock
from codec.nn.source import NO_PITCH, pulses, upsample

WINDOW = 256  # codec frames that `decode_windows` takes at once
MAX_WHOLE_SECONDS = 300.0  # of a decoder that can only be given the whole signal


class Frames:
    """Frames that still wait for their context along the last axis of [B,C,F]."""

    def __init__(self, behind: int, ahead: int) -> None:
        self.behind, self.ahead = behind, ahead
        self._kept: Tensor | None = None

    def push(self, x: Tensor, last: bool) -> Tensor:
        """All frames at hand; those within `behind` and `ahead` of the ends are context alone."""
        before = x.new_zeros(*x.shape[:-1], self.behind) if self._kept is None else self._kept
        x = torch.cat([before, x], dim=-1)
        x = nn.functional.pad(x, (0, self.ahead)) if last else x
        self._kept = x[..., max(0, x.shape[-1] - self.behind - self.ahead) :]
        return x

    def whole(self, x: Tensor) -> int:
        """How many frames of `push`'s answer have their whole context."""
        return max(0, x.shape[-1] - self.behind - self.ahead)


class StreamingConv:
    """A `Conv` or the depthwise convolution of a ConvNeXt block, with the frames that it read."""

    def __init__(self, layer: Conv | ConvNeXtBlock) -> None:
        self.block = layer if isinstance(layer, ConvNeXtBlock) else None
        self.conv = layer.depthwise if isinstance(layer, ConvNeXtBlock) else layer
        self.frames = Frames(*self.conv.context)

    def push(self, x: Tensor, last: bool) -> Tensor:
        x = self.frames.push(x, last)
        count = self.frames.whole(x)
        if not count:
            return x.new_zeros(len(x), self.conv.out_channels, 0)
        convolved = self.conv.within(x)
        if self.block is None:
            return convolved
        return self.block.mix(x[..., self.frames.behind :][..., :count], convolved)


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


class StreamingDecoder:
    """Codes in pieces -> samples in pieces; joined, they are what `Codec.decode` gives, but for
    rounding: some 1e-6 Hz of pitch, which add up in the phase of the highest harmonics.

    Raises:
        ValueError: the codec's decoder is none that streams.
    """

    def __init__(self, codec: Codec) -> None:
        decoder = codec.decoder
        if not isinstance(decoder, SourceFilterDecoder):
            raise ValueError(
                f"decoder {codec.config.decoder!r} does not stream; source_filter does"
            )
        self.codec, self.decoder = codec, decoder
        blocks, head_blocks = (
            cast("list[ConvNeXtBlock]", list(part))
            for part in (decoder.blocks, decoder.head_blocks)
        )
        self.slow = [StreamingConv(layer) for layer in (decoder.stem, *blocks)]
        self.fast = [StreamingConv(layer) for layer in head_blocks]
        self.synthesis = StreamingSynthesis(decoder)
        self._batch = 0  # none before the first codes

    @torch.inference_mode()
    def push(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,f] of the base layer -> samples [B,1,t] that are final by now."""
        self._batch = len(codes)
        return self._push(self.codec.quantizer.lookup(codes), last=False)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest of the samples [B,1,t], once all codes are pushed."""
        nothing = self.decoder.window.new_zeros(self._batch, self.codec.config.latent_dim, 0)
        return self._push(nothing, last=True) if self._batch else nothing[:, :1]

    def _push(self, latents: Tensor, last: bool) -> Tensor:
        decoder, hidden = self.decoder, latents
        for layer in self.slow:
            hidden = layer.push(hidden, last)
        if not hidden.shape[-1] and not last:
            return latents.new_zeros(len(latents), 1, 0)
        hidden = decoder.upsampled(hidden)
        for layer in self.fast:
            hidden = layer.push(hidden, last)
        if not hidden.shape[-1] and not last:
            return latents.new_zeros(len(latents), 1, 0)
        hidden = decoder.head_norm(hidden.transpose(1, 2))
        f0 = decoder.predicted_f0(*decoder.pitch_of(hidden))
        return self.synthesis.push(decoder.filters(hidden).transpose(1, 2), f0, last)[:, None]


def decode_windows(codec: Codec, codes: Tensor, window: int = WINDOW) -> Iterator[Tensor]:
    """codes [B,k,F] of any integer type -> the samples of `Codec.decode` as [B,1,t] after [B,1,t],
    in memory that does not grow with F. What fits one window is decoded as a whole.

    Raises:
        ValueError: as `Codec.decode`, or a signal too long for a decoder that does not stream.
    """
    check_codes(codes, codec.config)
    config, frames = codec.config, codes.shape[2]
    if isinstance(codec.decoder, SourceFilterDecoder) and frames > window:
        pieces = _base_layer(codec, codes[:, : config.num_codebooks], window)
        detailed = codec.detail is not None and codes.shape[1] > config.num_codebooks
        yield from _with_detail(codec, codes, pieces, window) if detailed else pieces
        return
    if frames > max(window, MAX_WHOLE_SECONDS * config.frame_rate):
        raise ValueError(
            f"{frames / config.frame_rate:.0f} s of codes; the decoder {config.decoder!r} takes "
            f"at most {MAX_WHOLE_SECONDS:.0f} s"
        )
    yield codec.decode(codes)


def _base_layer(codec: Codec, codes: Tensor, window: int) -> Iterator[Tensor]:
    stream = StreamingDecoder(codec)
    for first in range(0, codes.shape[2], window):
        yield stream.push(codes[..., first : first + window].long())
    yield stream.finish()


@torch.inference_mode()
def _with_detail(
    codec: Codec, codes: Tensor, pieces: Iterator[Tensor], window: int
) -> Iterator[Tensor]:
    """The detail layer on top: it works in windows with so much around them as its passes see."""
    config, frames, detail = codec.config, codes.shape[2], codec.detail
    assert detail is not None
    size = config.samples_per_frame
    reach = -(-(2 * PASSES + 3) * config.detail_n_fft // size) + 1  # codec frames
    audio, origin, done = codes.new_zeros(len(codes), 1, 0, dtype=torch.float32), 0, 0
    for piece in pieces:
        audio = torch.cat([audio, piece], dim=-1)
        while done < frames:
            end = min(frames, done + window)
            left, right = max(0, done - reach), min(frames, end + reach)
            if audio.shape[-1] < (right - origin) * size:
                break
            part = audio[..., (left - origin) * size : (right - origin) * size]
            codes_here = codes[:, config.num_codebooks :, left:right].long()
            yield detail(part, codes_here)[..., (done - left) * size : (end - left) * size]
            done, keep = end, max(0, end - reach)
            audio, origin = audio[..., (keep - origin) * size :], keep
