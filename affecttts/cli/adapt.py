"""`affecttts adapt`: a new voice from recordings."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

from affecttts.adaptation.config import USUAL_EPOCHS, AdaptationConfig
from affecttts.errors import RequestError
from affecttts.training.config import load_config

EXAMPLE = """examples:
  affecttts adapt --audio recordings/ --name allison --output voices/allison
  affecttts synthesize --voice voices/allison --emotion sad \\
    --text "I thought you would stay." -o sad.wav"""
# config values with an option of their own
SHORTCUTS = ("epochs", "rank", "learning_rate", "replay_share")


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "adapt",
        help="teach the model a new voice from recordings",
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    _add_voice(parser.add_argument_group("the voice"))
    _add_training(parser.add_argument_group("training"))
    _add_base(parser.add_argument_group("model and base data"))
    parser.add_argument("--yes", action="store_true", help="do not ask before the training")
    parser.add_argument("--force", action="store_true", help="replace an existing voice")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars")


def _add_voice(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    sources = (
        "folder of audio (NAME.txt beside NAME.wav is its transcript), or a CSV or JSONL "
        "table: path, text, emotion"
    )
    consent = "what the speaker agreed to; its hash is kept with the voice"
    whisper = (
        "faster-whisper model for recordings without transcripts (default: the offline "
        "package's tiny.en)"
    )
    add("--audio", type=Path, required=True, metavar="PATH", help=sources)
    add("--name", required=True, help="name of the voice")
    add("--output", type=Path, required=True, metavar="DIR", help="folder of the voice")
    add("--consent", type=Path, metavar="FILE", help=consent)
    add("--recogniser", type=Path, metavar="DIR", help=whisper)


def _add_training(group: argparse._ArgumentGroup) -> None:
    add, default = group.add_argument, AdaptationConfig()
    epochs = f"passes over the recordings (default {USUAL_EPOCHS}, more for few recordings)"
    replay = (
        "share of base data in every step, which preserves emotions and other voices (default "
        f"{default.replay_share:g})"
    )
    decoder = "tune the codec's decoder to the voice too (adds about 20 MB)"
    config = "YAML file of further settings, see recipes/configs/small/adapt.yaml"
    add("--epochs", type=float, help=epochs)
    add("--rank", type=int, help=f"of the adapter (default {default.rank})")
    add("--learning-rate", type=float, help=f"peak (default {default.learning_rate:g})")
    add("--replay-share", type=float, help=replay)
    add("--adapt-codec", action="store_true", help=decoder)
    add("--config", metavar="FILE", help=config)
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")


def _add_base(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    manifest = "base data instead of the model's: a manifest with durations ..."
    add("--model", metavar="DIR", type=Path, help="model folder (default: the shipped model)")
    add("--replay-manifest", type=Path, metavar="FILE", help=manifest)
    add("--replay-tokens", type=Path, metavar="DIR", help="... and its code shards")


def run(arguments: argparse.Namespace) -> int:
    """Adapt; returns the exit code."""
    config = _config(arguments)
    if not arguments.yes and (not sys.stdin.isatty() or int(os.environ.get("WORLD_SIZE", "1")) > 1):
        raise RequestError(
            "cannot ask for confirmation without a terminal, or in several processes; give --yes"
        )
    from affecttts.adaptation.prepare import say_to_user
    from affecttts.adaptation.run import AdaptationRequest, Declined, adapt

    shared = {field.name for field in fields(AdaptationRequest)} & set(vars(arguments))
    request = AdaptationRequest(
        **{name: getattr(arguments, name) for name in shared}, show_progress=not arguments.quiet
    )
    try:
        result = adapt(
            request, config, lambda question: arguments.yes or _ask(question), say_to_user
        )
    except Declined:
        print("affecttts: nothing was changed", file=sys.stderr)
        return 0
    if result is not None:
        print("\n".join(result.lines()))
        print(
            f"{arguments.output}: voice {arguments.name!r}; speak with --voice {arguments.output}",
            file=sys.stderr,
        )
    return 0


def _config(arguments: argparse.Namespace) -> AdaptationConfig:
    """Defaults, then the file, then single values."""
    given = {
        name: getattr(arguments, name) for name in SHORTCUTS if getattr(arguments, name) is not None
    }
    overrides = [*arguments.set, *(f"{name}={value}" for name, value in given.items())]
    return load_config(AdaptationConfig, arguments.config, overrides)


def _ask(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
