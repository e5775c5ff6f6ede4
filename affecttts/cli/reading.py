"""Options on how text is read, shared by commands."""

from __future__ import annotations

import argparse

from affecttts.text import Lexicon, Options


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add --lexicon, --strict and --date-order."""
    parser.add_argument(
        "--lexicon",
        metavar="TSV",
        action="append",
        default=[],
        help="pronunciations, one a line: word, tab, IPA; may be given several times",
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse a text with a character that cannot be read"
    )
    parser.add_argument(
        "--date-order",
        choices=("month-day", "day-month"),
        default="month-day",
        help="how 04/05/2026 is read (default month-day)",
    )


def reading_options(arguments: argparse.Namespace) -> Options:
    """How the command's text is read.

    Raises:
        RequestError: a lexicon cannot be read.
    """
    lexicon = Lexicon.read(arguments.lexicon) if arguments.lexicon else None
    return Options(arguments.strict, arguments.date_order == "day-month", lexicon)
