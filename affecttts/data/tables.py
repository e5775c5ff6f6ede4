"""Tables of strangers, row by row: CSV in its several shapes, JSON and JSON lines. Every line is a
row of its own, or a fault that names it; none is lost.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from codec.inputs.json_text import check_text, parse_json

DELIMITERS = "|\t;,"  # of equally frequent ones the first
QUOTING = ",;"  # delimiters of tables in which a field in quotes may hold anything
MAX_LINES = 200  # of one row


@dataclass(frozen=True)
class TableRow:
    """One row, or why there is none."""

    line: int  # where it begins, counted from 1
    values: dict[str, Any] = field(default_factory=dict)  # by column
    fault: str = ""

    def lowered(self) -> dict[str, Any]:
        """The values by column in lower case, without those that are empty."""
        return {n.lower(): v for n, v in self.values.items() if v is not None and v != ""}


def read_rows(text: str, suffix: str) -> Iterator[TableRow]:
    """Rows of the text of a table; the suffix of its file says what it is: .jsonl, .json, or a CSV
    with a line of names and any of `DELIMITERS`.

    Raises:
        ValueError: a JSON table that is none as a whole.
    """
    if suffix == ".jsonl":
        return _json_lines(text)
    return _json_rows(text) if suffix == ".json" else _csv_rows(text, suffix)


def _json_lines(text: str) -> Iterator[TableRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _object(number, parse_json(line))
            except ValueError as error:
                yield TableRow(number, fault=f"not JSON ({str(error)[:100]})")


def _json_rows(text: str) -> Iterator[TableRow]:
    rows = parse_json(text)
    if not isinstance(rows, list):
        raise ValueError("not a list of objects")
    yield from (_object(number, row) for number, row in enumerate(rows, start=1))


def _object(number: int, row: Any) -> TableRow:
    if not isinstance(row, dict):
        return TableRow(number, fault="not an object")
    return TableRow(number, {name.strip(): value for name, value in row.items()})


def delimiter_of(header: str, suffix: str = "") -> str:
    """What divides the fields of a table whose first line is `header`."""
    return "\t" if suffix == ".tsv" else max(DELIMITERS, key=header.count)


def _csv_rows(text: str, suffix: str) -> Iterator[TableRow]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    delimiter = delimiter_of(lines[first], suffix)
    rows = (_quoted if delimiter in QUOTING else _plain)(lines, first, delimiter)
    _, names, fault = next(rows)
    names = [name.strip() for name in names]
    if fault or len({n.lower() for n in names if n}) < len([n for n in names if n]):
        yield TableRow(first + 1, fault=fault or "a column has the name of another")
        return
    for number, fields, fault in rows:
        if not fault and len(fields) > len(names) and any(f.strip() for f in fields[len(names) :]):
            fault = (
                f"{len(fields)} fields for {len(names)} columns; put a text that holds "
                f"{delimiter!r} in double quotes"
            )
        values = {n: value.strip("\ufeff \t") for n, value in zip(names, fields) if n}
        yield TableRow(number, {} if fault else values, fault)


Fields = tuple[int, list[str], str]


def _quoted(lines: list[str], first: int, delimiter: str) -> Iterator[Fields]:
    """Rows whose fields may be in quotes, over several lines if need be. Where no row can be made
    of the lines from a quote on, the first of them is a fault and the next begins a row.
    """
    place, columns = first, lines[first].count(delimiter)
    while place < len(lines):
        if not lines[place].strip():
            place += 1
            continue
        fields, fault, end = _row_at(lines, place, delimiter, columns)
        yield place + 1, fields, fault
        place = end


def _row_at(
    lines: list[str], place: int, delimiter: str, columns: int
) -> tuple[list[str], str, int]:
    """Fields or fault of the row that begins at a line, and the line behind it."""
    for end in range(place + 1, min(len(lines), place + MAX_LINES) + 1):
        last = lines[end - 1]
        if end > place + 1 and '"' not in last:
            continue  # the quote is still open
        try:
            check_text(last)
            fields = _fields(lines[place:end], delimiter)
        except (csv.Error, ValueError) as error:
            if "unexpected end of data" in str(error):
                continue
            return [], f"not a row ({error})", place + 1
        if any(line.count(delimiter) == columns for line in lines[place + 1 : end]):
            return [], "a quote that is open over lines that look like rows", place + 1
        return fields, "", end
    return [], "a quote that is never closed", place + 1


def _fields(lines: list[str], delimiter: str) -> list[str]:
    """The fields of one row that has these lines."""
    parts = [line + "\n" for line in lines[:-1]] + lines[-1:]
    rows = list(csv.reader(parts, delimiter=delimiter, strict=True, skipinitialspace=True))
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows where one was to be")
    return rows[0]


def _plain(lines: list[str], first: int, delimiter: str) -> Iterator[Fields]:
    """Rows of one line each; quotes are taken off where they stand around a whole field."""
    for number, line in enumerate(lines[first:], start=first + 1):
        if line.strip():
            fields = [_unquoted(part) for part in line.split(delimiter)]
            fault = "it holds NUL" if "\0" in line else ""
            yield number, fields, fault


def _unquoted(part: str) -> str:
    stripped = part.strip()
    inner = stripped[1:-1]
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        if '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return part
