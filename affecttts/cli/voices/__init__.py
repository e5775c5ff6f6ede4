"""`affecttts voices`: adapted voices: what they are, and export."""

from __future__ import annotations

import argparse

from affecttts.cli.voices import info, merge
from affecttts.errors import RequestError


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("voices", help="adapted voices: info, merge", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in (info, merge):
        module.add_to(actions)
    moved = actions.add_parser("list", allow_abbrev=False)  # without help: not shown
    moved.add_argument("folder", nargs="?", default="voices")
    moved.add_argument("--json", action="store_true")
    moved.set_defaults(run=_moved)


def _moved(arguments: argparse.Namespace) -> int:
    raise RequestError(f"`voices list` is now `affecttts list voices --folder {arguments.folder}`")
