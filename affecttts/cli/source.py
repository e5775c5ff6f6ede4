"""Where a command's text comes from: the command line, a file or standard input."""

from __future__ import annotations

import argparse
import sys

from affecttts.cli.output import STDOUT
from affecttts.errors import InputError, RequestError
from affecttts.synthesis.request import MAX_TEXT
from codec.inputs.door import TABLE_BYTES, open_file

MAX_TEXT_BYTES = MAX_TEXT


def add_text(parser: argparse.ArgumentParser, purpose: str) -> argparse._MutuallyExclusiveGroup:
    """Add --text and --input, one of which must be given, or what is added to them."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help=f"{purpose}; - reads standard input")
    source.add_argument(
        "--input", metavar="FILE", help="read the text from a UTF-8 file; - reads standard input"
    )
    return source


def read_text(arguments: argparse.Namespace) -> str:
    """The text of --text or --input.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
        RequestError: it is too long.
    """
    source = arguments.input if arguments.text is None else arguments.text
    if source == STDOUT:
        data, name = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "standard input"
    elif arguments.text is not None:
        return arguments.text
    else:
        data, name = _read_file(source), source
    if len(data) > MAX_TEXT_BYTES:
        raise RequestError(f"{name}: more than {MAX_TEXT_BYTES} bytes of text; split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def _read_file(source: str) -> bytes:
    with open_file(source, TABLE_BYTES) as file:
        return file.read(MAX_TEXT_BYTES + 1)
