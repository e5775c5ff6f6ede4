"""Whole signals decoded in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from codec.checks import check_codes
from codec.detail import PASSES
from codec.model import Codec
from codec.streaming.decoder import StreamingDecoder, streams

WINDOW = 256  # codec frames that `decode_windows` takes at once
MAX_WHOLE_SECONDS = 300.0  # of a decoder that can only be given the whole signal


def decode_windows(codec: Codec, codes: Tensor, window: int = WINDOW) -> Iterator[Tensor]:
    """codes [B,k,F] of any integer type -> the samples of `Codec.decode` as [B,1,t] after [B,1,t],
    in memory that does not grow with F. What fits one window is decoded as a whole.

    Raises:
        ValueError: as `Codec.decode`, or a signal too long for a decoder that does not stream.
    """
    check_codes(codes, codec.config)
    config, frames = codec.config, codes.shape[2]
    if streams(codec) and frames > window:
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
