"""Types of a dataclass's values, checked against its annotations."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def check_fields(instance: Any) -> None:
    """Compare every value of a dataclass with its annotation; a whole number stands for a float.

    Raises:
        ValueError: a value of another type, or a number that is not finite; the message names it.
    """
    hints = _hints(type(instance))
    for field in fields(instance):
        value = getattr(instance, field.name)
        if not _fits(value, hints[field.name]):
            wanted = str(field.type).replace("typing.", "")
            raise ValueError(f"{field.name} is {str(value)[:60]!r}, must be {wanted}")


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is tuple:
        return isinstance(value, tuple) and _all_fit(value, inner)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            _fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items()
        )
    if kind in (int, float):
        number = int if kind is int else (int, float)
        return isinstance(value, number) and not isinstance(value, bool) and is_finite(value)
    return kind is Any or isinstance(value, kind or type(None))


def is_finite(value: float) -> bool:
    """Whether a number is neither NaN nor infinite, nor a whole one that no float can be."""
    return abs(value) <= sys.float_info.max


def _all_fit(values: tuple[Any, ...], kinds: tuple[Any, ...]) -> bool:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return all(_fits(value, kinds[0]) for value in values)
    return len(values) == len(kinds) and all(map(_fits, values, kinds))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises:
    ValueError: the number lies outside; the message names it.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} is {value!r:.60}, must lie in {low:g} to {high:g}")
