"""Codes in pieces -> samples in pieces."""

from __future__ import annotations

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


class ParametricSound:
    """Samples of a parametric decoder, from latents and the hidden frames that come of them."""

    def __init__(self, decoder: ParametricDecoder) -> None:
        self.decoder, self.vocoder = decoder, StreamingVocoder(decoder.vocoder)
        self._linear: Tensor | None = None  # [B,n,C+A+2], of frames whose hidden ones are to come

    def push(self, latents: Tensor, hidden: Tensor, last: bool) -> Tensor:
        """New latents [B,D,f] and new hidden frames [B,n,head_dim] -> new samples [B,t]."""
        linear = self.decoder.linear_part(latents)
        linear = linear if self._linear is None else torch.cat([self._linear, linear], dim=1)
        count = hidden.shape[1]
        self._linear = linear[:, count:]
        if not count and not last:
            return hidden.new_zeros(len(hidden), 0)
        values = self.decoder.values(hidden, linear[:, :count])
        return self.vocoder.push(self.decoder.parameters_of(values), last)


class SourceFilterSound:
    """Samples of a source-filter decoder from its hidden frames."""

    def __init__(self, decoder: SourceFilterDecoder) -> None:
        self.decoder, self.synthesis = decoder, StreamingSynthesis(decoder)

    def push(self, latents: Tensor, hidden: Tensor, last: bool) -> Tensor:
        """As `ParametricSound.push`; the latents tell it nothing."""
        if not hidden.shape[1] and not last:
            return hidden.new_zeros(len(hidden), 0)
        f0 = self.decoder.predicted_f0(*self.decoder.pitch_of(hidden))
        return self.synthesis.push(self.decoder.filters(hidden).transpose(1, 2), f0, last)


class StreamingDecoder:
    """Codes in pieces -> samples in pieces; joined, they are what `Codec.decode` gives, but for
    rounding.

    Raises:
        ValueError: the codec's decoder is none that streams.
    """

    def __init__(self, codec: Codec) -> None:
        decoder = codec.decoder
        if isinstance(decoder, ParametricDecoder):
            self.sound = ParametricSound(decoder)
        elif isinstance(decoder, SourceFilterDecoder):
            self.sound = SourceFilterSound(decoder)
        else:
            raise ValueError(
                f"decoder {codec.config.decoder!r} does not stream; parametric and source_filter do"
            )
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
        hidden = self._layers(latents, last)
        return self.sound.push(latents, hidden, last)[:, None]

    def _layers(self, latents: Tensor, last: bool) -> Tensor:
        """[B,D,f] -> the hidden frames [B,n,head_dim] that are final by now."""
        decoder, hidden = self.decoder, latents
        for layer in self.slow:
            hidden = layer.push(hidden, last)
        hidden = decoder.upsampled(hidden)
        for layer in self.fast:
            hidden = layer.push(hidden, last)
        return decoder.head_norm(hidden.transpose(1, 2))
