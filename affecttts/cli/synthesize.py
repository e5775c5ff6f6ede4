"""`affecttts synthesize`: one text, or a batch."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from affecttts.cli.output import STDOUT, check_output, write_wav
from affecttts.emotion.table import load_emotions
from affecttts.errors import GenerationError, InputError, OutputError, RequestError
from affecttts.synthesis.batch import check_id, check_types, parse_item, read_lines
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import MAX_GUIDANCE, Request, prepare
from affecttts.synthesis.synthesizer import SpeechResult, Synthesizer
from affecttts.synthesis.voices import VoiceShelf
from codec.errors import CheckpointError

MAX_TEXT_BYTES = 2_000_000
EXAMPLE = (
    'example: affecttts synthesize --text "We did it!" --emotion happy --intensity 1.2 -o out.wav'
)


def add_to(commands) -> None:
    """Add the command to the parser."""
    emotions = ", ".join(load_emotions().ids)
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
        help="speak every line: id, text and, where "
        "wanted, emotion, intensity, voice, "
        "seed, prompt",
    )
    parser.add_argument(
        "--emotion",
        help=f"{emotions}; an alias; or a blend such as happy:0.7,surprised:0.3 (default neutral)",
    )
    parser.add_argument(
        "--prompt",
        help='emotion in free words instead, such as "like somebody who just won the lottery"',
    )
    parser.add_argument(
        "--intensity", type=float, help="strength of the emotion, 0 to 1.5 (default 1)"
    )
    parser.add_argument(
        "--voice",
        help="see `affecttts list voices`; or the folder of an adapted voice (default: the first)",
    )
    parser.add_argument(
        "--seed", type=int, help="same seed, same machine, same file (default: drawn and reported)"
    )
    parser.add_argument(
        "--guidance",
        type=float,
        help=f"0 to {MAX_GUIDANCE:g}; above 1 exaggerates the emotion (default: the model's)",
    )
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="WAV file; - writes it to standard output"
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", type=Path, help="folder of a batch, one ID.wav per item"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print one JSON object per result")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar, no closing line"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Speak; returns the exit code."""
    return _run_batch(arguments) if arguments.batch else _run_one(arguments)


def _run_one(arguments: argparse.Namespace) -> int:
    if arguments.output is None:
        raise RequestError("give an output file with -o FILE, or -o - for standard output")
    if arguments.json and arguments.output == STDOUT:
        raise RequestError("--json and -o - both want standard output; give a file name")
    folder, info = read_model_info(arguments.model)
    shelf = VoiceShelf(info)
    voice = shelf.name(arguments.voice)
    request = prepare(
        shelf.info,
        _read_text(arguments),
        arguments.emotion,
        arguments.intensity,
        voice,
        arguments.seed,
        arguments.guidance,
        arguments.prompt,
    )
    check_output(arguments.output, arguments.force)
    synthesizer = Synthesizer.with_voices(folder, info, shelf.folders)
    started = time.perf_counter()
    result = _speak_with_bar(synthesizer, request, arguments.quiet)
    elapsed = time.perf_counter() - started
    if result.finish_reason != "end":
        raise _cap_error(request)
    write_wav(arguments.output, result.audio, result.sample_rate, arguments.force)
    _report(arguments, arguments.output, result, elapsed)
    return 0


def _cap_error(request: Request) -> GenerationError:
    text = " ".join(request.phones)[:40]
    return GenerationError(
        f"generation hit its frame budget at seed {request.seed} ({text}..); try another --seed"
    )


def _read_text(arguments: argparse.Namespace) -> str:
    source = arguments.input if arguments.text is None else arguments.text
    if source == STDOUT:
        data, name = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "standard input"
    elif arguments.text is not None:
        return arguments.text
    else:
        data, name = _read_file(source), source
    if len(data) > MAX_TEXT_BYTES:
        raise RequestError(f"{name}: more than {MAX_TEXT_BYTES} bytes of text; split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def _read_file(source: str) -> bytes:
    try:
        with open(source, "rb") as file:
            return file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{source}: cannot be read ({error.strerror}); give a text file"
        ) from error


def _speak_with_bar(synthesizer: Synthesizer, request: Request, quiet: bool) -> SpeechResult:
    """A bar over the pieces of a long text, on a terminal only."""
    from tqdm import tqdm

    hidden = quiet or len(request.phones) == 1 or not sys.stderr.isatty()
    with tqdm(total=len(request.phones), unit="piece", disable=hidden) as bar:
        return synthesizer.speak(request, bar.update)


def _report(arguments: argparse.Namespace, path: str, result: SpeechResult, elapsed: float) -> None:
    from affecttts.cli.output import print_json

    rtf = elapsed / max(result.seconds, 1e-9)
    if arguments.json:
        print_json(describe(path, result, elapsed))
    elif not arguments.quiet:
        print(
            f"{path}: {result.seconds:.2f} s, real-time factor {rtf:.2f}, seed {result.seed}",
            file=sys.stderr,
        )


def describe(path: str, result: SpeechResult, elapsed: float) -> dict:
    """What --json prints of one result."""
    return {
        "path": path,
        "seconds": round(result.seconds, 3),
        "real_time_factor": round(elapsed / max(result.seconds, 1e-9), 3),
        "seed": result.seed,
        "finish_reason": result.finish_reason,
    }


# -- batch
@dataclass(frozen=True)
class BatchItem:
    """One line of a batch file: where its audio goes, and either a checked request or why there is
    none.
    """

    id: str
    path: str
    request: Request | None
    reason: str = ""


def _run_batch(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from affecttts.cli.output import print_json

    folder, info = read_model_info(arguments.model)
    shelf = VoiceShelf(info)
    items = _read_batch(arguments, shelf)
    synthesizer = (
        Synthesizer.with_voices(folder, info, shelf.folders)
        if any(item.request for item in items)
        else None
    )
    failures = []
    for item in tqdm(items, unit="item", disable=arguments.quiet or not sys.stderr.isatty()):
        reason = item.reason or _speak_item(synthesizer, item, arguments)
        if reason:
            failures.append((item.id, reason))
            if arguments.json:
                print_json({"id": item.id, "error": reason})
    for name, reason in failures:
        print(f"affecttts: {' '.join(f'{name}: {reason}'.split())}", file=sys.stderr)
    if not arguments.quiet:
        print(
            f"{len(items) - len(failures)} of {len(items)} items spoken into "
            f"{arguments.output_dir}",
            file=sys.stderr,
        )
    return 3 if failures else 0


def _speak_item(synthesizer: Synthesizer, item: BatchItem, arguments: argparse.Namespace) -> str:
    """Speak and write one item; returns why it failed, or an empty string."""
    from affecttts.cli.output import print_json

    started = time.perf_counter()
    try:
        result = synthesizer.speak(item.request)
        if result.finish_reason != "end":
            raise _cap_error(item.request)
        write_wav(item.path, result.audio, result.sample_rate, arguments.force)
    except (RequestError, OutputError, GenerationError) as error:
        return str(error)
    if arguments.json:
        print_json({"id": item.id, **describe(item.path, result, time.perf_counter() - started)})
    return ""


def _read_batch(arguments: argparse.Namespace, shelf: VoiceShelf) -> list[BatchItem]:
    """Read and check every line before any weights are loaded."""
    if arguments.output_dir is None:
        raise RequestError("a batch needs --output-dir DIR")
    for name in ("output", "emotion", "prompt", "intensity", "voice", "seed"):
        if getattr(arguments, name) is not None:
            raise RequestError(f"--{name} does not go with --batch; write it into the items")
    lines = read_lines(arguments.batch)
    try:
        arguments.output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{arguments.output_dir}: cannot be made ({error.strerror})") from error
    seen: set[str] = set()
    return [_read_item(line, number, arguments, shelf, seen) for number, line in lines]


def _read_item(
    line: str, number: int, arguments: argparse.Namespace, shelf: VoiceShelf, seen: set[str]
) -> BatchItem:
    name, path = f"line {number}", ""
    try:
        name, values = parse_item(line)
        check_id(name, seen)
        path = str(arguments.output_dir / f"{name}.wav")
        check_output(path, arguments.force)
        check_types(values)
        values["voice"] = shelf.name(values.get("voice"))
        return BatchItem(name, path, prepare(shelf.info, **values, guidance=arguments.guidance))
    except (RequestError, OutputError, CheckpointError) as error:
        return BatchItem(name, path, None, str(error))
    except (ValueError, OverflowError, RecursionError) as error:
        return BatchItem(name, path, None, f"cannot be read ({str(error)[:100]})")
