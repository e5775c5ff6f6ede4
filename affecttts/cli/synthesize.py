"""`affecttts synthesize`: one text, or a batch."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from affecttts.cli import synthesize_batch
from affecttts.cli.output import STDOUT, add_json, check_output, print_json, write_wav
from affecttts.cli.request_options import add_request_options, given_settings
from affecttts.cli.source import read_text
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import PreparedRequest, SpeechRequest, prepare
from affecttts.synthesis.result import SpeechResult
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import VoiceShelf

EXAMPLE = (
    'example: affecttts synthesize --text "We did it!" --emotion happy --intensity 1.2 -o out.wav'
)


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "synthesize", help="speak a text", epilog=EXAMPLE, allow_abbrev=False
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help="what to say; - reads standard input")
    source.add_argument(
        "--input", metavar="FILE", help="read the text from a UTF-8 file; - reads standard input"
    )
    source.add_argument(
        "--batch",
        metavar="JSONL",
        help="speak every line: an object with id, text and, where wanted, the options below",
    )
    add_request_options(parser)
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="WAV file; - writes it to standard output"
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", type=Path, help="folder of a batch, one ID.wav per item"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_json(parser, "what was made, one object per result")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar, no closing line"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Speak; returns the exit code."""
    if arguments.batch:
        return synthesize_batch.run(arguments)
    if arguments.output is None:
        raise RequestError("give an output file with -o FILE, or -o - for standard output")
    if arguments.json and arguments.output == STDOUT:
        raise RequestError("--json and -o - both want standard output; give a file name")
    folder, info = read_model_info(arguments.model)
    shelf = VoiceShelf(info)
    request = SpeechRequest(read_text(arguments), **given_settings(arguments))
    request = replace(request, voice=shelf.name(request.voice))
    prepared = prepare(shelf.info, request)
    check_output(arguments.output, arguments.force)
    synthesizer = Synthesizer.with_voices(folder, info, shelf.folders)
    started = time.perf_counter()
    result = _speak_with_bar(synthesizer, prepared, arguments.quiet)
    elapsed = time.perf_counter() - started
    synthesize_batch.check_ended(result, prepared)
    write_wav(arguments.output, result.audio, result.sample_rate, arguments.force)
    _report(arguments, result, elapsed)
    return 0


def _speak_with_bar(
    synthesizer: Synthesizer, prepared: PreparedRequest, quiet: bool
) -> SpeechResult:
    """A bar over the pieces of a long text, on a terminal only."""
    from tqdm import tqdm

    hidden = quiet or len(prepared.phones) == 1 or not sys.stderr.isatty()
    with tqdm(total=len(prepared.phones), unit="piece", disable=hidden) as bar:
        return synthesizer.speak(prepared, bar.update)


def _report(arguments: argparse.Namespace, result: SpeechResult, elapsed: float) -> None:
    rtf = elapsed / max(result.seconds, 1e-9)
    if arguments.json:
        print_json(synthesize_batch.describe(arguments.output, result, elapsed))
    elif not arguments.quiet:
        for warning in result.warnings:
            print(f"affecttts: {warning}", file=sys.stderr)
        print(
            f"{arguments.output}: {result.seconds:.2f} s, real-time factor {rtf:.2f}, "
            f"seed {result.seed}",
            file=sys.stderr,
        )
