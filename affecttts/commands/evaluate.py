"""`affecttts evaluate`: measure a codec, a TTS model, or tokens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from affecttts.commands import evaluate_tts
from affecttts.errors import RequestError
from affecttts.model_folder import SHIPPED

EXAMPLE = "example: affecttts evaluate codec --manifest corpus/manifest.jsonl --report report"


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("evaluate", help="measure a codec, a TTS model, or tokens", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    codec = actions.add_parser(
        "codec", help="a codec's copies against their originals", epilog=EXAMPLE, allow_abbrev=False,
        description="Run again after an interruption, it goes on where it stopped.",
    )  # fmt: skip
    codec.add_argument("--manifest", type=Path, required=True, metavar="M", help="JSONL manifest; its test split, or all of it")
    codec.add_argument("--codec", type=Path, default=SHIPPED / "codec", metavar="DIR", help="codec folder (default: the shipped one)")
    codec.add_argument("--limit", type=int, default=100, metavar="N", help="most clips (default 100)")
    codec.add_argument("--report", type=Path, required=True, metavar="DIR", help="folder for report.json and the clips' values")
    codec.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    codec.set_defaults(run=_codec)
    evaluate_tts.add_to(actions)


def _codec(arguments: argparse.Namespace) -> int:
    if not arguments.manifest.is_file():
        raise RequestError(f"{arguments.manifest}: no such file; give a JSONL manifest")
    from tqdm import tqdm

    from affecttts.evaluation.codec_report import evaluate_codec, render

    hidden = arguments.quiet or not sys.stderr.isatty()
    report = evaluate_codec(
        arguments.manifest, arguments.codec, arguments.limit, arguments.report,
        lambda places: tqdm(places, desc="codec", unit="clip", disable=hidden),
    )  # fmt: skip
    if not arguments.quiet:
        print(render(report))
    return 0
