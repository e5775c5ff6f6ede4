"""`affecttts evaluate tts`: a model's speech."""

from __future__ import annotations

import argparse
from pathlib import Path

from affecttts.cli.evaluate.common import (
    add_judges,
    add_showing,
    check_file,
    progress_bar,
    show,
)

RESUME = "Run again after an interruption, it goes on where it stopped."
EXAMPLE = (
    "example: affecttts evaluate tts --manifest corpus/manifest.jsonl --limit 100 --report report"
)


def add_to(actions) -> None:
    """Add the action to `affecttts evaluate`."""
    parser = actions.add_parser(
        "tts",
        help="a model's speech: words, faults, emotion, voice, sound, speed",
        epilog=EXAMPLE,
        description=RESUME,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--items",
        type=Path,
        metavar="JSONL",
        help="what to say, in the format of synthesize --batch",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="M",
        help="corpus: the ceiling of all measures; without --items also the texts",
    )
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model folder (default: the shipped model)"
    )
    _add_design(parser)
    add_judges(parser, "the first three")
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for report.html, report.json and all values",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="report of another model on the same items: paired comparison",
    )
    parser.add_argument(
        "--threads", type=int, default=2, metavar="N", help="of the judges (default 2)"
    )
    add_showing(parser)
    parser.set_defaults(run=run)


def _add_design(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is spoken."""
    parser.add_argument(
        "--limit",
        type=int,
        default=100,
        metavar="N",
        help="most items, spread evenly (default 100); with --crossed sentences",
    )
    parser.add_argument(
        "--crossed",
        action="store_true",
        help="our sentences, each in every voice and emotion; a --manifest is the ceiling alone",
    )
    parser.add_argument(
        "--emotion",
        action="append",
        default=[],
        metavar="NAME",
        help="our sentences in this emotion alone; may be given again",
    )
    parser.add_argument(
        "--ladders",
        type=int,
        default=8,
        metavar="N",
        help="items that are spoken at intensities 0.5, 1 and 1.5 (default 8)",
    )
    parser.add_argument(
        "--prompts",
        type=int,
        default=2,
        metavar="N",
        help="free-text prompts of every emotion, 5 at most (default 2)",
    )
    parser.add_argument(
        "--items-only",
        action="store_true",
        help="nothing around the items: no neutral twins, intensities and prompts",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    for path in filter(None, (arguments.items, arguments.manifest)):
        check_file(path)
    from affecttts.evaluation.speech.evaluation import TtsOptions, evaluate
    from affecttts.evaluation.speech.plan import Design
    from affecttts.evaluation.speech.report import build, render

    options = TtsOptions(
        arguments.report,
        arguments.model,
        arguments.items,
        arguments.manifest,
        Design(
            arguments.limit,
            arguments.crossed,
            tuple(arguments.emotion),
            arguments.ladders,
            arguments.prompts,
            arguments.items_only,
        ),
        tuple(arguments.judge),
        tuple(arguments.without_judge),
        arguments.force_judges,
        arguments.against,
        arguments.threads,
    )
    report = build(evaluate(options, progress_bar(arguments.quiet)))
    show(arguments, report, render)
    return 0
