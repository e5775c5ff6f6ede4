"""Codes in pieces -> samples in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from codec.model import Codec
from codec.nn.decoder import ParametricDecoder
from codec.nn.layers import ConvNeXtBlock
from codec.streaming.frames import StreamingConv
from codec.streaming.source_filter import StreamingSynthesis
from codec.streaming.vocoder import StreamingVocoder
from codec.variants.source_filter import SourceFilterDecoder


def streams(codec: Codec) -> bool:
    """Whether the codec has a decoder that works in pieces."""
    return isinstance(codec.decoder, (ParametricDecoder, SourceFilterDecoder))


def _synthesis(codec: Codec) -> Callable[[Tensor, Tensor, bool], Tensor]:
    """What makes samples [B,t] of hidden frames [B,n,C] and F0 [B,n], once they are final."""
    decoder = codec.decoder
    if isinstance(decoder, ParametricDecoder):
        vocoder = StreamingVocoder(decoder.vocoder)
        return lambda hidden, f0, last: vocoder.push(decoder.shaped(hidden, f0), last)
    if isinstance(decoder, SourceFilterDecoder):
        synthesis = StreamingSynthesis(decoder)
        return lambda hidden, f0, last: synthesis.push(
            decoder.filters(hidden).transpose(1, 2), f0, last
        )
    raise ValueError(
        f"decoder {codec.config.decoder!r} does not stream; parametric and source_filter do"
    )


class StreamingDecoder:
    """Codes in pieces -> samples in pieces; joined, they are what `Codec.decode` gives, but for
    rounding.

    Raises:
        ValueError: the codec's decoder is none that streams.
    """

    def __init__(self, codec: Codec) -> None:
        decoder = codec.decoder
        self._sound = _synthesis(codec)
        assert isinstance(decoder, (ParametricDecoder, SourceFilterDecoder))
        self.codec, self.decoder = codec, decoder
        blocks, head_blocks = (
            cast("list[ConvNeXtBlock]", list(part))
            for part in (decoder.blocks, decoder.head_blocks)
        )
        self.slow = [StreamingConv(layer) for layer in (decoder.stem, *blocks)]
        self.fast = [StreamingConv(layer) for layer in head_blocks]
        self._latents: Tensor | None = None  # [B,D,0], once codes have come

    @torch.inference_mode()
    def push(self, codes: Tensor) -> Tensor:
        """codes int64 [B,k,f] of the base layer -> samples [B,1,t] that are final by now."""
        latents = self.codec.quantizer.lookup(codes)
        self._latents = latents[..., :0]
        return self._push(latents, last=False)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest of the samples [B,1,t], once all codes are pushed."""
        if self._latents is None:
            return torch.zeros(0, 1, 0)
        return self._push(self._latents, last=True)

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
        return self._sound(hidden, f0, last)[:, None]
