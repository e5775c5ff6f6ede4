"""The files of a corpus as rows of named fields, by the patterns of its table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from affecttts.data.corpora.spec import Corpus, TextTable, path_pattern
from affecttts.data.tables import TableRow, read_rows
from affecttts.errors import InputError, RequestError
from codec.inputs.door import TABLE_BYTES, read_bytes
from codec.inputs.sound import AUDIO_SUFFIXES

SEVERAL = "several"  # the label of rows whose votes are equal


@dataclass(frozen=True)
class Source:
    """One utterance of a corpus: an audio file and what the corpus says of it."""

    path: Path
    fields: dict[str, str]
    fault: str = ""  # why it cannot become a row
    start: float | None = None
    seconds: float | None = None  # with start


@dataclass(frozen=True)
class Reading:
    """What `--table` and the like add for a folder of one's own."""

    table: Path | None = None
    speaker: str = "speaker"
    extensions: tuple[str, ...] = AUDIO_SUFFIXES


def read_files(corpus: Corpus, root: Path, _: Reading) -> Iterator[Source]:
    """Every audio file that fits the corpus's pattern, in the order of the paths."""
    tables = [(table, read_table(root, table)) for table in corpus.tables]
    for path, fields in matching_files(root, corpus.files):
        key, fault = corpus.key.format_map(fields), ""
        for table, rows in tables:
            if key in rows:
                fields |= rows[key]
            elif table.required:
                fault = "not in the label table"
        if key in corpus.texts:
            fields.setdefault("text", corpus.texts[key])
        if corpus.text_file and "text" not in fields:
            fields |= _text_beside(Path(corpus.text_file.format_map(fields)))
        yield Source(path, fields, fault)


def _text_beside(path: Path) -> dict[str, str]:
    return {"text": read_text(path, ("utf-8",))} if path.is_file() else {}


def matching_files(root: Path, pattern: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Files below root whose path fits, with the pattern's groups and stem, folder and root (where
    the pattern starts).
    """
    compiled = path_pattern(pattern)
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if not name.startswith("._") and (match := compiled.search(relative)):
                groups = {
                    name: value for name, value in match.groupdict().items() if value is not None
                }
                start = root / relative[: match.start("_whole")]
                groups.pop("_whole")
                yield path, {"stem": path.stem, "folder": folder, "root": str(start), **groups}


# -- tables
def read_table(root: Path, table: TextTable) -> dict[str, dict[str, str]]:
    """Fields of every row of a table's files, by key.

    Raises:
        RequestError: a file that cannot be read.
    """
    rows: dict[str, dict[str, str]] = {}
    for path, found in matching_files(root, table.files):
        from_path = {
            name: value for name, value in found.items() if name not in ("stem", "folder", "root")
        }
        for fields in _table_rows(path, table):
            fields = from_path | fields
            if "key" in fields:
                rows.setdefault(fields.pop("key"), {}).update(fields)
    return rows


def _table_rows(path: Path, table: TextTable) -> Iterator[dict[str, str]]:
    if table.line is None:
        yield from (_renamed(record, table) for record in read_records(path, table.encodings))
        return
    line_pattern = re.compile(table.line)
    for line in read_text(path, table.encodings).split("\n"):
        if match := line_pattern.fullmatch(line.strip()):
            yield {name: value.strip() for name, value in match.groupdict().items()}


def _renamed(record: dict[str, str], table: TextTable) -> dict[str, str]:
    fields = {new: record[old] for old, new in table.columns.items() if record.get(old)}
    if table.votes:
        votes = {name: float(record.get(name) or 0) for name in table.votes}
        fields["label"] = winner(votes)
    return fields


def winner(votes: dict[str, float]) -> str:
    """The name with the most votes, `SEVERAL` where more than one has them."""
    most = max(votes.values())
    first, *others = (name for name, count in votes.items() if count == most)
    return SEVERAL if others else first


def read_records(path: Path, encodings: tuple[str, ...] = ("utf-8",)) -> Iterator[dict[str, str]]:
    """Rows of a CSV, TSV, JSON or JSONL file as texts by column.

    Raises:
        RequestError: unreadable, or not of that form; the message gives the line.
    """
    for row in table_rows(path, encodings):
        if row.fault:
            raise RequestError(f"{path}:{row.line}: {row.fault}")
        yield {
            name: str(value).strip("\ufeff \t")
            for name, value in row.values.items()
            if value is not None
        }


def table_rows(path: Path, encodings: tuple[str, ...] = ("utf-8",)) -> Iterator[TableRow]:
    """Rows of a table, those that cannot be read among them.

    Raises:
        RequestError: the file as a whole is unreadable, or not of that form.
    """
    try:
        yield from read_rows(read_text(path, encodings), path.suffix.lower())
    except (ValueError, AttributeError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{path}: not a table that can be read ({error})") from error


def read_text(path: Path, encodings: tuple[str, ...]) -> str:
    """A text file, in UTF-16 where it has the mark, else in the first encoding that fits.

    Raises:
        RequestError: unreadable, or in no such encoding.
    """
    try:
        data = read_bytes(path, TABLE_BYTES)
    except InputError as error:
        raise RequestError(str(error)) from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16",)
    for encoding in encodings:
        try:
            return data.decode(encoding).removeprefix("\ufeff").rstrip()
        except UnicodeDecodeError:
            continue
    raise RequestError(f"{path}: not text in {' or '.join(encodings)}; save it as UTF-8")
