"""`affecttts evaluate tokens`: what a codec's tokens still tell."""

from __future__ import annotations

import argparse
from pathlib import Path

from affecttts.cli.evaluate.common import add_showing, check_file, progress_bar, show
from affecttts.synthesis.model_folder import SHIPPED

EXAMPLE = (
    "example: affecttts evaluate tokens --manifest corpus/manifest.jsonl --codec "
    "runs/codec/codec --report report"
)


def add_to(actions) -> None:
    """Add the action to `affecttts evaluate`."""
    parser = actions.add_parser(
        "tokens",
        help="what a codec's tokens still tell: emotion, phones, speaker",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="M",
        help="JSONL manifest with emotions and several speakers",
    )
    parser.add_argument(
        "--codec",
        type=Path,
        default=SHIPPED / "codec",
        metavar="DIR",
        help="codec folder (default: the shipped one)",
    )
    parser.add_argument(
        "--tokens",
        type=Path,
        metavar="DIR",
        help="tokens of that codec, from encode_corpus.py; else audio is encoded",
    )
    parser.add_argument(
        "--limit", type=int, default=400, metavar="N", help="most utterances (default 400)"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for report.html and report.json"
    )
    add_showing(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    check_file(arguments.manifest)
    from affecttts.evaluation.tokens.report import evaluate_tokens, render

    report = evaluate_tokens(
        arguments.manifest,
        arguments.codec,
        arguments.tokens,
        arguments.limit,
        arguments.report,
        progress_bar(arguments.quiet),
    )
    show(arguments, report, render)
    return 0
