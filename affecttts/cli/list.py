"""`affecttts list`: what can be asked for: emotions and voices."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from affecttts.cli.output import add_json, print_json
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import ModelInfo, read_model_info
from affecttts.synthesis.voices import is_voice_folder, read_card
from codec.errors import CheckpointError

EXAMPLE = """examples:
  affecttts list emotions
  affecttts list voices --folder voices
"""


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "list",
        help="list emotions or voices",
        epilog=EXAMPLE,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("emotions", "voices"))
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, help="voices: the adapted ones in this folder instead"
    )
    add_json(parser, "an array; `id` is what --emotion or --voice takes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
    if arguments.folder is not None:
        if arguments.what != "voices":
            raise RequestError("--folder goes with `list voices` alone")
        rows = _adapted_voices(arguments.folder)
    else:
        _, info = read_model_info(arguments.model)
        rows = _voices(info) if arguments.what == "voices" else _emotions(info)
    if arguments.json:
        print_json(rows)
        return 0
    width = max(12, *(len(row["id"]) + 1 for row in rows)) if rows else 0
    for row in rows:
        aliases = f" ({', '.join(row['aliases'])})" if row.get("aliases") else ""
        print(f"{row['id']:<{width}}{row.get('error') or row['description']}{aliases}")
    return 0


def _emotions(info: ModelInfo) -> list[dict[str, Any]]:
    return [asdict(emotion) for emotion in load_emotions().emotions if emotion.id in info.emotions]


def _voices(info: ModelInfo) -> list[dict[str, Any]]:
    return [{"id": name, "description": info.voice_notes.get(name, "")} for name in info.voices]


def _adapted_voices(folder: Path) -> list[dict[str, Any]]:
    """The voice folders of a folder, those that cannot be read too."""
    if not folder.is_dir():
        raise RequestError(f"{folder}: no such folder; give the one that holds the voices")
    return [_adapted_voice(p) for p in sorted(folder.glob("[!.]*")) if is_voice_folder(p)]


def _adapted_voice(folder: Path) -> dict[str, Any]:
    try:
        card = read_card(folder)
    except CheckpointError as error:
        return {"id": str(folder), "error": str(error)}
    seconds = card.data.get("clip_seconds") or 0
    return {
        "id": str(folder),
        "description": f"{card.name}, voice of {card.base.name}, {seconds / 60:.1f} min",
        "name": card.name,
        "base": card.base.name,
        "seconds": seconds,
    }
