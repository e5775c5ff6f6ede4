"""The best linear codec of vocoder parameters, which a deep one starts from.

Latents are principal components of the parameters (and so their squared errors are what is heard),
the encoder's linear path estimates them by least squares, and the decoder's inverts them. Fine
structure of the envelope, which gradient descent finds last, is thus there from the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.nn.decoder import ParametricDecoder
from codec.nn.encoder import Encoder

RIDGE = 1e-3  # of the mean diagonal of the normal equations


@dataclass(frozen=True)
class StartBatch:
    """Crops that the start is computed from."""

    audio: Tensor  # [B,1,T]
    f0: Tensor  # [B,N] Hz
    parameters: Tensor  # [B,N,C+A], see `VocoderParameters`
    weight: Tensor  # [B,N], how much a frame counts


def packed_frames(decoder: ParametricDecoder, parameters: Tensor, f0: Tensor) -> Tensor:
    """Targets of codec frames, [B, F, frame_stride * (C+A+2)]."""
    stride = decoder.config.frame_stride
    return decoder.packing.pack(parameters, f0).unflatten(1, (-1, stride)).flatten(2)


def target_latents(decoder: ParametricDecoder, parameters: Tensor, f0: Tensor) -> Tensor:
    """The latents [B,D,F] that say [B,N,C+A] and F0 [B,N] best, once the start is made."""
    frames = packed_frames(decoder, parameters, f0)
    return ((frames - decoder.linear.bias) @ decoder.linear.weight[..., 0]).transpose(1, 2)


@torch.no_grad()
def linear_start(
    encoder: nn.Module, decoder: ParametricDecoder, batches: Sequence[StartBatch]
) -> None:
    """Set the linear paths and the scales of features and values.

    An encoder without a linear path keeps its own start.
    """
    _start_decoder(decoder, batches)
    if isinstance(encoder, Encoder) and encoder.linear is not None:
        _start_encoder(encoder, decoder, batches)


def _start_decoder(decoder: ParametricDecoder, batches: Sequence[StartBatch]) -> None:
    stride, latents = decoder.config.frame_stride, decoder.config.latent_dim
    frames = torch.cat([packed_frames(decoder, b.parameters, b.f0) for b in batches]).flatten(0, 1)
    weight = torch.cat([b.weight for b in batches]).unflatten(1, (-1, stride)).mean(-1).flatten()
    mean = (frames * weight[:, None]).sum(0) / weight.sum()
    centred = frames - mean
    covariance = (centred * weight[:, None]).T @ centred
    main = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :latents]
    missing = latents - main.shape[1]
    decoder.linear.set(nn.functional.pad(main, (0, missing))[..., None], mean)
    decoder.spread.copy_(frames.unflatten(1, (stride, -1)).flatten(0, 1).std(0).clamp_min(1e-3))


def _start_encoder(
    encoder: Encoder, decoder: ParametricDecoder, batches: Sequence[StartBatch]
) -> None:
    assert encoder.linear is not None
    raw = [encoder.features.raw(batch.audio) for batch in batches]
    joined = torch.cat(raw)
    encoder.features.set_scale(joined.mean((0, 2)), joined.std((0, 2)))
    stride, side, size = encoder.linear.stride, encoder.linear.side, encoder.linear.weight.shape[-1]
    inputs = joined.shape[1] * size + 1
    normal, moment = (
        joined.new_zeros(inputs, inputs),
        joined.new_zeros(inputs, decoder.config.latent_dim),
    )
    for batch in batches:
        features = nn.functional.pad(encoder.features(batch.audio), (side, side), mode="replicate")
        rows = features.unfold(2, size, stride).transpose(1, 2).flatten(2).flatten(0, 1)
        rows = nn.functional.pad(rows, (0, 1), value=1.0)
        weight = batch.weight.unflatten(1, (-1, stride)).mean(-1).flatten()[:, None]
        wanted = target_latents(decoder, batch.parameters, batch.f0).transpose(1, 2).flatten(0, 1)
        normal += (rows * weight).T @ rows
        moment += (rows * weight).T @ wanted
    normal.diagonal().add_(RIDGE * normal.diagonal().mean())
    solution = torch.linalg.solve(normal, moment)
    encoder.linear.set(solution[:-1].T.unflatten(1, (-1, size)), solution[-1])
