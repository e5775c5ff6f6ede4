"""Results of long work, one JSON line each, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError
from codec.atomic import append_line, sweep, whole_lines


class Journal:
    """A JSONL file whose first line says what the results are of; the others hold one result each,
    by key.

    Attributes:
        done: key -> result, of this run and those before it.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """Open or go on; what a kill left in the folder, such as half a line, is dropped.

        Raises:
            RequestError: the file holds results with other settings.
        """
        self.path = path
        head = json.dumps(settings, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        lines = whole_lines(path)
        if not lines:
            append_line(path, head)
        elif lines[0] != head:
            raise RequestError(
                f"{path}: holds results of another request; give another folder or remove this one"
            )
        self.done = _results(lines[1:])

    def add(self, key: str, result: Any) -> None:
        """Keep one result, on disk at once."""
        append_line(self.path, json.dumps({"key": key, "result": result}, ensure_ascii=False))
        self.done[key] = result


def read_journal(path: Path) -> dict[str, Any]:
    """Results by key, whatever they are of."""
    text = path.read_text(encoding="utf-8")
    return _results(text[: text.rfind("\n") + 1].split("\n")[1:-1])


def _results(lines: list[str]) -> dict[str, Any]:
    """By key; the last one of a key counts."""
    items = map(json.loads, lines)
    return {item["key"]: item["result"] for item in items}
