"""Manifests: JSON lines, one utterance each, paths relative to the manifest.

Rows carry the version of the schema they were written in. Rows without one are of version 1, which
had no licence and no start; every version is read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from affecttts.errors import InputError, RequestError
from codec.atomic import atomic_file
from codec.inputs.door import as_path, open_file
from codec.inputs.fields import is_finite
from codec.inputs.json_text import parse_json

SCHEMA_VERSION = 2
SPLITS = ("train", "valid", "test")
MANIFEST_BYTES = 100_000_000_000
LONGEST_LINE = 1_000_000  # bytes
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Utterance:
    """One row of a manifest."""

    id: str
    path: str  # relative to the manifest
    speaker: str
    seconds: float
    split: str
    language: str = "en"
    text: str | None = None
    text_asr: str | None = None  # a recogniser's hint, no transcript
    ipa: str | None = None
    # seconds: leading silence, one per character of ipa, trailing silence
    durations: tuple[float, ...] | None = None
    offset: float = 0.0  # seconds cut off the start of the timeline of `durations`
    offset_estimated: bool = False
    confidence: float | None = None  # of an aligner in `durations`, 0 to 1
    emotion: str | None = None
    intensity: float = 1.0
    # valence, arousal, dominance in -1..1, scaled by intensity
    vad: tuple[float, float, float] | None = None
    licence: str | None = None  # an SPDX name, or one of licences.yaml
    # seconds into the file where the utterance begins; None: the whole file
    start: float | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS:
            if not check(getattr(self, name)):
                raise ValueError(
                    f"{name} is {str(getattr(self, name))[:60]!r}, which is of the "
                    "wrong type or empty"
                )
        if self.split not in SPLITS:
            raise ValueError(f"split is {self.split!r}, must be one of {SPLITS}")
        if self.seconds <= 0:
            raise ValueError(f"seconds is {self.seconds}, must be positive")
        if self.start is not None and self.start < 0:
            raise ValueError(f"start is {self.start}, must not be negative")
        if self.vad is not None and len(self.vad) != 3:
            raise ValueError("vad needs three numbers: valence, arousal, dominance")
        if self.durations is not None and (
            self.ipa is None or len(self.durations) != len(self.ipa) + 2
        ):
            raise ValueError(
                "durations need one value per character of ipa plus leading and trailing silence"
            )


def _is_text(value: Any) -> bool:
    """Text that can be written out: a file name that is no UTF-8 is none."""
    return isinstance(value, str) and "\0" not in value and not SURROGATE.search(value)


def _is_name(value: Any) -> bool:
    return _is_text(value) and bool(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and is_finite(value)


def _is_sequence(value: Any) -> bool:
    return value is None or isinstance(value, tuple) and all(map(_is_number, value))


_CHECK_OF_TYPE = {
    "str": _is_name,
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "str | None": lambda value: value is None or _is_text(value),
    "float | None": lambda value: value is None or _is_number(value),
    "tuple[float, ...] | None": _is_sequence,
    "tuple[float, float, float] | None": _is_sequence,
}
_CHECKS = tuple((field.name, _CHECK_OF_TYPE[str(field.type)]) for field in fields(Utterance))
_DEFAULTS = {field.name: field.default for field in fields(Utterance)}
_ALWAYS_WRITTEN = {"language"}


@dataclass(frozen=True)
class Row:
    """A line of a manifest and what it says, or why it cannot be read."""

    number: int  # line, counted from 1
    offset: int  # bytes before the line
    size: int  # bytes of the line
    utterance: Utterance | None
    fault: str = ""


def parse_row(line: str | bytes) -> Utterance:
    """One line of a manifest.

    Raises:
        ValueError: no JSON object, an unknown or missing key, a value of the wrong type, a later
            version of the schema.
    """
    values = parse_json(line)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    version = values.pop("schema", 1)
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise ValueError(
            f"schema {version!r} is unknown, this program reads 1 to {SCHEMA_VERSION}; update it"
        )
    if unknown := sorted(set(values) - set(_DEFAULTS)):
        raise ValueError(f"unknown keys {unknown}")
    for name in ("durations", "vad"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    try:
        return Utterance(**values)
    except TypeError as error:
        raise ValueError(str(error).replace("Utterance.__init__() ", "")) from error


def scan_manifest(path: str | Path) -> Iterator[Row]:
    """Yield every line that is not blank, readable or not, without holding more than one.

    Raises:
        RequestError: the file is missing or unreadable.
    """
    try:
        lines = open_file(path, MANIFEST_BYTES)
    except InputError as error:
        raise RequestError(f"{error}; give a JSONL manifest") from error
    offset = 0
    with lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), b""), start=1):
            size, whole = len(line), line.endswith(b"\n") or len(line) < LONGEST_LINE
            while not whole:  # what is left of a line that is too long is passed over
                rest = lines.readline(LONGEST_LINE)
                size, whole = size + len(rest), rest.endswith(b"\n") or len(rest) < LONGEST_LINE
                line = b""
            if size > len(line):
                yield Row(number, offset, size, None, f"longer than {LONGEST_LINE} bytes")
            elif line.strip():
                yield _row(number, offset, line)
            offset += size


def _row(number: int, offset: int, line: bytes) -> Row:
    try:
        return Row(number, offset, len(line), parse_row(line))
    except (ValueError, ArithmeticError) as error:
        return Row(number, offset, len(line), None, str(error))


def read_manifest(path: str | Path) -> Iterator[Utterance]:
    """Yield the rows of a manifest.

    Raises:
        RequestError: file missing, or a line that does not fit the schema; the message gives the
            line number.
    """
    for row in scan_manifest(path):
        yield sound(row, path)


def sound(row: Row, path: str | Path) -> Utterance:
    """The utterance of a row of the manifest `path`.

    Raises:
        RequestError: it has none; the message gives the line number.
    """
    if row.utterance is None:
        raise RequestError(f"{path}:{row.number}: {row.fault}")
    return row.utterance


def format_row(utterance: Utterance) -> str:
    """One line, without its end; most values that are defaults are left out."""
    values = {name: getattr(utterance, name) for name in _DEFAULTS}
    kept = {
        name: value
        for name, value in values.items()
        if value != _DEFAULTS[name] or name in _ALWAYS_WRITTEN
    }
    return json.dumps({"schema": SCHEMA_VERSION, **kept}, ensure_ascii=False)


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> int:
    """Write rows as they come, under a temporary name until the last; returns how many."""
    count = 0
    with atomic_file(as_path(path)) as temporary, open(temporary, "w", encoding="utf-8") as file:
        for utterance in utterances:
            file.write(format_row(utterance) + "\n")
            count += 1
    return count


def audio_path(manifest: str | Path, utterance: Utterance) -> Path:
    """Where the utterance's audio file lies."""
    return Path(manifest).parent / utterance.path


def moved(utterance: Utterance, source: str | Path, target: str | Path) -> Utterance:
    """The same row for a manifest at another place."""
    return replace(
        utterance, path=os.path.relpath(audio_path(source, utterance), Path(target).parent)
    )
