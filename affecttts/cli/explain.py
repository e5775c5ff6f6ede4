"""`affecttts explain`: how a text will be read, without speaking it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from affecttts.cli.output import add_json, print_json
from affecttts.cli.request_options import READING, add_request_options, given_settings
from affecttts.cli.source import add_text, read_text
from affecttts.synthesis.request import SpeechRequest
from affecttts.text import read

EXAMPLE = 'example: affecttts explain --text "Dr. Lee paid $5.99 on 3/4/2025."'


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain", help="show how a text will be read", epilog=EXAMPLE, allow_abbrev=False
    )
    add_text(parser, "what to read")
    add_request_options(parser, READING)
    add_json(parser, "the pieces and the warnings, one object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the reading; returns the exit code."""
    request = SpeechRequest(read_text(arguments), **given_settings(arguments))
    reading = read(request.text, request.reading)
    if arguments.json:
        print_json(asdict(reading))
        return 0
    for piece in reading.pieces:
        print(f"text    {piece.text}\nsaid    {piece.normalized}\nphones  {piece.phones}")
        print(f"pause   {piece.pause:g} s\n")
    for warning in reading.warnings:
        print(f"affecttts: {warning}", file=sys.stderr)
    return 0
