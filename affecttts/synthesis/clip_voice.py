"""A voice from a clip: the speaker encoder of a model listens and makes a code, nothing is trained.

As with adapted voices, a clip may only be of somebody who agreed; `require_consent` in model.json
makes a file that says so mandatory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.errors import InputError, RequestError
from affecttts.synthesis.model_folder import SPEAKER_ENCODER_NAME, ModelInfo
from codec.errors import CheckpointError
from codec.files import fingerprint, member
from codec.inputs.door import TEXT_BYTES, read_bytes

if TYPE_CHECKING:
    from codec.audio import Audio
    from codec.speaker import SpeakerEncoder

SECONDS = (3.0, 30.0)  # of a clip
CLIP_HELP = "a clip of 3 to 30 s, of somebody who agreed, whose voice is spoken with"
CONSENT_HELP = "what the speaker of --voice-from agreed to: a text file"


def consent_hash(path: str | Path | None, required: bool) -> str | None:
    """SHA-256 of the consent file; None without one.

    Raises:
        RequestError: it is empty, or missing though it is required.
        InputError: it cannot be read.
    """
    if path is None:
        if required:
            raise RequestError(
                "this configuration requires the speaker's consent: give --consent FILE (who, "
                "when, for what)"
            )
        return None
    try:
        content = read_bytes(path, TEXT_BYTES)
    except InputError as error:
        raise InputError(f"the consent file cannot be read: {error}") from error
    if not content.strip():
        raise RequestError(
            f"{path}: the consent file is empty; write who agreed, when, and to what"
        )
    return hashlib.sha256(content).hexdigest()


def check_clip_voice(
    info: ModelInfo, voice: str | None, clip: str | None, consent: str | None
) -> None:
    """Refuse a clip as the voice of a request where that cannot or may not be.

    Raises:
        RequestError: a voice is named too, the model's voices are no codes, or the consent that it
            requires is missing.
        InputError: the consent cannot be read.
    """
    if clip is None:
        if consent is not None:
            raise RequestError("a consent without --voice-from CLIP; drop it")
        return
    if voice is not None:
        raise RequestError("give a voice or a clip to take it from, not both")
    if not info.voice_codes:
        raise RequestError(
            f"{info.name} speaks with its own voices and cannot take one from a clip; make one "
            "from some minutes of speech with `affecttts adapt`, or give another --model"
        )
    consent_hash(consent, info.require_consent)


def load_speaker_encoder(model: Path, made_codes: str) -> SpeakerEncoder:
    """The speaker encoder of a model folder.

    Args:
        made_codes: fingerprint of the one that made the codes of the model's voices.

    Raises:
        CheckpointError: missing, corrupt, or another one.
    """
    from codec.speaker import SpeakerEncoder

    folder = member(model, SPEAKER_ENCODER_NAME)
    if not folder.is_dir():
        raise CheckpointError(
            f"{model}: has no {SPEAKER_ENCODER_NAME}, so no voice can be made from recordings; "
            "package the model with --speaker-encoder"
        )
    if (found := fingerprint(folder)) != made_codes:
        raise CheckpointError(
            f"{folder}: is {found}, but the voices of the model are of {made_codes}; package the "
            "one that encoded them"
        )
    return SpeakerEncoder.from_pretrained(folder)


def code_of(encoder: SpeakerEncoder, clips: Iterable[Audio]) -> bytes:
    """The code of the voice in clips: that of the mean of their vectors."""
    import torch

    from codec.audio import resample

    rate = encoder.config.sample_rate
    vectors = [
        encoder.embed(torch.from_numpy(resample(clip.samples, clip.sample_rate, rate))[None, None])[
            0
        ]
        for clip in clips
    ]
    return bytes(encoder.encode(torch.stack(vectors).mean(dim=0)).tolist())


def clip_code(encoder: SpeakerEncoder, clip: str | Path) -> bytes:
    """The code of the voice in an audio file.

    Raises:
        RequestError: shorter than 3 s or longer than 30 s.
        AudioError: it cannot be read.
    """
    from codec.audio import load_audio

    audio = load_audio(clip, encoder.config.sample_rate)
    low, high = SECONDS
    if not low <= audio.seconds <= high:
        raise RequestError(
            f"{clip}: {audio.seconds:.1f} s; a voice is taken from {low:.0f} to {high:.0f} s of "
            "one speaker"
        )
    return code_of(encoder, [audio])
