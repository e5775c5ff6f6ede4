"""`affecttts evaluate voice`: an adapted voice beside the person's recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from affecttts.cli.evaluate.common import add_showing, progress_bar
from affecttts.cli.output import print_json

EXAMPLE = """example:
  affecttts evaluate voice --voice voices/allison --clips held_out.jsonl
"""


def add_to(actions) -> None:
    """Add the action to `affecttts evaluate`."""
    parser = actions.add_parser(
        "voice",
        help="an adapted voice on recordings that it never heard",
        description="Beside it the base voices, and the codec's copies of the recordings, which "
        "no voice can beat.",
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--voice",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder that `affecttts adapt` made",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        required=True,
        metavar="TABLE",
        help="recordings with texts, as for adapt --audio",
    )
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model folder (default: the shipped model)"
    )
    parser.add_argument(
        "--threads", type=int, default=2, metavar="N", help="of the word judge (default 2)"
    )
    add_showing(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    from affecttts.adaptation.recordings import gather
    from affecttts.errors import RequestError
    from affecttts.evaluation.judges.declarations import VOICE, WORDS

    clips = gather(arguments.clips)
    for card in (VOICE, WORDS):
        if card.missing:
            raise RequestError(f"the judge {card.name} is missing: {card.missing}")
    from affecttts.evaluation.report.plain import to_plain
    from affecttts.evaluation.report.terminal import print_table
    from affecttts.evaluation.speech.own_voice import COLUMNS, Spoken, evaluate_voice

    recordings = [Spoken(clip.path, clip.text) for clip in clips if clip.text]
    bar = progress_bar(arguments.quiet)
    nearest, rows = evaluate_voice(
        arguments.voice, recordings, arguments.model, bar, arguments.threads
    )
    if arguments.json:
        print_json(to_plain({"nearest": nearest, **rows}))
    elif not arguments.quiet:
        print_table(
            f"{len(recordings)} recordings; judges: {VOICE.name} (cosine to their mean), "
            f"{WORDS.name}; above: more than {nearest}, the nearest base voice",
            COLUMNS,
            [[name, *row, *[""] * (4 - len(row))] for name, row in rows.items()],
        )
    return 0
