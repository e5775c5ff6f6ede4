"""Batch files: JSON lines, one thing to say each: id, text and, where wanted, emotion, intensity,
voice, seed, prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affecttts.errors import InputError, RequestError

ITEM_KEYS = {"id", "text", "emotion", "intensity", "voice", "seed", "prompt"}
_KINDS = {
    "text": str,
    "emotion": str,
    "voice": str,
    "prompt": str,
    "seed": int,
    "intensity": (int, float),
}


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number and text of every line that is not blank. Lines end at line feeds alone: JSON strings
    may hold other separators.

    Raises:
        InputError: missing, unreadable or no UTF-8.
        RequestError: there is none.
    """
    try:
        lines = Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a JSONL file") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    if not any(line.strip() for line in lines):
        raise RequestError(f"{path}: no items; write one JSON object a line")
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def parse_item(line: str) -> tuple[str, dict[str, Any]]:
    """One line -> its id and what to say, as `prepare` takes it.

    Raises:
        RequestError: no JSON, no object, unknown or missing keys.
    """
    values = _parse(line)
    if not isinstance(values, dict) or set(values) - ITEM_KEYS or not {"id", "text"} <= set(values):
        raise RequestError(
            "an item is an object with id and text, and may have "
            f"{sorted(ITEM_KEYS - {'id', 'text'})}"
        )
    return str(values.pop("id")), values


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
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
            f"id {name!r} must be letters, digits, spaces, '-', '_' and '.', and not start with '.'"
        )
    if name.lower() in seen:
        raise RequestError(f"id {name!r} comes twice")
    seen.add(name.lower())


def check_types(values: dict[str, Any]) -> None:
    """Refuse values of the wrong type.

    Raises:
        RequestError: there is one.
    """
    for key, value in values.items():
        if (value is not None or key == "text") and (
            not isinstance(value, _KINDS[key]) or isinstance(value, bool)
        ):
            raise RequestError(f"{key} is {value!r}, which is of the wrong type")
