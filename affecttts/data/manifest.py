"""Manifests: JSON lines, one utterance each, paths relative to the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from affecttts.errors import RequestError

SPLITS = ("train", "valid", "test")


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
    durations: tuple[float, ...] | None = None  # seconds: leading silence, one per character of ipa, trailing silence
    offset: float = 0.0  # seconds cut off the start of the timeline of `durations`
    offset_estimated: bool = False
    emotion: str | None = None
    intensity: float = 1.0
    vad: tuple[float, float, float] | None = None  # valence, arousal, dominance in -1..1

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"split is {self.split!r}, must be one of {SPLITS}")
        if self.durations is not None and (self.ipa is None or len(self.durations) != len(self.ipa) + 2):
            raise ValueError("durations need one value per character of ipa plus leading and trailing silence")


def read_manifest(path: str | Path) -> Iterator[Utterance]:
    """Yield the rows of a manifest.

    Raises:
        RequestError: file missing, or a line that does not fit the schema; the message gives the line number.
    """
    path = Path(path)
    known = {field.name for field in fields(Utterance)}
    try:
        lines = path.open(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path}: cannot read the manifest ({error.strerror})") from error
    with lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _parse(line, f"{path}:{number}", known)


def _parse(line: str, where: str, known: set[str]) -> Utterance:
    try:
        values = json.loads(line)
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown keys {unknown}")
        for name in ("durations", "vad"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return Utterance(**values)
    except (ValueError, TypeError) as error:
        raise RequestError(f"{where}: {error}") from error
