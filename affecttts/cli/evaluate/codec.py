"""`affecttts evaluate codec`: measure codecs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from affecttts.cli.evaluate.common import add_judges, add_showing, check_file, show

EXAMPLE = """examples:
  affecttts evaluate codec --manifest corpus/manifest.jsonl --report report
  affecttts evaluate codec --manifest corpus/manifest.jsonl --report report \\
    --codec my/codec --num-codebooks 1,2,4 --codec opus --codec codec2 \\
    --external "mine@1.5=./mine.sh {in} {out}"
"""
DESCRIPTION = """\
Run again after an interruption, it goes on where it stopped; codecs can be added to a report later.
The others are compared with the first codec. docs/evaluation.md tells more."""


def add_to(actions) -> None:
    """Add the action to `affecttts evaluate`."""
    parser = actions.add_parser(
        "codec",
        help="codecs' copies against their originals",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="M",
        help="JSONL manifest; its test split, or all",
    )
    _add_systems(parser)
    add_judges(parser, "acoustic and spectral")
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help="most clips (default 100)"
    )
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for report.html, report.json and values",
    )
    parser.add_argument(
        "--copies",
        type=Path,
        metavar="DIR",
        help="also write all copies there, as WAV with lists for VERSA",
    )
    add_showing(parser)
    parser.set_defaults(run=run)


def _add_systems(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose codecs."""
    parser.add_argument(
        "--codec",
        action="append",
        metavar="C",
        help="may be given again: a codec folder, ours or of EnCodec, DAC or Mimi, or NAME=DIR; "
        "shipped (default); or opus, mp3, codec2, speex, amr, amr-wb",
    )
    parser.add_argument(
        "--bitrates",
        type=_numbers(float),
        default=(),
        metavar="K,K",
        help="kbit/s of opus, mp3 and the like",
    )
    parser.add_argument(
        "--num-codebooks",
        type=_numbers(int),
        default=(),
        metavar="N,N",
        help="so many codebooks (default: all)",
    )
    parser.add_argument(
        "--external",
        action="append",
        default=[],
        metavar="NAME[@KBPS]=COMMAND",
        help="may be given again: a program, run without a shell, whose words {in} and {out} "
        "are audio files",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds that such a program may take (60)",
    )
    parser.add_argument(
        "--download", action="store_true", help="let --codec name a model of the hub"
    )


def _numbers(kind: type):
    def parse(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError as error:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no list of numbers such as 1,2,4"
            ) from error
        if min(values) <= 0:
            raise argparse.ArgumentTypeError(f"{text!r}: all must be above 0")
        return values

    return parse


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit code."""
    check_file(arguments.manifest)
    from tqdm import tqdm

    from affecttts.evaluation.codec.judges import convene
    from affecttts.evaluation.codec.report import evaluate_codec
    from affecttts.evaluation.codec.request import CodecRequest, open_systems
    from affecttts.evaluation.codec.summary import render

    def bar(places: list) -> tqdm:
        return tqdm(
            places, desc="codec", unit="clip", disable=arguments.quiet or not sys.stderr.isatty()
        )

    request = CodecRequest(
        tuple(arguments.codec or CodecRequest.codecs),
        arguments.bitrates,
        arguments.num_codebooks,
        tuple(arguments.external),
        arguments.timeout,
        arguments.download,
    )
    systems = open_systems(request)
    panel = convene(systems, arguments.judge, arguments.without_judge, arguments.force_judges)
    report = evaluate_codec(
        arguments.manifest, systems, arguments.limit, arguments.report, bar, panel
    )
    if arguments.copies:
        from affecttts.evaluation.codec.adapters import write_copies

        write_copies(arguments.copies, arguments.manifest, systems, arguments.limit, bar)
    show(arguments, report, render)
    return 0
