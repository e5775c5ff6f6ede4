"""`affecttts evaluate codec`: measure codecs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from affecttts.errors import RequestError

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
    codec = actions.add_parser(
        "codec",
        help="codecs' copies against their originals",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    codec.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="M",
        help="JSONL manifest; its test split, or all",
    )
    codec.add_argument(
        "--codec",
        action="append",
        metavar="C",
        help="may be given again: a codec "
        "folder, ours or of EnCodec, "
        "DAC or Mimi, or NAME=DIR; shipped (default); or opus, mp3, codec2, speex, "
        "amr, amr-wb",
    )
    codec.add_argument(
        "--bitrates",
        type=_numbers(float),
        default=(),
        metavar="K,K",
        help="kbit/s of opus, mp3 and the like",
    )
    codec.add_argument(
        "--num-codebooks",
        type=_numbers(int),
        default=(),
        metavar="N,N",
        help="so many codebooks (default: all)",
    )
    codec.add_argument(
        "--external",
        action="append",
        default=[],
        metavar="NAME[@KBPS]=COMMAND",
        help="may be given again: "
        "a program, run without a shell, whose words {in} and {out} are audio files",
    )
    codec.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds that such a program may take (60)",
    )
    codec.add_argument(
        "--download", action="store_true", help="let --codec name a model of the hub"
    )
    codec.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="NAME",
        help="of emotion, "
        "may be given "
        "again: acoustic, "
        "spectral (default: both), a folder, transformers:MODEL or "
        "emotion2vec:MODEL",
    )
    codec.add_argument(
        "--without-judge",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out words, voice, sound or one of emotion",
    )
    codec.add_argument(
        "--force-judges",
        action="store_true",
        help="let in judges that taught a codec; the report warns in red",
    )
    codec.add_argument(
        "--limit", type=int, default=100, metavar="N", help="most clips (default 100)"
    )
    codec.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for report.html, report.json and values",
    )
    codec.add_argument(
        "--copies",
        type=Path,
        metavar="DIR",
        help="also write all copies there, as WAV with lists for VERSA",
    )
    codec.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    codec.set_defaults(run=_codec)


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


def _codec(arguments: argparse.Namespace) -> int:
    if not arguments.manifest.is_file():
        raise RequestError(f"{arguments.manifest}: no such file; give a JSONL manifest")
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
    if not arguments.quiet:
        print(render(report))
    return 0
