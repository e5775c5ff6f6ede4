"""`affecttts evaluate`: measure a codec."""

from __future__ import annotations

from affecttts.commands import evaluate_codec, evaluate_listening


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("evaluate", help="measure codecs, make a listening test", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in (evaluate_codec, evaluate_listening):
        module.add_to(actions)
