"""How a codec in training does on held-out clips."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.teachers.targets import TeacherTargets, collate
from affecttts.training.tracker import Tracker
from codec import Codec
from codec.student import code_agreement
from codec.training.losses import SpectralLosses

EVERY, MOST = 8, 24  # of the clips of the validation split
SAMPLES = 4  # of these that are kept to listen to


@torch.no_grad()
def validate(
    codec: Codec,
    cache: AudioCache,
    targets: TeacherTargets | None,
    spectral: SpectralLosses,
    tracker: Tracker,
    step: int,
) -> None:
    """Record the mel distance of copies, some of them to listen to, and how the modes agree."""
    device = next(codec.parameters()).device
    held_out = [i for i, clip in enumerate(cache.clips) if clip.utterance.split == "valid"]
    distances, agreements = [], []
    for place, index in enumerate(held_out[::EVERY][:MOST]):
        audio = torch.from_numpy(cache.audio(cache.clips[index]))[None, None].to(device)
        encoded = codec.encode(audio, codec.config.num_codebooks)
        rebuilt = codec.decode(encoded.codes, encoded.num_samples)
        distances.append(spectral(rebuilt, audio)["mel"].item())
        if targets is not None and "teacher" in codec.modes:
            agreements.append(agreement(codec, audio, targets, index))
        if place < SAMPLES:
            sound = rebuilt[0, 0].cpu().numpy()
            tracker.audio(step, f"valid{place}", sound, codec.config.sample_rate)
    names = agreements[0] if agreements else ()
    means = {name: float(np.mean([row[name] for row in agreements])) for name in names}
    tracker.scalars(step, {"valid/mel": float(np.mean(distances)), **means})


def agreement(codec: Codec, audio: Tensor, targets: TeacherTargets, clip: int) -> dict[str, float]:
    """Share of codes per quantiser that each other mode has in common with the teachers'.

    Args:
        audio: [1,1,T] of the clip of that number in the cache.
    """
    books, frames = (
        codec.config.num_codebooks,
        -(-audio.shape[-1] // codec.config.samples_per_frame),
    )
    stretch = targets.stretch(clip, 0.0, frames, codec.config, 0)
    teacher_features = collate([stretch]).teacher_features.to(audio.device)
    taught = codec.encode(audio, books, "teacher", teacher_features).codes
    return {
        f"agreement/{mode}/q{k + 1}": share.item()
        for mode in codec.modes
        if mode != "teacher"
        for k, share in enumerate(code_agreement(codec.encode(audio, books, mode).codes, taught))
    }
