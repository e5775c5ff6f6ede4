"""`affecttts evaluate listening`: a blind listening test as one page."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  affecttts evaluate listening --items copies/items.jsonl --output test.html --seed 1
  affecttts evaluate listening --results anna.json ben.json --key test.key.json
"""


def add_to(actions) -> None:
    """Add the action to `affecttts evaluate`."""
    parser = actions.add_parser(
        "listening",
        help="a blind listening test as one page, and its results",
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="The page names no system; the key beside it does, and stays with whoever "
        "runs the test.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--items",
        type=Path,
        metavar="I",
        help="JSON lines of id, system and path (from its folder)",
    )
    what.add_argument(
        "--results",
        type=Path,
        nargs="+",
        metavar="R",
        help="answers that listeners saved from the page",
    )
    parser.add_argument(
        "--test",
        choices=("mos", "ab"),
        default="mos",
        help="rate each clip (default), or choose between two",
    )
    parser.add_argument(
        "--question",
        metavar="Q",
        help="what to ask (default: how natural; with ab, which is more natural)",
    )
    parser.add_argument(
        "--trials", type=int, default=40, metavar="N", help="most trials (default 40)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the order (default 0)")
    parser.add_argument(
        "--output", type=Path, metavar="PAGE", help="HTML file; the key goes to PAGE with .key.json"
    )
    parser.add_argument(
        "--key", type=Path, metavar="K", help="key of the page that the results are from"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the page or read its results; returns the exit code."""
    from affecttts.errors import RequestError
    from affecttts.evaluation.listening_test import listening_table, write_listening_page

    if arguments.items:
        if arguments.output is None:
            raise RequestError("--items needs --output PAGE")
        key = write_listening_page(
            arguments.items,
            arguments.output,
            arguments.test,
            arguments.question,
            arguments.trials,
            arguments.seed,
        )
        print(f"{arguments.output}: give it to listeners; keep {key}")
        return 0
    if arguments.key is None:
        raise RequestError("--results needs --key, the file beside the page")
    print(listening_table(arguments.results, arguments.key))
    return 0
