"""Recipe configs: YAML files read into typed dataclasses, unknown keys refused, single values set from the shell."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from affecttts.errors import RequestError
from codec.config import from_dict

T = TypeVar("T")


def load_config(cls: type[T], path: str | Path, overrides: list[str]) -> T:
    """Read a YAML file, apply `key=value` overrides (values in YAML), build `cls`.

    A file may name another one under `include`; its own keys win.

    Raises:
        RequestError: unreadable file, unknown key, malformed override.
    """
    import yaml

    values = _read(Path(path))
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise RequestError(f"--set {override!r}: write key=value")
        values[key] = yaml.safe_load(value)
    try:
        return from_dict(cls, values)
    except ValueError as error:
        raise RequestError(f"{path}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise RequestError(f"{path}: cannot read the config ({error})") from error
    include = values.pop("include", None)
    return {**(_read(path.parent / include) if include else {}), **values}


def describe(config: Any) -> dict[str, Any]:
    """A config as plain values for JSON."""
    return asdict(config)
