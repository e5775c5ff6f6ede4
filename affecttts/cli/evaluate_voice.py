"""`affecttts evaluate voice`: an adapted voice beside the person's recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the numbers there")
    parser.add_argument(
        "--threads", type=int, default=2, metavar="N", help="of the word judge (default 2)"
    )
    parser.set_defaults(run=_voice)


def _voice(arguments: argparse.Namespace) -> int:
    from affecttts.adaptation.recordings import gather
    from affecttts.errors import RequestError
    from affecttts.evaluation.judges.declarations import VOICE, WORDS

    clips = gather(arguments.clips)
    for card in (VOICE, WORDS):
        if card.missing:
            raise RequestError(f"the judge {card.name} is missing: {card.missing}")
    from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
    from affecttts.evaluation.speech.own_voice import COLUMNS, Spoken, evaluate_voice

    recordings = [Spoken(clip.path, clip.text) for clip in clips if clip.text]
    nearest, rows = evaluate_voice(
        arguments.voice, recordings, arguments.model, progress, arguments.threads
    )
    print_table(
        f"{len(recordings)} recordings; judges: {VOICE.name} (cosine to their mean), {WORDS.name}; "
        f"above: more than {nearest}, the nearest base voice",
        COLUMNS,
        [[name, *row, *[""] * (4 - len(row))] for name, row in rows.items()],
    )
    write_numbers(arguments.json, rows)
    return 0
