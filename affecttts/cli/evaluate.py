"""`affecttts evaluate`: measure codecs, speech, voices and tokens; make a listening test."""

from __future__ import annotations

from affecttts.cli import evaluate_codec, evaluate_listening, evaluate_tts, evaluate_voice


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure codecs, speech, voices and tokens; make a listening test",
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in (evaluate_codec, evaluate_tts, evaluate_voice, evaluate_listening):
        module.add_to(actions)
