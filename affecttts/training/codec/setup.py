"""What a run of the codec needs beside its networks, made ready from the corpus."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.data.vocoder_cache import VocoderCache
from affecttts.teachers.registry import make_teacher
from affecttts.teachers.targets import TeacherTargets
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import CropConfig, CropSampler
from codec import CodecConfig

SCALED_ON = 8  # batches that tell the usual values of vocoder parameters


def crops(config: CodecTrainingConfig) -> CropConfig:
    """How the run draws its crops."""
    return CropConfig(
        config.batch_size,
        config.crop_seconds,
        config.gain_jitter_db,
        config.speaker_weights,
        config.seed,
        config.alignment.reach,
        config.predicted_share,
    )


def teacher_targets(
    config: CodecTrainingConfig, shape: CodecConfig, cache: AudioCache, folder: Path, device: str
) -> TeacherTargets | None:
    """What the teachers say of the corpus, asked where it is not yet known; None where nothing
    needs it.
    """
    reads = shape.modulation not in ("none", "self") or shape.emotion_channels > 0
    if config.frozen or not (config.gradient_ratios.wanted() or reads):
        return None
    teachers = (make_teacher(name, shape, device) for name in config.teachers)
    return TeacherTargets(*teachers, cache, folder / "teachers")


def vocoder_targets(shape: CodecConfig, cache: AudioCache, folder: Path) -> VocoderCache | None:
    """What a parametric decoder learns from; None for the others."""
    if shape.decoder != "parametric":
        return None
    return VocoderCache(cache, folder, shape.envelope_coefficients)


def usual_parameters(sampler: CropSampler) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [C+A] of the vocoder parameters of some batches."""
    values = []
    for step in range(SCALED_ON):
        batch = sampler.batch(step)
        assert batch.vocoder is not None
        stride = batch.vocoder.shape[1] // batch.mask.shape[1]
        values.append(batch.vocoder[batch.mask.repeat_interleave(stride, dim=1)])
    joined = torch.cat(values)
    return joined.mean(dim=0), joined.std(dim=0)
