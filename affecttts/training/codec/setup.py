"""What a run of the codec needs beside its networks, made ready from the corpus."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from affecttts.data.audio_cache import AudioCache
from affecttts.data.vocoder_cache import VocoderCache
from affecttts.teachers.registry import make_teacher
from affecttts.teachers.targets import TeacherTargets
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import CropConfig, CropSampler
from codec import Codec, CodecConfig
from codec.nn.decoder import ParametricDecoder
from codec.training.linear_start import StartBatch, linear_start
from codec.training.vocoder_loss import VocoderLosses

STARTED_ON = 64  # batches that the linear start is computed from


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
    if config.frozen or config.analysed or not (config.gradient_ratios.wanted() or reads):
        return None
    teachers = (make_teacher(name, shape, device) for name in config.teachers)
    return TeacherTargets(*teachers, cache, folder / "teachers")


def vocoder_targets(shape: CodecConfig, cache: AudioCache, folder: Path) -> VocoderCache | None:
    """What a parametric decoder learns from; None for the others."""
    if shape.decoder != "parametric":
        return None
    return VocoderCache(cache, folder, shape.envelope_coefficients)


def still(codec: Codec, config: CodecTrainingConfig) -> list[nn.Module]:
    """The parts that do not learn by gradient in this run."""
    codes = [codec.encoder, codec.modulator, codec.student, codec.quantizer]
    parts = codes if config.frozen or config.analysed else []
    if not config.decoder_learns:
        parts = [*parts, codec.decoder]
    return [part for part in parts if part is not None]


def start_linear(codec: Codec, sampler: CropSampler) -> None:
    """`linear_start` of a fresh codec, from some batches."""
    device = next(codec.parameters()).device
    losses, batches = VocoderLosses(codec.config).to(device), []
    for step in range(STARTED_ON):
        batch = sampler.batch(step).to(device)
        assert batch.vocoder is not None
        frames = batch.mask.repeat_interleave(codec.config.frame_stride, dim=1)
        weight = losses.weight(batch.vocoder[..., : codec.config.envelope_coefficients]) * frames
        batches.append(StartBatch(batch.audio, batch.f0, batch.vocoder, weight))
    assert isinstance(codec.decoder, ParametricDecoder)
    linear_start(codec.encoder, codec.decoder, batches)
