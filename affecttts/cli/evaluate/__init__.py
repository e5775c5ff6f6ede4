"""`affecttts evaluate`: measure codecs, speech and tokens; make a listening test."""

from __future__ import annotations

from affecttts.cli.evaluate import codec, listening, tokens, tts, voice


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure codecs, speech and tokens; make a listening test",
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in (codec, tts, voice, tokens, listening):
        module.add_to(actions)
