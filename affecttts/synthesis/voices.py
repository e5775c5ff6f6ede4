"""Adapted voices: a folder with PEFT's two files and our card. To read, merge and export one needs
neither peft nor transformers.

    adapter_config.json, adapter_model.safetensors
                           LoRA on the projections; in the first token layout the voice's own row
                           of the embedding too
    voice.json             what it is and which model it belongs to
    self_test.json         what it reached when it was made
    decoder.safetensors    where the codec's decoder was adapted too
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.errors import RequestError
from affecttts.lm import layout_1
from affecttts.synthesis.model_folder import ModelInfo
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import fingerprint, member, read_json
from codec.inputs.door import JSON_BYTES
from codec.inputs.fields import check_fields

if TYPE_CHECKING:
    from affecttts.lm.layout import TokenLayout


CARD_NAME = "voice.json"
SELF_TEST_NAME = "self_test.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Base:
    """The model that a voice belongs to."""

    name: str
    lm: str  # fingerprint of the LM folder
    codec: str  # fingerprint of the codec
    layout: str  # version of the token layout

    def __post_init__(self) -> None:
        """Raises ValueError where a value is of the wrong type."""
        check_fields(self)


@dataclass(frozen=True)
class VoiceCard:
    """Contents of voice.json."""

    name: str
    base: Base
    code: str  # of the voice, two hexadecimal digits a number
    started_from: str  # the base voice nearest to it
    data: dict[str, Any] = field(default_factory=dict)  # what it was taught
    training: dict[str, Any] = field(default_factory=dict)  # how
    consent_sha256: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where a value is of the wrong type."""
        check_fields(self)
        if not bytes.fromhex(self.code):
            raise ValueError("code is empty")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def check_name(name: str) -> str:
    """The name of a voice.

    Raises:
        RequestError: it is empty, too long or has other characters than names may have.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RequestError(
            f"voice name {str(name)[:80]!r}: use 1 to 64 letters, digits, '_', '-' and "
            "'.', a letter or digit first"
        )
    return name


def is_voice_folder(path: str | Path) -> bool:
    """Whether an adapted voice lies there."""
    try:
        return os.path.lexists(Path(path) / CARD_NAME)
    except (OSError, ValueError, TypeError):  # a name too long for a path, or with a NUL
        return False


def read_card(folder: str | Path) -> VoiceCard:
    """Read voice.json; no weights are loaded.

    Raises:
        CheckpointError: missing or not a card.
    """
    values = read_json(member(folder, CARD_NAME), JSON_BYTES)
    try:
        if not isinstance(values, dict):
            raise ValueError("not an object")
        base = values.get("base")
        if not isinstance(base, dict):
            raise ValueError("base is no object")
        values = layout_1.current_card(values)
        card = from_dict(VoiceCard, values | {"base": from_dict(Base, base)})
        check_name(card.name)
        return card
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{Path(folder) / CARD_NAME}: {error}") from error


def describe_base(folder: Path, info: ModelInfo, layout: TokenLayout) -> Base:
    """What a card says of a model folder."""
    return Base(
        info.name, fingerprint(folder / "lm"), fingerprint(folder / "codec"), layout.version
    )


def check_base(card: VoiceCard, base: Base, where: str | Path) -> None:
    """Refuse a voice of another model.

    Raises:
        CheckpointError: it is one; the message says of which.
    """
    if replace(card.base, name=base.name) == base:
        return
    if card.base.layout != base.layout:
        raise CheckpointError(
            f"{where}: the voice {card.name!r} was made for the token {card.base.layout} of "
            f"{card.base.name}, {base.name} has {base.layout}; make it anew from its recordings "
            f"with `affecttts adapt --audio RECORDINGS --name {card.name} --output DIR`"
        )
    differing = [
        name for name in ("lm", "codec") if getattr(card.base, name) != getattr(base, name)
    ]
    parts = "; ".join(
        f"its {name} is {getattr(card.base, name)}, here is {getattr(base, name)}"
        for name in differing
    )
    raise CheckpointError(
        f"{where}: the voice {card.name!r} belongs to the model {card.base.name}, not to "
        f"{base.name} ({parts}); "
        "give --model that one, or adapt the voice again"
    )


def with_voice(info: ModelInfo, card: VoiceCard) -> ModelInfo:
    """The model's information with one voice more.

    Raises:
        RequestError: the name is taken.
    """
    if card.name in info.voices:
        raise RequestError(
            f'there is a voice {card.name!r} already; rename one of the two ("name" in {CARD_NAME})'
        )
    codes = info.voice_codes | {card.name: card.code} if info.voice_codes else {}
    return replace(info, voices=(*info.voices, card.name), voice_codes=codes)


class VoiceShelf:
    """The voices of a model by name, and adapted ones by their folder; those asked for are put on
    the shelf.

    Attributes:
        info: the model's information with the adapted voices added.
        folders: folder -> name of every adapted voice asked for.
    """

    def __init__(self, info: ModelInfo) -> None:
        self.info, self.folders = info, {}

    def name(self, voice: str | None) -> str | None:
        """The name of a voice that was asked for by name or by folder; an unknown name is passed
        through.

        Raises:
            RequestError: a path without a voice, or a name that two voices share.
            CheckpointError: the voice's card cannot be read.
        """
        if voice is None or voice in self.info.voices:
            return voice
        if not is_voice_folder(voice):
            if os.sep in voice:
                raise RequestError(
                    f"{voice[:80]}: no adapted voice there (no {CARD_NAME}); make "
                    "one with `affecttts adapt`"
                )
            return voice
        folder = Path(voice).resolve()
        if folder not in self.folders:
            card = read_card(folder)
            self.info = with_voice(self.info, card)
            self.folders[folder] = card.name
        return self.folders[folder]
