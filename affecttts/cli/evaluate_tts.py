"""`affecttts evaluate tts` and `affecttts evaluate tokens`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import SHIPPED

RESUME = "Run again after an interruption, it goes on where it stopped."
TTS_EXAMPLE = (
    "example: affecttts evaluate tts --manifest corpus/manifest.jsonl --limit 100 --report report"
)
TOKENS_EXAMPLE = (
    "example: affecttts evaluate tokens --manifest corpus/manifest.jsonl --codec "
    "runs/codec/codec --report report"
)


def add_to(actions) -> None:
    """Add both to the actions of `evaluate`."""
    _add_tts(actions)
    _add_tokens(actions)


def _add_tts(actions) -> None:
    parser = actions.add_parser(
        "tts",
        help="a model's speech: words, faults, emotion, voice, sound, speed",
        epilog=TTS_EXAMPLE,
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
    parser.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="NAME",
        help="of emotion: acoustic, relative, spectral, a folder, transformers:MODEL or "
        "emotion2vec:MODEL (default: the first three)",
    )
    out = "leave out words, whisper_base, voice, sound, distillmos or an emotion judge"
    parser.add_argument("--without-judge", action="append", default=[], metavar="NAME", help=out)
    parser.add_argument(
        "--force-judges",
        action="store_true",
        help="let in judges that taught the model; the report warns in red",
    )
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
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no tables")
    parser.set_defaults(run=_tts)


def _add_design(parser) -> None:
    """What is spoken."""
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


def _add_tokens(actions) -> None:
    parser = actions.add_parser(
        "tokens",
        help="what a codec's tokens still tell: emotion, phones, speaker",
        epilog=TOKENS_EXAMPLE,
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
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    parser.set_defaults(run=_tokens)


def _tts(arguments: argparse.Namespace) -> int:
    for path in filter(None, (arguments.items, arguments.manifest)):
        _check_file(path)
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
    report = build(evaluate(options, _bars(arguments.quiet)))
    if not arguments.quiet:
        print(render(report))
    return 0


def _tokens(arguments: argparse.Namespace) -> int:
    _check_file(arguments.manifest)
    from affecttts.evaluation.tokens.report import evaluate_tokens, render

    report = evaluate_tokens(
        arguments.manifest,
        arguments.codec,
        arguments.tokens,
        arguments.limit,
        arguments.report,
        _bars(arguments.quiet),
    )
    if not arguments.quiet:
        print(render(report))
    return 0


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise RequestError(f"{path}: no such file; give a JSONL file")


def _bars(quiet: bool):
    """Progress bars on a terminal."""

    def bar(items: Iterable, label: str) -> Iterable:
        from tqdm import tqdm

        return tqdm(items, desc=label, disable=quiet or not sys.stderr.isatty())

    return bar
