"""What a run of the codec is asked for, checked before audio is decoded or a teacher is asked."""

from __future__ import annotations

from affecttts.data.codes.store import CodeStore
from affecttts.data.manifest import read_manifest
from affecttts.errors import RequestError
from affecttts.teachers.targets import TeacherTargets
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import check_any_to_train_on
from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.files import fingerprint
from codec.training.phone_classifier import PhoneClassifier


def asked_shape(config: CodecTrainingConfig, init: str | None) -> CodecConfig:
    """The shape of the codec that is trained; what teachers add to it comes later.

    Raises:
        RequestError: the config asks for what this codec, or the lack of one to start from, makes
            impossible.
    """
    if not init and config.codebooks in ("restart", "keep", "held", "frozen"):
        raise RequestError(
            f"codebooks: {config.codebooks} needs a codec to start from; give --init"
        )
    if init and config.codebooks == "fresh":
        raise RequestError(
            f"codebooks: fresh would throw those of {init} away; say keep to let them learn on, "
            "restart to start them anew by k-means, frozen to train the decoder alone"
        )
    known = Codec.read_config(init) if init else CodecConfig.preset(config.preset)
    try:
        shape = known.changed(**config.codec)
    except ValueError as error:
        raise RequestError(f"codec: {error}") from error
    if shape.detail_codebooks != known.detail_codebooks:
        raise RequestError(
            "codec.detail_codebooks: a trained codec gets its detail layer "
            "from recipes/fit_detail.py"
        )
    _check_shape(config, shape)
    return shape


def _check_shape(config: CodecTrainingConfig, shape: CodecConfig) -> None:
    cycle = config.loss_weights.cycle
    if config.adversary == "envelope" and shape.decoder != "parametric":
        raise RequestError(
            f"adversary envelope reads what a parametric decoder says, and this one is "
            f"{shape.decoder}: choose adversary audio"
        )
    if config.analysed and shape.decoder != "parametric":
        raise RequestError(
            f"latents: analysis needs a parametric decoder, and this one is {shape.decoder}"
        )
    if not config.decoder_learns and (config.analysed or config.frozen):
        raise RequestError("decoder_learns: false leaves nothing that could learn in this run")
    if config.analysed and config.gradient_ratios.wanted():
        raise RequestError(
            "latents: analysis leaves the encoder alone, so gradient_ratios change nothing; leave "
            "them out"
        )
    if cycle and not shape.student_dim:
        raise RequestError(
            f"loss_weights.cycle is {cycle}: it asks a student; set codec.student_dim, or leave "
            "the weight at 0"
        )
    frames = round(config.crop_seconds * shape.frame_rate)
    if not config.frozen and shape.modulation != "none" and shape.modulation_window >= frames:
        raise RequestError(
            f"codec.modulation_window {shape.modulation_window} is not below the {frames} "
            "frames of a crop: its far ends "
            "would never be trained; make it smaller or crop_seconds longer"
        )
    if max(config.codebook_choices, default=0) > shape.num_codebooks:
        raise RequestError(
            f"codebook_choices is {list(config.codebook_choices)}, but the codec has "
            f"{shape.num_codebooks} codebooks"
        )


def check_inputs(
    config: CodecTrainingConfig,
    shape: CodecConfig,
    manifests: list[str],
    phone_classifier: str | None,
) -> None:
    """Refuse data and helpers that this run could not use.

    Raises:
        RequestError: a manifest is missing, or no row is to be trained on.
        CheckpointError: no phone_classifier, or one of another sample rate.
    """
    rows = (row for manifest in manifests for row in read_manifest(manifest))
    check_any_to_train_on(rows, config.speaker_weights)
    if phone_classifier:
        rate = PhoneClassifier.read_config(phone_classifier).sample_rate
        if rate != shape.sample_rate:
            raise CheckpointError(
                f"{phone_classifier}: hears {rate} Hz, the codec makes {shape.sample_rate} Hz"
            )


def predicted_codes(config: CodecTrainingConfig, folder: str, init: str | None) -> CodeStore:
    """Codes that a language model predicted, for a decoder that will hear such codes.

    Raises:
        CheckpointError: they are of another codec than the one whose decoder is trained.
    """
    store = CodeStore(folder)
    if not config.frozen or init is None or store.codec_fingerprint != fingerprint(init):
        raise CheckpointError(
            f"{folder}: codes of codec {store.codec_fingerprint}; give that codec as --init, "
            "and say codebooks: frozen"
        )
    return store


def taught_shape(
    config: CodecTrainingConfig, shape: CodecConfig, targets: TeacherTargets | None
) -> CodecConfig:
    """The shape with the teachers whose features its modulation reads."""
    if shape.modulation == "none" or targets is None:
        return shape
    return shape.changed(
        emotion_teacher=config.emotion_teacher,
        emotion_dim=targets.emotion.dim,
        semantic_teacher=config.semantic_teacher,
        semantic_dim=targets.semantic.dim,
    )


def teacher_dims(shape: CodecConfig, targets: TeacherTargets | None) -> tuple[int, int, int]:
    """Widths of the teachers' features; those of the offline ones where no teacher is asked."""
    if targets is None:
        return shape.emotion_dim, shape.semantic_dim, CodecConfig().semantic_dim
    return targets.emotion.dim, targets.semantic.dim, targets.text.dim
