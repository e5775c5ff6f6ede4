"""Any folder: a table that names the files, or the folders themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from affecttts.data.corpora.reading import Reading, Source, read_text, table_rows
from affecttts.data.corpora.spec import Corpus
from affecttts.errors import RequestError

TABLE_NAMES = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.json")
TEXT_SUFFIXES = (".txt", ".lab", ".normalized.txt")
COLUMNS = {
    "path": ("path", "file", "file_name", "filename", "audio", "wav", "audio_file"),
    "text": ("text", "transcript", "transcription", "sentence", "normalized_text"),
    "speaker": ("speaker", "speaker_id", "spk", "voice"),
    "label": ("emotion", "label", "style"),
    **{
        name: (name,)
        for name in ("id", "language", "split", "intensity", "valence", "arousal", "dominance")
    },
    **{name: (name,) for name in ("start", "seconds", "licence")},
}


def read_folder(corpus: Corpus, root: Path, reading: Reading) -> Iterator[Source]:
    """The rows of the table, or every audio file below the folder."""
    table = reading.table or next(
        (root / name for name in TABLE_NAMES if (root / name).is_file()), None
    )
    return _read_rows(table, root, reading) if table else _read_tree(corpus, root, reading)


def _read_rows(table: Path, root: Path, reading: Reading) -> Iterator[Source]:
    """
    Raises:
        RequestError: a table without a column of paths.
    """
    some = False
    for row in table_rows(table):
        where = Path(f"{table}:{row.line}")
        if row.fault:
            yield Source(where, {}, f"table row: {row.fault}")
            continue
        fields, values = {}, row.lowered()
        for field, names in COLUMNS.items():
            if name := next((name for name in names if name in values), None):
                fields[field] = str(values[name]).strip("\ufeff \t")
        if not fields.get("path"):
            named = {name.lower() for name in row.values}
            if not some and not named & set(COLUMNS["path"]):
                raise RequestError(
                    f"{table}:{row.line}: no path; name a column one of "
                    f"{', '.join(COLUMNS['path'])}"
                )
            yield Source(where, {}, "table row: no path")
            continue
        some = True
        path = root / fields.pop("path")
        place = {"stem": path.stem, "folder": str(path.parent), "root": str(root)}
        yield _source(path, {"speaker": reading.speaker, **place, **fields})


def _source(path: Path, fields: dict[str, str]) -> Source:
    if "start" in fields and "id" not in fields:  # parts of one file are utterances of their own
        fields = fields | {"id": f"{fields['stem']}_{fields['start']}"}
    try:
        start, seconds = (
            float(fields[name]) if name in fields else None for name in ("start", "seconds")
        )
    except ValueError:
        return Source(path, fields, "start or seconds is no number")
    if start is not None and seconds is None:
        return Source(path, fields, "start without seconds")
    return Source(path, fields, "", start, seconds)


def _read_tree(corpus: Corpus, root: Path, reading: Reading) -> Iterator[Source]:
    """SPEAKER/EMOTION/FILE, SPEAKER/FILE, EMOTION/FILE or FILE: a folder is an emotion where the
    labels know its name.
    """
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in reading.extensions and not name.startswith("._"):
                parts = path.relative_to(root).parts[:-1]
                labels = [part for part in parts if corpus.label(part)]
                speakers = [part for part in parts if not corpus.label(part)]
                fields = {
                    "stem": path.stem,
                    "folder": folder,
                    "root": str(root),
                    "id": "_".join([*parts, path.stem]),
                }
                fields |= {"speaker": "_".join(speakers) or reading.speaker} | (
                    {"label": labels[-1]} if labels else {}
                )
                yield Source(path, fields | _text_beside(path))


def _text_beside(path: Path) -> dict[str, str]:
    for suffix in TEXT_SUFFIXES:
        if path.with_suffix(suffix).is_file():
            return {"text": read_text(path.with_suffix(suffix), ("utf-8",))}
    return {}
