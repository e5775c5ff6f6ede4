"""Input of an adaptation: a folder of audio with or without transcripts, or a table of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affecttts.data.tables import TableRow, read_rows
from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import InputError, RequestError
from codec.inputs.door import TABLE_BYTES, read_text
from codec.inputs.sound import AUDIO_SUFFIXES

TABLE_SUFFIXES = {".csv", ".tsv", ".jsonl"}
PATH_KEYS = ("path", "file", "file_name", "audio", "audio_path", "wav")
TEXT_KEYS = ("text", "transcript", "transcription", "sentence")


@dataclass(frozen=True)
class Recording:
    """One file, with what is known of it."""

    path: Path
    text: str | None = None
    emotion: str | None = None
    intensity: float = 1.0
    language: str | None = None
    start: float | None = None  # seconds into the file; None: the whole file
    seconds: float | None = None  # with start


def gather(source: str | Path) -> list[Recording]:
    """Find the recordings, sorted by path.

    Args:
        source: a folder (audio files at any depth; NAME.txt beside NAME.wav is its transcript; a
            table named metadata.csv, .tsv or .jsonl replaces all of that), a table, or a single
            audio file.

    Raises:
        RequestError: there is no audio, or a table that does not fit.
        InputError: something cannot be read.
    """
    source = Path(source)
    if source.is_dir():
        tables = [source / f"metadata{suffix}" for suffix in sorted(TABLE_SUFFIXES)]
        found = next((table for table in tables if table.is_file()), None)
        recordings = (
            _read_table(found) if found else [_from_file(path) for path in _audio_files(source)]
        )
    elif source.suffix.lower() in TABLE_SUFFIXES and source.is_file():
        recordings = _read_table(source)
    elif source.is_file():
        recordings = [_from_file(source)]
    else:
        raise InputError(
            f"{source}: no such file or folder; give a folder of audio, or a CSV or "
            "JSONL table of files"
        )
    if not recordings:
        known = ", ".join(sorted(AUDIO_SUFFIXES))
        raise RequestError(
            f"{source}: no audio found; give a folder with {known} files, or a "
            "table that names some"
        )
    return sorted(recordings, key=lambda one: (str(one.path), one.start or 0.0))


def _audio_files(folder: Path) -> Iterator[Path]:
    return (
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file() and not p.name.startswith(".")
    )


def _from_file(path: Path) -> Recording:
    beside = path.with_suffix(".txt")
    return Recording(path, read_text(beside).strip() or None if beside.exists() else None)


def _read_table(path: Path) -> list[Recording]:
    try:
        rows = list(read_rows(read_text(path, TABLE_BYTES), path.suffix.lower()))
    except ValueError as error:
        raise RequestError(f"{path}: {error}") from error
    named = {name.lower() for row in rows for name in row.values}
    lines = path.suffix.lower() == ".jsonl" or any(row.fault for row in rows)
    if not lines and not named & set(PATH_KEYS):
        raise RequestError(
            f"{path}: the first line must name the columns, one of them "
            f"{' or '.join(PATH_KEYS[:2])}; they are {', '.join(sorted(named))[:80]}"
        )
    return [_from_row(row, path) for row in rows]


def _from_row(row: TableRow, table: Path) -> Recording:
    """A row's recording; columns that mean nothing here are left alone."""
    try:
        if row.fault:
            raise RequestError(row.fault)
        values = row.lowered()
        name, text = (
            next((_text(values, key) for key in keys if key in values), None)
            for keys in (PATH_KEYS, TEXT_KEYS)
        )
        if not name:
            raise RequestError(f"names no file; give one under {' or '.join(PATH_KEYS[:2])}")
        emotion, intensity = _emotion(values)
        start, seconds = _number(values, "start"), _number(values, "seconds")
        if (start is None) != (seconds is None) and start is not None:
            raise RequestError("start without seconds")
        return Recording(
            table.parent / name,
            text or None,
            emotion,
            intensity,
            _text(values, "language"),
            start,
            seconds if start is not None else None,
        )
    except RequestError as error:
        raise RequestError(f"{table}:{row.line}: {error}") from error


def _emotion(values: dict[str, Any]) -> tuple[str | None, float]:
    """The emotion's tag, by id or alias in any case, and its strength."""
    if "emotion" not in values:
        if "intensity" in values and _number(values, "intensity") != 1:
            raise RequestError("an intensity without an emotion; name the emotion too")
        return None, 1.0
    spec = EmotionSpec.parse(_text(values, "emotion"), values.get("intensity"))
    return spec.tag, spec.intensity


def _text(values: dict[str, Any], key: str) -> str | None:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{key} is {value!r:.40}, must be text")
    return None if value is None else value.strip()


def _number(values: dict[str, Any], key: str) -> float | None:
    try:
        number = None if key not in values else float(values[key])
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if number is not None and not 0 <= number < 1e9:
        raise RequestError(f"{key} is {values[key]!r:.40}, must be a number of seconds, or plain")
    return number


def check_emotions(recordings: list[Recording], known: Sequence[str]) -> None:
    """Refuse emotions that the model does not know.

    Raises:
        RequestError: a recording has one that is not `known`.
    """
    for recording in recordings:
        if recording.emotion and recording.emotion not in known:
            raise RequestError(
                f"{recording.path.name}: the model was not trained on {recording.emotion!r}; "
                f"it knows: {', '.join(known)}"
            )
