"""`affecttts synthesize`: one text, or a batch."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from affecttts.cli.output import (
    STDOUT,
    add_json,
    check_output,
    chosen_format,
    print_json,
    write_sound,
    write_text,
)
from affecttts.cli.request_options import add_request_options, given_settings
from affecttts.cli.source import add_text, read_text
from affecttts.cli.synthesize import batch
from affecttts.cli.synthesize.player import installed_player, played
from affecttts.errors import RequestError
from affecttts.synthesis import captions
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import PreparedRequest, SpeechRequest, prepare
from affecttts.synthesis.result import TimedPhone, TimedWord
from affecttts.synthesis.stream import SpeechStream
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import VoiceShelf
from codec.encoders import FORMATS

EXAMPLE = (
    'example: affecttts synthesize --text "We did it!" --emotion happy --intensity 1.2 -o out.wav'
)


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "synthesize", help="speak a text", epilog=EXAMPLE, allow_abbrev=False
    )
    source = add_text(parser, "what to say")
    source.add_argument(
        "--batch",
        metavar="JSONL",
        help="speak every line: an object with id, text and, where wanted, the options below",
    )
    add_request_options(parser)
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    _add_outputs(parser)
    parser.set_defaults(run=run)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"audio file ({', '.join(FORMATS)} by its suffix); - streams to standard output",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="whatever the suffix (default of -o -: wav)"
    )
    parser.add_argument("--play", action="store_true", help="play it while it is spoken")
    parser.add_argument(
        "--timestamps",
        metavar="FILE",
        help="where words begin and end: .json (phones as well), .srt or .vtt",
    )
    parser.add_argument(
        "--output-dir", metavar="DIR", type=Path, help="folder of a batch, one ID.wav per item"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_json(parser, "what was made, one object per result")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar, no closing line"
    )


@dataclass
class Spoken:
    """What is known of a speech once its chunks have gone by."""

    stream: SpeechStream
    warnings: tuple[str, ...]
    seed: int
    samples: int = 0
    words: list[TimedWord] = field(default_factory=list)
    phones: list[TimedPhone] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.stream.sample_rate

    @property
    def finish_reason(self) -> str:
        """As of a `SpeechResult`."""
        return self.stream.finish_reason or "end"

    def chunks(self, times: bool) -> Iterator[np.ndarray]:
        """The samples of each chunk, float32 [t].

        Args:
            times: whether words and phones are kept.

        Raises:
            GenerationError: the frame budget ran out before the text was spoken.
        """
        for chunk in self.stream:
            self.samples += len(chunk.audio)
            if times:
                self.words += chunk.words
                self.phones += chunk.phones
            yield chunk.audio
        batch.check_ended(self.finish_reason, self.stream.request)


def run(arguments: argparse.Namespace) -> int:
    """Speak; returns the exit code."""
    if arguments.batch:
        return batch.run(arguments)
    format, player = _check_outputs(arguments)
    folder, info = read_model_info(arguments.model)
    shelf = VoiceShelf(info)
    request = SpeechRequest(read_text(arguments), **given_settings(arguments))
    request = replace(request, voice=shelf.name(request.voice))
    prepared = prepare(shelf.info, request)
    for target in (arguments.output, arguments.timestamps):
        if target is not None:
            check_output(target, arguments.force)
    synthesizer = Synthesizer.with_voices(folder, info, shelf.folders)
    started = time.perf_counter()
    spoken = _speak(arguments, synthesizer, prepared, format, player)
    elapsed = time.perf_counter() - started
    if arguments.timestamps is not None:
        text = captions.captions(arguments.timestamps, spoken.words, spoken.phones)
        write_text(arguments.timestamps, text, arguments.force)
    _report(arguments, spoken, elapsed)
    return 0


def _check_outputs(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """Refuse outputs that contradict each other -> the format of the sound, and the player."""
    output = arguments.output
    if output is None and not arguments.play:
        raise RequestError("give an output file with -o FILE, or -o - for standard output")
    if arguments.json and output == STDOUT:
        raise RequestError("--json and -o - both want standard output; give a file name")
    if arguments.output_dir is not None:
        raise RequestError("--output-dir goes with --batch; give -o FILE")
    if arguments.timestamps is not None:
        captions.check_name(arguments.timestamps)
    player = installed_player() if arguments.play else None
    return chosen_format(arguments.format, output or STDOUT), player


def _speak(
    arguments: argparse.Namespace,
    synthesizer: Synthesizer,
    prepared: PreparedRequest,
    format: str,
    player: str | None,
) -> Spoken:
    """Write and play what is spoken, chunk by chunk; a bar over the pieces of a long text, on a
    terminal only.
    """
    from tqdm import tqdm

    hidden = arguments.quiet or len(prepared.phones) == 1 or not sys.stderr.isatty()
    with tqdm(total=len(prepared.phones), unit="piece", disable=hidden) as bar:
        with synthesizer.start(prepared, on_piece=lambda _: bar.update()) as stream:
            spoken = Spoken(stream, prepared.warnings, prepared.seed)
            chunks = spoken.chunks(arguments.timestamps is not None)
            if player is not None:
                chunks = played(chunks, stream.sample_rate, player)
            if arguments.output is not None:
                write_sound(arguments.output, chunks, stream.sample_rate, format, arguments.force)
            else:
                deque(chunks, maxlen=0)
    return spoken


def _report(arguments: argparse.Namespace, spoken: Spoken, elapsed: float) -> None:
    if arguments.json:
        print_json(batch.describe(arguments.output, spoken, elapsed))
    elif not arguments.quiet:
        for warning in spoken.warnings:
            print(f"affecttts: {warning}", file=sys.stderr)
        print(
            f"{arguments.output or 'played'}: {spoken.seconds:.2f} s, real-time factor "
            f"{elapsed / max(spoken.seconds, 1e-9):.2f}, seed {spoken.seed}",
            file=sys.stderr,
        )
