"""Held-out clips against their reconstructions: spectrum, pitch and loudness."""

from __future__ import annotations

import torch

from affecttts.data.audio_cache import AudioCache, f0_world
from affecttts.data.splits import evenly
from affecttts.evaluation.signal.fidelity import compare_pitch, level_correlation
from codec import Codec
from codec.training.losses import SpectralLosses

# Measure -> whether more is better.
MEASURES = {
    "mel distance": False,
    "log-F0 correlation": True,
    "F0 error, cents": False,
    "voicing errors, %": False,
    "level correlation": True,
}


def held_out_clips(cache: AudioCache, limit: int) -> list[int]:
    """Indices of at most `limit` test clips, spread evenly; of validation clips where there is no
    test split.
    """
    for split in ("test", "valid"):
        clips = [index for index, clip in enumerate(cache.clips) if clip.utterance.split == split]
        if clips:
            return evenly(clips, limit)
    raise ValueError(
        "the manifests hold neither test nor validation clips to score on; set `split` in some rows"
    )


@torch.no_grad()
def reconstruction_scores(
    codec: Codec, cache: AudioCache, clips: list[int]
) -> dict[str, list[float]]:
    """One value per clip and measure; not-a-number where a clip has too few frames for one.

    The codec works as in use: its first mode, all codebooks.
    """
    spectral = SpectralLosses(cache.sample_rate).to(next(codec.parameters()).device)
    scores: dict[str, list[float]] = {name: [] for name in MEASURES}
    for index in clips:
        clip = cache.clips[index]
        audio = torch.from_numpy(cache.audio(clip))[None, None].to(next(codec.parameters()).device)
        encoded = codec.encode(audio)
        rebuilt = codec.decode(encoded.codes, encoded.num_samples)
        copy = rebuilt[0, 0].cpu().numpy()
        pitch = compare_pitch(cache.f0(clip), f0_world(copy, cache.sample_rate, cache.hop_length))
        values = [
            spectral(rebuilt, audio)["mel"].item(),
            *pitch,
            level_correlation(cache.audio(clip), copy, cache.hop_length),
        ]
        for name, value in zip(MEASURES, values, strict=True):
            scores[name].append(value)
    return scores
