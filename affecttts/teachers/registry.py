"""Teachers by name, as configs give them: `prosody`, `hubert`, or `hubert:NAME_OR_FOLDER` for
another model of that kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from affecttts.errors import RequestError
from affecttts.teachers.protocol import Teacher
from codec.config import CodecConfig


@dataclass(frozen=True)
class TeacherKind:
    """One entry of the registry."""

    # from the model's name, the codec's shape and a device
    make: Callable[[str, CodecConfig, str], Teacher]
    # default name on the hub; empty: nothing is downloaded, and no other model can be given
    model: str = ""


def _prosody(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.prosody import ProsodyTeacher

    return ProsodyTeacher(codec)


def _affective_prosody(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.prosody import AffectiveProsodyTeacher

    return AffectiveProsodyTeacher(codec)


def _phonology(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.phonology import PhonologyTeacher

    return PhonologyTeacher()


def _whisper(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.speech import WhisperTeacher

    return WhisperTeacher()


def _minilm(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.words import TranscriptTeacher, packaged_text_encoder

    return TranscriptTeacher(packaged_text_encoder(), "minilm-pieces")


def _speech_encoder(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.speech import SpeechEncoderTeacher

    return SpeechEncoderTeacher(name, device)


def _clap(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.speech import ClapTeacher

    return ClapTeacher(name, device)


def _emotion2vec(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.speech import Emotion2VecTeacher

    return Emotion2VecTeacher(name, device)


def _bert(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.words import TextEncoder, TranscriptTeacher

    return TranscriptTeacher(TextEncoder(name, device), f"text-pieces {name}")


def _ctc_bert(name: str, codec: CodecConfig, device: str) -> Teacher:
    from affecttts.teachers.words import RecognisedTeacher, TextEncoder

    recogniser, _, encoder = name.partition("+")
    return RecognisedTeacher(recogniser, TextEncoder(encoder, device), device)


TEACHERS = {
    "prosody": TeacherKind(_prosody),
    "affective_prosody": TeacherKind(_affective_prosody),
    "phonology": TeacherKind(_phonology),
    "whisper": TeacherKind(_whisper),
    "minilm": TeacherKind(_minilm),
    "clap": TeacherKind(_clap, "laion/clap-htsat-unfused"),
    "emotion2vec": TeacherKind(_emotion2vec, "iic/emotion2vec_base"),
    "hubert": TeacherKind(_speech_encoder, "facebook/hubert-base-ls960"),
    "wavlm": TeacherKind(_speech_encoder, "microsoft/wavlm-base-plus"),
    "bert": TeacherKind(_bert, "google-bert/bert-base-uncased"),
    "wav2vec2_bert": TeacherKind(
        _ctc_bert, "facebook/wav2vec2-base-960h+google-bert/bert-base-uncased"
    ),
}


def check_teacher(name: str) -> None:
    """Refuse a name that `make_teacher` does not know.

    Raises:
        RequestError: unknown name; the message lists the known ones.
    """
    kind, _, model = name.partition(":")
    if kind not in TEACHERS:
        raise RequestError(f"unknown teacher {name!r}; known: {sorted(TEACHERS)}")
    if model and not TEACHERS[kind].model:
        raise RequestError(
            f"teacher {name!r}: {kind} is one thing and takes no model; write {kind}"
        )
    if kind == "wav2vec2_bert" and model and "+" not in model:
        raise RequestError(f"teacher {name!r}: write wav2vec2_bert:RECOGNISER+TEXT_ENCODER")


def make_teacher(name: str, codec: CodecConfig, device: str = "cpu") -> Teacher:
    """A teacher that has loaded nothing yet.

    Args:
        name: a key of `TEACHERS`, for those with a model on a hub also `key:NAME_OR_FOLDER`.
        codec: whose frames are taught.

    Raises:
        RequestError: unknown name; the message lists the known ones.
    """
    check_teacher(name)
    kind, _, model = name.partition(":")
    entry = TEACHERS[kind]
    return entry.make(model or entry.model, codec, device)
