"""Recipe configs: YAML files read into typed dataclasses, unknown keys refused, single values set
from the shell.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from affecttts.errors import RequestError
from codec.config import from_dict

T = TypeVar("T")


def load_config(cls: type[T], path: str | Path | None, overrides: list[str]) -> T:
    """Read a YAML file (None: all defaults), apply `key=value` overrides (values in YAML), build
    `cls`.

    A file may name another one under `include`; its own keys win.

    Raises:
        RequestError: unreadable file, unknown key, malformed override.
    """
    import yaml

    values = _read(Path(path)) if path else {}
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise RequestError(f"--set {override!r}: write key=value")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RequestError(f"--set {override!r}: {value!r} is not YAML") from error
    try:
        return from_dict(cls, _mended(cls, values))
    except ValueError as error:
        raise RequestError(f"{path or 'settings'}: {error}") from error


def _mended(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """YAML 1.1 reads 8e-4 as a word and no as false: turn them back where the field is a number or
    a word.
    """
    types = {field.name: field.type for field in fields(cls)}

    def mended(name: str, value: Any) -> Any:
        if types.get(name) in ("float", float) and isinstance(value, str):
            return float(value)
        return "no" if types.get(name) in ("str", str) and value is False else value

    return {name: mended(name, value) for name, value in values.items()}


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise RequestError(f"{path}: cannot read the config ({error})") from error
    if not isinstance(values, dict):
        raise RequestError(f"{path}: a config is a mapping of keys to values")
    include = values.pop("include", None)
    return {**(_read(path.parent / include) if include else {}), **values}


def describe(config: Any) -> dict[str, Any]:
    """A config as plain values for JSON."""
    return asdict(config)
