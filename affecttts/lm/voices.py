"""Codes of voices as files: voices.json beside code shards and in an LM folder.

A code is written as two hexadecimal digits a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError
from codec.errors import CheckpointError
from codec.files import read_json, write_json
from codec.inputs.door import RECORD_BYTES

NAME = "voices.json"


@dataclass(frozen=True)
class VoiceCodes:
    """Codes of named voices."""

    speaker_encoder: str = ""  # fingerprint of what made them
    # name -> its code (of the mean over many clips), then those of single clips, if any
    codes: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> tuple[bytes, ...]:
        """All codes of a voice, that of the mean first.

        Raises:
            RequestError: there is no such voice.
        """
        if name not in self.codes:
            raise RequestError(
                f"the voice {name!r} has no code; make those of all manifests by "
                "recipes/encode_voices.py"
            )
        return self.codes[name]

    @property
    def means(self) -> dict[str, bytes]:
        """The one code that a name stands for."""
        return {name: codes[0] for name, codes in self.codes.items()}

    def only(self, names: Iterable[str]) -> VoiceCodes:
        """Some of the voices, by the codes of their means alone.

        Raises:
            RequestError: one is not there.
        """
        return VoiceCodes(self.speaker_encoder, {name: self[name][:1] for name in names})

    def save(self, path: Path) -> None:
        """Write a file."""
        voices = {
            name: " ".join(code.hex() for code in codes) for name, codes in self.codes.items()
        }
        write_json(path, {"speaker_encoder": self.speaker_encoder, "voices": voices})

    @classmethod
    def load(cls, path: Path) -> VoiceCodes:
        """Read a file.

        Raises:
            CheckpointError: missing, or no such file.
        """
        values = read_json(path, RECORD_BYTES)
        try:
            voices = {name: _codes(text) for name, text in values["voices"].items()}
            if not isinstance(values["speaker_encoder"], str):
                raise ValueError("speaker_encoder is no text")
            return cls(values["speaker_encoder"], voices)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"{path}: no codes of voices ({str(error)[:100]})") from error


def _codes(text: Any) -> tuple[bytes, ...]:
    codes = tuple(bytes.fromhex(word) for word in text.split())
    if not codes or not all(codes):
        raise ValueError("a voice without a code")
    return codes
