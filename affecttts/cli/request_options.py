"""Options of the command line that are the fields of a `SpeechRequest`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from affecttts.synthesis.request import SETTINGS

# The text has options of its own: it may come from a file or from standard input.
OPTIONS = tuple(name for name in SETTINGS if name != "text")


READING = ("lexicon", "date_order", "strict")
"""The settings that say how a text is read."""


def add_request_options(parser: argparse.ArgumentParser, names: Iterable[str] = OPTIONS) -> None:
    """One option per setting, of its name."""
    for name in names:
        setting = SETTINGS[name]
        parser.add_argument(option(name), help=setting.help, default=None, **setting.option)


def option(name: str) -> str:
    """How a setting is written on the command line."""
    return f"--{name.replace('_', '-')}"


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given, by name, for `SpeechRequest.from_dict`."""
    values = {name: getattr(arguments, name, None) for name in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}
