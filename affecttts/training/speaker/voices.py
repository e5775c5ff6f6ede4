"""Clips -> vectors of voices, by a speaker encoder, and the codes of a corpus's speakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from affecttts.data.manifest import Utterance
from affecttts.training.speaker.crops import Clips
from codec.speaker import SpeakerEncoder

T = TypeVar("T")
SINGLE_CLIPS = 8  # of a speaker that have codes of their own


def embedded(encoder: SpeakerEncoder, samples: np.ndarray) -> Tensor:
    """Samples [T] at the encoder's rate -> unit vector [E], on the CPU."""
    device = next(encoder.parameters()).device
    return encoder.embed(torch.from_numpy(samples)[None, None].to(device))[0].cpu()


def vectors_of(
    encoder: SpeakerEncoder, clips: Clips, rows: Iterable[tuple[Path, Utterance]]
) -> Tensor:
    """Vectors [N,E] of clips."""
    return torch.stack([embedded(encoder, clips.audio(*row)) for row in rows])


def mean_voice(encoder: SpeakerEncoder, clips: Clips, speaker: str, count: int) -> Tensor:
    """Mean vector [E] of at most `count` clips of a speaker, spread evenly over the manifest."""
    rows = spread_evenly(clips.by_speaker[speaker], count)
    return vectors_of(encoder, clips, rows).mean(dim=0)


def speaker_codes(
    encoder: SpeakerEncoder,
    clips: Clips,
    count: int,
    progress: Callable[[list[str]], Iterable[str]] = iter,
) -> dict[str, tuple[bytes, ...]]:
    """The codes of all speakers: of the mean over at most `count` clips, then of the longest of
    these alone, which are as a voice is known by one clip.
    """
    codes = {}
    for speaker in progress(sorted(clips.by_speaker)):
        rows = spread_evenly(clips.by_speaker[speaker], count)
        rows = sorted(rows, key=lambda row: -row[1].seconds)
        vectors = vectors_of(encoder, clips, rows)
        chosen = torch.cat([vectors.mean(dim=0)[None], vectors[:SINGLE_CLIPS]])
        codes[speaker] = tuple(bytes(row) for row in encoder.cpu().encode(chosen).tolist())
    return codes


def spread_evenly(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, from all over the list."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]
