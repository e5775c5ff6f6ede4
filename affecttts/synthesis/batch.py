"""Batch files: JSON lines, one thing to say each: an id and the settings of a `SpeechRequest`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from affecttts.errors import InputError, RequestError, shown
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.voices import VoiceShelf
from codec.inputs.door import TABLE_BYTES, read_text
from codec.inputs.json_text import parse_json


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number and text of every line that is not blank. Lines end at line feeds alone: JSON strings
    may hold other separators.

    Raises:
        InputError: missing, unreadable or no UTF-8.
        RequestError: there is none.
    """
    try:
        lines = read_text(path, TABLE_BYTES).split("\n")
    except InputError as error:
        raise InputError(f"{error}; give a JSONL file") from error
    if not any(line.strip() for line in lines):
        raise RequestError(f"{path}: no items; write one JSON object a line")
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def parse_item(line: str) -> tuple[str, dict[str, Any]]:
    """One line -> its id and its settings, for `item_request`.

    Raises:
        RequestError: no JSON, no object, or no id.
    """
    values = _parse(line)
    if not isinstance(values, dict) or not isinstance(values.get("id"), str | int):
        raise RequestError(f"an item is an object with an id and a text, not {shown(values)}")
    return str(values.pop("id")), values


def item_request(values: dict[str, Any], shelf: VoiceShelf, **defaults: Any) -> SpeechRequest:
    """Settings of an item -> its request, the voice by its name.

    Args:
        shelf: the model's voices; an adapted one that the item names by its folder is added.
        defaults: settings where the item gives none, or null.

    Raises:
        RequestError: see `SpeechRequest.from_dict` and `VoiceShelf.name`.
        CheckpointError: the card of an adapted voice cannot be read.
    """
    given = {name: value for name, value in values.items() if value is not None}
    request = SpeechRequest.from_dict(defaults | given)
    return replace(request, voice=shelf.name(request.voice))


def _parse(line: str) -> Any:
    try:
        return parse_json(line)
    except ValueError as error:
        raise RequestError(f"not JSON that can be read ({str(error)[:100]})") from error


def check_id(name: str, seen: set[str]) -> None:
    """Refuse an id that cannot name a file or came before, and remember it.

    Raises:
        RequestError: it is no plain name, or comes twice.
    """
    if (
        not name
        or not all(char.isalnum() or char in "-_. " for char in name)
        or name.startswith(".")
    ):
        raise RequestError(
            f"id {shown(name)} must be letters, digits, spaces, '-', '_' and '.', and not start "
            "with '.'"
        )
    if name.lower() in seen:
        raise RequestError(f"id {shown(name)} comes twice")
    seen.add(name.lower())
