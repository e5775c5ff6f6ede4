"""The one door for JSON: bounded in size and depth, and no text that cannot be written out."""

from __future__ import annotations

import json
import os
from typing import Any

from codec.inputs.door import JSON_BYTES, read_text

MAX_DEPTH = 64


def parse_json(data: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: no JSON, nested too deeply, or a string with a lone surrogate or NUL, which
            neither a file nor a terminal takes.
    """
    if not isinstance(data, str | bytes):
        raise ValueError(f"a text is wanted, not {type(data).__name__}")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 ({error.reason} at byte {error.start})") from None
    # Only where there are so many brackets, or escapes, can there be something to refuse.
    if text.count("[") + text.count("{") > MAX_DEPTH or "\\u" in text:
        _check(value)
    return value


def check_text(text: str) -> None:
    """Raises:
    ValueError: the text holds a lone surrogate or NUL.
    """
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"{text[:40]!r} holds NUL or a lone surrogate, which is no text")


def _check(value: Any) -> None:
    """Walk all values, without recursion."""
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, str):
            if not part.isprintable():
                check_text(part)
        elif isinstance(part, (dict, list)):
            if depth > MAX_DEPTH:
                raise ValueError(f"nested more than {MAX_DEPTH} deep")
            inner = (*part, *part.values()) if isinstance(part, dict) else part
            waiting += [(each, depth + 1) for each in inner]


def read_json(path: str | os.PathLike[str], limit: int = JSON_BYTES) -> Any:
    """The value of a JSON file.

    Raises:
        InputError: missing, unreadable, no regular file, or too large.
        ValueError: see `parse_json`; the message does not name the file.
    """
    return parse_json(read_text(path, limit))
