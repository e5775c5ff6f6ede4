"""Input of an adaptation: a folder of audio with or without transcripts, or a table of files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import InputError, RequestError

AUDIO_SUFFIXES = {
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".au",
    ".caf",
    ".w64",
}
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
    return sorted(recordings, key=lambda recording: str(recording.path))


def _audio_files(folder: Path) -> Iterator[Path]:
    return (
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file() and not p.name.startswith(".")
    )


def _from_file(path: Path) -> Recording:
    beside = path.with_suffix(".txt")
    return Recording(path, _read_text(beside).strip() or None if beside.is_file() else None)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error


def _read_table(path: Path) -> list[Recording]:
    rows = _jsonl_rows(path) if path.suffix.lower() == ".jsonl" else _csv_rows(path)
    return [_from_row(row, path, number) for number, row in rows]


def _jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise RequestError(f"{path}:{number}: not JSON ({error})") from error
            yield number, row


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    text = _read_text(path)
    header = text.partition("\n")[0]
    delimiter = max("|\t;,", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not set(reader.fieldnames or ()) & set(PATH_KEYS):
        wanted = " or ".join(PATH_KEYS[:2])
        raise RequestError(
            f"{path}: the first line must name the columns, one of them {wanted}; "
            f"it is {header[:80]!r}"
        )
    yield from enumerate(reader, start=2)


def _from_row(row: Any, table: Path, number: int) -> Recording:
    """A row's recording; columns that mean nothing here are left alone."""
    try:
        if not isinstance(row, dict):
            raise RequestError("not an object")
        name = next((row[key] for key in PATH_KEYS if row.get(key)), None)
        if not isinstance(name, str):
            raise RequestError(f"names no file; give one under {' or '.join(PATH_KEYS[:2])}")
        values = {
            field.name: row[field.name]
            for field in fields(Recording)[2:]
            if row.get(field.name) not in (None, "")
        }
        if "emotion" in values:
            spec = EmotionSpec.parse(values["emotion"], values.get("intensity"))
            values |= {"emotion": spec.tag, "intensity": spec.intensity}
        text = next((row[key] for key in TEXT_KEYS if row.get(key)), None)
        return Recording(
            table.parent / name, text.strip() if isinstance(text, str) else None, **values
        )
    except RequestError as error:
        raise RequestError(f"{table}:{number}: {error}") from error


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
