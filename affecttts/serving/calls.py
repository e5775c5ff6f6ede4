"""From the body of a call to what is to be said and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from affecttts.errors import RequestError, shown
from affecttts.serving.catalogue import Catalogue
from affecttts.serving.errors import ApiError, writable
from affecttts.synthesis.request import SETTINGS, SpeechRequest
from codec.encoders import FORMATS

OPENAI_NAMES = {"text": "input", "prompt": "instructions"}  # where OpenAI's word is another
OURS = {theirs: ours for ours, theirs in OPENAI_NAMES.items()}
WITHHELD = frozenset(("lexicon", "voice_from", "consent"))  # they name files
STREAM_FORMATS = ("audio", "sse")
TYPES: Mapping[Callable[[str], Any] | None, str] = {float: "number", int: "integer"}


def asked_as(name: str) -> str:
    """What a setting of `SpeechRequest` is called in a body."""
    return OPENAI_NAMES.get(name, name)


FIELDS = tuple(asked_as(name) for name in SETTINGS if name not in WITHHELD)
ANSWER_FIELDS = ("model", "response_format", "stream_format", "timestamps")


@dataclass(frozen=True)
class SpeechCall:
    """One call.

    Attributes:
        request: what is to be said.
        format: name of the audio format.
        sse: whether it is told in server-sent events.
        timestamps: whether words are told with it.
    """

    request: SpeechRequest
    format: str = "mp3"
    sse: bool = False
    timestamps: bool = False


def parse_call(values: Any, catalogue: Catalogue, max_text: int) -> SpeechCall:
    """Check a body.

    Raises:
        ApiError: unknown or wrong fields; the message names what is known.
    """
    if not isinstance(values, dict):
        raise ApiError(400, f"the body is {shown(values)}; give a JSON object")
    given = {name: value for name, value in values.items() if value is not None}
    request = parse_request(
        {name: value for name, value in given.items() if name not in ANSWER_FIELDS},
        catalogue,
        max_text,
    )
    if "model" in given:
        catalogue.check_model(given["model"])
    format = _choice(given, "response_format", tuple(FORMATS), "mp3")
    sse = _choice(given, "stream_format", STREAM_FORMATS, "audio") == "sse"
    timestamps = given.get("timestamps", False)
    if not isinstance(timestamps, bool):
        raise ApiError(400, f"timestamps is {shown(timestamps)}; give true or false", "timestamps")
    return SpeechCall(request, format, sse, timestamps)


def parse_request(values: Mapping[str, Any], catalogue: Catalogue, max_text: int) -> SpeechRequest:
    """A `SpeechRequest` of the fields of a body.

    Raises:
        ApiError: unknown or wrong fields.
    """
    settings = {OURS.get(name, name): value for name, value in values.items()}
    for name in values:
        if name not in FIELDS:
            known = ", ".join((*FIELDS, *ANSWER_FIELDS))
            message = f"unknown field {shown(name)}; known: {known}"
            raise ApiError(400, message, writable(name[:100]), "field")
    if "voice" in settings:
        settings["voice"] = catalogue.voice(settings["voice"])
    for name, value in settings.items():
        try:
            SETTINGS[name].check(value)
        except RequestError as error:
            raise ApiError(400, str(error), asked_as(name), "value") from error
    if len(settings.get("text", "")) > max_text:
        message = f"input has {len(settings['text'])} characters; at most {max_text} are taken"
        raise ApiError(400, message, "input", "too_long")
    try:
        return SpeechRequest.from_dict(settings)
    except RequestError as error:
        missing = None if "text" in settings else "input"
        raise ApiError(400, str(error), missing, "value") from error


def _choice(given: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = given.get(name, default)
    if not isinstance(value, str) or value not in known:
        raise ApiError(400, f"{name} is {shown(value)}; give one of {', '.join(known)}", name)
    return value


def body_schema(catalogue: Catalogue) -> dict[str, Any]:
    """JSON schema of a body, from the settings of `SpeechRequest`."""
    properties: dict[str, Any] = {
        asked_as(name): _schema(name) for name in SETTINGS if name not in WITHHELD
    }
    properties["voice"]["enum"] = [row["id"] for row in catalogue.voices()]
    properties["model"] = {"type": "string", "enum": [row["id"] for row in catalogue.models()]}
    properties["response_format"] = {"type": "string", "enum": list(FORMATS), "default": "mp3"}
    properties["stream_format"] = {"type": "string", "enum": list(STREAM_FORMATS)}
    properties["timestamps"] = {
        "type": "boolean",
        "description": "tell the words with stream_format sse",
    }
    return {
        "type": "object",
        "properties": properties,
        "required": ["input"],
        "additionalProperties": False,
    }


def _schema(name: str) -> dict[str, Any]:
    setting = SETTINGS[name]
    if setting.option.get("action") == "store_true":
        return {"type": "boolean", "description": setting.help}
    schema = {"type": TYPES.get(setting.option.get("type"), "string"), "description": setting.help}
    if "choices" in setting.option:
        schema["enum"] = list(setting.option["choices"])
    return schema
