"""Nested plain values -> frozen dataclasses, keys and types checked to the leaves."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from codec.inputs.fields import is_finite

T = TypeVar("T")
# YAML 1.1 reads 8e-4, a number without a point, as a word.
SCIENTIFIC = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


class Changes(dict[str, Any], Generic[T]):
    """Some fields of a dataclass T by name, checked as T's own are: what to change in another T."""


def build(cls: type[T], values: Mapping[str, Any], path: str = "") -> T:
    """A dataclass from a mapping; its fields may be dataclasses, `Changes`, dicts and tuples.

    A class may name keys of earlier versions in a class variable `RENAMED`, old key -> what to
    write instead.

    Args:
        path: keys that lead to `values`, for messages: `codec.discriminator`.

    Raises:
        ValueError: an unknown or missing key, or a value of the wrong type or out of range; the
            message has the full path of the key and, for an unknown one, the nearest known.
    """
    given = _checked(cls, values, path)
    missing = [f.name for f in fields(cls) if f.name not in given and not _has_default(f)]
    if missing:
        raise ValueError(f"{_join(path, missing[0])} is missing")
    try:
        return cls(**given)
    except ValueError as error:
        raise ValueError(f"{path}: {error}" if path else str(error)) from error


def check_positive(config: Any, names: Iterable[str]) -> None:
    """Refuse numbers that are not above 0; None passes.

    Raises:
        ValueError: the first of them.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value!r}, must be more than 0")


def check_not_negative(config: Any, names: Iterable[str]) -> None:
    """Refuse numbers below 0; None passes.

    Raises:
        ValueError: the first of them.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 0:
            raise ValueError(f"{name} is {value!r}, must not be negative")


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a word that is none of the known ones.

    Raises:
        ValueError: it is none; the message has the nearest and all known ones.
    """
    if value not in known:
        raise ValueError(f"{name} is {value!r}{_hint(value, known)}")


def _checked(
    cls: type, values: Mapping[str, Any], path: str, partial: bool = False
) -> dict[str, Any]:
    """The values as their fields want them."""
    hints = get_type_hints(cls)
    known = {field.name: hints[field.name] for field in fields(cls)}
    for key in _mapping(values, path):
        if key in getattr(cls, "RENAMED", {}):
            raise ValueError(f"{_join(path, key)} is now {cls.RENAMED[key]}")
        if key not in known:
            raise ValueError(f"{_join(path, key)} is not known{_hint(key, known)}")
    return {
        key: _converted(known[key], value, _join(path, key), partial)
        for key, value in _mapping(values, path).items()
    }


def _converted(hint: Any, value: Any, path: str, partial: bool = False) -> Any:
    """One value as its type hint wants it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):  # X | None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return None if value is None else _converted(inner, value, path, partial)
    if origin is Changes:
        return Changes(_checked(arguments[0], _mapping(value, path), path, partial=True))
    if is_dataclass(hint):
        inner = _mapping(value, path)
        return Changes(_checked(hint, inner, path, True)) if partial else build(hint, inner, path)
    if origin is dict:
        inner = _mapping(value, path)
        return {
            _leaf(str, key, path): _converted(arguments[1], item, _join(path, key), partial)
            for key, item in inner.items()
        }
    if origin is tuple:
        return _tuple(arguments, value, path)
    return _leaf(hint, value, path)


def _tuple(arguments: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{path} is {value!r}, must be a list")
    repeated = arguments[-1] is Ellipsis
    if not repeated and len(value) != len(arguments):
        raise ValueError(f"{path} is {list(value)}, must be a list of {len(arguments)}")
    hints = arguments[:1] * len(value) if repeated else arguments
    return tuple(
        _converted(hint, item, f"{path}[{index}]")
        for index, (hint, item) in enumerate(zip(hints, value))
    )


def _leaf(kind: type, value: Any, path: str) -> Any:
    """A bool, int, float or str; what YAML 1.1 misreads is turned back (8e-4, and no)."""
    if kind in (int, float) and isinstance(value, str) and SCIENTIFIC.fullmatch(value):
        value = float(value)
        value = int(value) if kind is int and value.is_integer() else value
    if kind is str and value is False:
        return "no"
    right = type(value) is kind or (kind is float and type(value) is int)
    if not right or (kind is float and not is_finite(value)):
        raise ValueError(f"{path} is {value!r}, must be {KINDS.get(kind, kind)}")
    return float(value) if kind is float else value


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    """Nothing, as below a key without values, is an empty mapping."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{path or 'a config'} is {value!r}, must be a mapping of keys to values")
    return value


def _has_default(field: Field) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _hint(word: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return (f"; did you mean {near[0]}?" if near else "") + f" (known: {', '.join(sorted(known))})"
