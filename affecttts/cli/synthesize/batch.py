"""`affecttts synthesize --batch`: every line of a file, with one load of the model."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Protocol

from affecttts.cli.output import check_output, chosen_format, print_json, write_sound
from affecttts.cli.request_options import given_settings, option
from affecttts.errors import GenerationError, OutputError, RequestError
from affecttts.synthesis.batch import check_id, item_request, parse_item, read_lines
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import PreparedRequest, prepare
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import VoiceShelf
from codec.encoders import known_format
from codec.errors import UserError

FOR_ALL_ITEMS = (
    "guidance",
    "speed",
    "pause",
    "lexicon",
    "date_order",
    "strict",
)  # settings that may stand on the command line, for items without


@dataclass(frozen=True)
class BatchItem:
    """One line of a batch file: where its audio goes, and either a checked request or why there is
    none.
    """

    id: str
    path: str
    prepared: PreparedRequest | None
    reason: str = ""


def run(arguments: argparse.Namespace) -> int:
    """Speak all items; returns the exit code."""
    from tqdm import tqdm

    folder, info = read_model_info(arguments.model)
    shelf = VoiceShelf(info)
    items = _read_batch(arguments, shelf)
    synthesizer = (
        Synthesizer.with_voices(folder, info, shelf.folders)
        if any(item.prepared for item in items)
        else None
    )
    failures = []
    for item in tqdm(items, unit="item", disable=arguments.quiet or not sys.stderr.isatty()):
        reason = item.reason
        if synthesizer is not None and item.prepared is not None:
            reason = _speak_item(synthesizer, item, item.prepared, arguments)
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


def _speak_item(
    synthesizer: Synthesizer,
    item: BatchItem,
    prepared: PreparedRequest,
    arguments: argparse.Namespace,
) -> str:
    """Speak and write one item; returns why it failed, or an empty string."""
    started = time.perf_counter()
    try:
        result = synthesizer.speak(prepared)
        check_ended(result.finish_reason, prepared)
        format = chosen_format(arguments.format, item.path)
        write_sound(item.path, [result.audio], result.sample_rate, format, arguments.force)
    except UserError as error:
        return str(error)
    if arguments.json:
        print_json({"id": item.id, **describe(item.path, result, time.perf_counter() - started)})
    return ""


def check_ended(finish_reason: str, prepared: PreparedRequest) -> None:
    """Raises:
    GenerationError: the frame budget ran out before the text was spoken.
    """
    if finish_reason != "end":
        text = " ".join(prepared.phones)[:40]
        raise GenerationError(
            f"generation hit its frame budget at seed {prepared.seed} ({text}..); try another "
            "--seed"
        )


class Described(Protocol):
    """What `describe` reads: of a `SpeechResult`, or of a stream that has gone by."""

    @property
    def seconds(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def finish_reason(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


def describe(path: str | None, result: Described, elapsed: float) -> dict:
    """What --json prints of one result."""
    return {
        "path": path,
        "seconds": round(result.seconds, 3),
        "real_time_factor": round(elapsed / max(result.seconds, 1e-9), 3),
        "seed": result.seed,
        "finish_reason": result.finish_reason,
        "warnings": list(result.warnings),
    }


def _read_batch(arguments: argparse.Namespace, shelf: VoiceShelf) -> list[BatchItem]:
    """Read and check every line before any weights are loaded."""
    if arguments.output_dir is None:
        raise RequestError("a batch needs --output-dir DIR")
    if arguments.play or arguments.timestamps is not None:
        raise RequestError("--play and --timestamps do not go with --batch")
    given = [option(name) for name in given_settings(arguments) if name not in FOR_ALL_ITEMS]
    for name in [*given, *(["--output"] if arguments.output is not None else [])]:
        raise RequestError(f"{name} does not go with --batch; write it into the items")
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
        suffix = known_format(arguments.format or "wav").suffixes[0]
        path = str(arguments.output_dir / f"{name}{suffix}")
        check_output(path, arguments.force)
        request = item_request(values, shelf, **given_settings(arguments))
        return BatchItem(name, path, prepare(shelf.info, request))
    except UserError as error:
        return BatchItem(name, path, None, str(error))
