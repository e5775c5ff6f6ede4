"""Recipe configs: YAML files, one of which may include others, and single values set from the
shell, read into frozen dataclasses and checked to the leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from affecttts.errors import RequestError
from affecttts.training.schema import build
from codec.inputs.door import read_text

T = TypeVar("T")


def load_config(cls: type[T], path: str | Path | None, overrides: list[str]) -> T:
    """Read a YAML file (None: all defaults), apply overrides, build `cls` (see `schema.build`).

    A file may name others under `include`, one or a list; later ones win, its own keys last, and
    mappings are joined key by key. An override is `key=value` or `group.key=value`, the value in
    YAML; one that is a mapping replaces the whole group.

    Raises:
        RequestError: unreadable file, unknown key at any depth, value of the wrong type, malformed
            override.
    """
    values = _read(Path(path), ()) if path else {}
    for override in overrides:
        _override(values, override)
    try:
        return build(cls, values)
    except ValueError as error:
        raise RequestError(f"{path or 'settings'}: {error}") from error


def describe(config: Any) -> dict[str, Any]:
    """A config as plain values for JSON."""
    return asdict(config)


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Second over first, mappings joined key by key."""
    both = {
        key: merged(first[key], value)
        if isinstance(value, Mapping) and isinstance(first.get(key), Mapping)
        else value
        for key, value in second.items()
    }
    return {**first, **both}


def _override(values: dict[str, Any], override: str) -> None:
    import yaml

    path, separator, text = override.partition("=")
    if not separator:
        raise RequestError(f"--set {override!r}: write key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequestError(f"--set {override!r}: {text!r} is not YAML") from error
    *groups, last = path.split(".")
    for group in groups:
        if values.get(group) is None:
            values[group] = {}
        values = values[group]
        if not isinstance(values, dict):
            raise RequestError(f"--set {override!r}: {group} is no group of values")
    values[last] = value


def _read(path: Path, including: tuple[Path, ...]) -> dict[str, Any]:
    """A file's values over those of the files that it includes."""
    import yaml

    path = path.resolve()
    if path in including:
        raise RequestError(f"{path}: includes itself")
    try:
        values = yaml.safe_load(read_text(path)) or {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RequestError(f"{path}: cannot read the config ({error})") from error
    if not isinstance(values, dict):
        raise RequestError(f"{path}: a config is a mapping of keys to values")
    names = values.pop("include", None) or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestError(f"{path}: include is {names!r}, must be the name of a file or a list")
    below: dict[str, Any] = {}
    for name in names:
        below = merged(below, _read(path.parent / name, (*including, path)))
    return merged(below, values)
