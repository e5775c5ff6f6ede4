"""`affecttts voices merge`: a model folder with an adapted voice built in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from affecttts.errors import OutputError, RequestError
from affecttts.synthesis.lora import export_merged
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.voices import CARD_NAME, is_voice_folder, read_card


def add_to(actions) -> None:
    """Add the action to `affecttts voices`."""
    what = "write a model folder with the voice built in; its lm/ is a plain Llama checkpoint"
    parser = actions.add_parser("merge", help=what, allow_abbrev=False)
    parser.add_argument("voice", type=Path, help="folder of the voice")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="model folder to write"
    )
    parser.add_argument(
        "--model",
        metavar="DIR",
        type=Path,
        help="the voice's base model (default: the shipped model)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the model folder; returns the exit code."""
    if arguments.output.exists():
        raise RequestError(f"{arguments.output} exists; give another folder")
    if not is_voice_folder(arguments.voice):
        raise RequestError(f"{arguments.voice}: no adapted voice there (no {CARD_NAME})")
    folder, info = read_model_info(arguments.model)
    try:
        export_merged(folder, info, arguments.voice, arguments.output)
    except OSError as error:
        raise OutputError(
            f"{arguments.output}: cannot be written ({error.strerror or error})"
        ) from error
    name, output = read_card(arguments.voice).name, arguments.output
    print(
        f"{output}: model with the voice {name!r}; speak with --model {output} --voice {name}",
        file=sys.stderr,
    )
    return 0
