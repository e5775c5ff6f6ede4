"""Checks of the settings of a request: each takes the value given and returns the value to keep."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from typing import Any

from affecttts.errors import RequestError, shown


def text(name: str, longest: int) -> Callable[[Any], str]:
    """Strings of at most `longest` characters."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise RequestError(f"{name} is {shown(value)}; give a string")
        if len(value) > longest:
            raise RequestError(f"{name} has {len(value)} characters; at most {longest} are taken")
        return value

    return check


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def number(name: str, low: float, high: float) -> Callable[[Any], float]:
    """Numbers from `low` to `high`."""

    def check(value: Any) -> float:
        if not _is_number(value, Real):
            raise RequestError(f"{name} is {shown(value)}; give a number from {low:g} to {high:g}")
        if not low <= value <= high:  # also NaN, and integers too large for a float
            raise RequestError(f"{name} {shown(value)} is out of range; give {low:g} to {high:g}")
        return float(value)

    return check


def integer(name: str, low: int, high: int) -> Callable[[Any], int]:
    """Whole numbers from `low` to `high`."""

    def check(value: Any) -> int:
        if not _is_number(value, Integral):
            raise RequestError(f"{name} is {shown(value)}; give a whole number")
        if not low <= value <= high:
            raise RequestError(f"{name} {shown(value)} is out of range; give {low} to {high}")
        return int(value)

    return check


def flag(name: str) -> Callable[[Any], bool]:
    """True or false."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise RequestError(f"{name} is {shown(value)}; give true or false")
        return value

    return check


def one_of(name: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    """One of a few strings."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise RequestError(f"{name} is {shown(value)}; give one of {', '.join(known)}")
        return value

    return check


def paths(name: str) -> Callable[[Any], tuple[str, ...]]:
    """A file, or several."""

    def check(value: Any) -> tuple[str, ...]:
        paths = [value] if isinstance(value, str | PathLike) else value
        if not isinstance(paths, list | tuple) or not all(
            isinstance(path, str | PathLike) for path in paths
        ):
            raise RequestError(f"{name} is {shown(value)}; give a file or a list of files")
        return tuple(str(path) for path in paths)

    return check
