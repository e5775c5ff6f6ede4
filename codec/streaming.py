"""Decoding in windows: the samples of `Codec.decode` in memory that does not grow with the length.

A decoder that works at frame rate sees a bounded number of frames to either side, so a window with
so many more frames around it gives its own samples exactly. What has no such bound is carried from
window to window: the phase of the pulse train, and the pitch that an unvoiced stretch holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from codec.detail import PASSES
from codec.nn.decoder import FrameDecoder, SourceFilterDecoder
from codec.nn.source import fill_unvoiced, pulses, upsample

if TYPE_CHECKING:
    from codec.model import Codec

WINDOW = 512  # codec frames
MAX_WHOLE_SECONDS = 300.0  # of a decoder that can only be given the whole signal
USUAL_PITCH = 100.0  # Hz of the silent pulse train where nothing is ever voiced


def decode_windows(codec: Codec, codes: Tensor, window: int = WINDOW) -> Iterator[Tensor]:
    """codes [B,k,F] of any integer type -> audio [B,1,n], one window of codec frames after another,
    in all [B,1,F * samples_per_frame].

    Raises:
        ValueError: as `Codec.decode`, or a signal too long for a decoder that has no windows.
    """
    codec.check_codes(codes)
    decoder, config, frames = codec.decoder, codec.config, codes.shape[2]
    if not isinstance(decoder, FrameDecoder):
        if frames > MAX_WHOLE_SECONDS * config.frame_rate:
            raise ValueError(
                f"{frames / config.frame_rate:.0f} s of codes; the decoder {config.decoder!r} "
                f"takes at most {MAX_WHOLE_SECONDS:.0f} s"
            )
        yield codec.decode(codes.long())
        return
    part = (_SourceFilter if isinstance(decoder, SourceFilterDecoder) else _Plain)(codec, codes)
    for first in range(0, frames, window):
        with torch.inference_mode():
            piece = _window(codec, codes, part, first, min(frames, first + window))
        yield piece


def _window(codec: Codec, codes: Tensor, part: _Plain, first: int, end: int) -> Tensor:
    """The audio of codec frames first .. end - 1."""
    config, base = codec.config, codec.config.num_codebooks
    detailed = codes.shape[1] > base
    # a pass of the detail layer measures and changes windows of detail_n_fft samples
    reach = _frames((2 * PASSES + 3) * config.detail_n_fft, config) if detailed else 0
    left, right = max(0, first - reach), min(codes.shape[2], end + reach)
    audio = part(left, right)
    if detailed:
        audio = codec.detail(audio, codes[:, base:, left:right].long())
    size = config.samples_per_frame
    return audio[..., (first - left) * size : (end - left) * size]


def _frames(samples: int, config) -> int:
    """Codec frames that hold so many samples, and one."""
    return -(-samples // config.samples_per_frame) + 1


class _Plain:
    """A decoder without memory."""

    def __init__(self, codec: Codec, codes: Tensor) -> None:
        self.codec, self.codes = codec, codes[:, : codec.config.num_codebooks]
        self.decoder, self.config = codec.decoder, codec.config
        self.margin = _frames(codec.config.n_fft, codec.config)  # what an ISTFT spreads a fault to

    def __call__(self, first: int, end: int) -> Tensor:
        """Exact audio [B,1,n] of codec frames first .. end - 1."""
        left, right = max(0, first - self.margin), min(self.codes.shape[2], end + self.margin)
        size = self.config.samples_per_frame
        return self.audio(left, right)[..., (first - left) * size : (end - left) * size]

    def audio(self, first: int, end: int) -> Tensor:
        """Audio [B,1,n] of codec frames, exact but for `n_fft` samples at inner ends."""
        latents, skipped = self.latents(first, end)
        size = self.config.samples_per_frame
        audio = self.codec.decode_latents(latents).audio
        return audio[..., skipped * size : (skipped + end - first) * size]

    def latents(self, first: int, end: int) -> tuple[Tensor, int]:
        """Latents [B,D,n] of the frames and of what they depend on; how many come before them."""
        reach = self.decoder.context
        left, right = max(0, first - reach), min(self.codes.shape[2], end + reach)
        return self.codec.quantizer.lookup(self.codes[..., left:right].long()), first - left


class _SourceFilter(_Plain):
    """The decoder with a pulse train, whose phase and held pitch go on from window to window."""

    def __init__(self, codec: Codec, codes: Tensor) -> None:
        super().__init__(codec, codes)
        self.known = 0  # feature frames whose pitch is known
        self.origin = 0  # feature frame of the first value in held and voiced
        self.held = self.voiced = torch.zeros(len(codes), 0, device=codes.device)
        self.turns, self.turns_origin = None, 0  # of the last window, from this sample on

    def audio(self, first: int, end: int) -> Tensor:
        stride, hop = self.config.frame_stride, self.config.hop_length
        hidden = self._hidden(first, end)
        filters = self.decoder.filters(hidden).float()
        self._follow(self._pitch(hidden), first * stride)
        filters = torch.cat([filters, filters[:, -1:]], dim=1).transpose(1, 2)
        excitation = self._pulses(first * stride, end * stride)
        return self.decoder.filtered(filters, excitation, first * stride * hop)[:, None]

    def _hidden(self, first: int, end: int) -> Tensor:
        latents, skipped = self.latents(first, end)
        stride = self.config.frame_stride
        hidden = self.decoder.frames(latents)
        return hidden[:, skipped * stride : (skipped + end - first) * stride]

    def _pitch(self, hidden: Tensor) -> Tensor:
        return self.decoder.predicted_f0(*self.decoder.pitch_of(hidden.float()))

    def _follow(self, f0: Tensor, first: int) -> None:
        """Take up the pitch [B,n] from feature frame `first` on where it is not known yet."""
        fresh = f0[:, self.known - first :]
        last = self.held[:, -1:] if self.known else self._first_voiced(f0)
        filled = fill_unvoiced(torch.cat([last, fresh], dim=1))[:, 1:]
        keep = max(0, first - 1 - self.origin)
        self.held = torch.cat([self.held[:, keep:], filled], dim=1)
        self.voiced = torch.cat([self.voiced[:, keep:], (fresh > 0).float()], dim=1)
        self.origin, self.known = self.origin + keep, self.known + fresh.shape[1]

    def _first_voiced(self, f0: Tensor) -> Tensor:
        """[B,1] Hz: the first voiced value of the whole signal, which the start holds."""
        found, end = f0.new_zeros(len(f0), 1), f0.shape[1] // self.config.frame_stride
        while True:
            value = f0.gather(1, (f0 > 0).to(torch.int8).argmax(dim=1, keepdim=True))
            found = torch.where(found > 0, found, value)
            if bool((found > 0).all()) or end >= self.codes.shape[2]:
                return torch.where(found > 0, found, torch.full_like(found, USUAL_PITCH))
            start, end = end, min(self.codes.shape[2], end + WINDOW)
            f0 = self._pitch(self._hidden(start, end))

    def _pulses(self, first: int, end: int) -> Tensor:
        """The pulse train [B,n] of feature frames first .. end - 1."""
        hop, rate = self.config.hop_length, self.config.sample_rate
        left, right = max(0, first - 1), min(self.known, end + 1)
        pitch, voiced = (
            upsample(values[:, left - self.origin : right - self.origin], hop)[
                :, (first - left) * hop : (end - left) * hop
            ]
            for values in (self.held, self.voiced)
        )
        turns = torch.cumsum(pitch.double() / rate, dim=-1)
        if first:
            turns = turns + self.turns[:, first * hop - self.turns_origin - 1, None].remainder(1.0)
        self.turns, self.turns_origin = turns, first * hop
        return pulses(pitch, voiced, turns, rate)
