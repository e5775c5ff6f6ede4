"""`affecttts list`: what can be asked for."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from affecttts.emotion.table import load_emotions
from affecttts.synthesis.model_folder import read_model_info


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("list", help="list emotions or voices", allow_abbrev=False)
    parser.add_argument("what", choices=("emotions", "voices"))
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
    from affecttts.cli.output import print_json

    _, info = read_model_info(arguments.model)
    if arguments.what == "voices":
        rows = [{"id": name, "description": info.voice_notes.get(name, "")} for name in info.voices]
    else:
        rows = [
            asdict(emotion) for emotion in load_emotions().emotions if emotion.id in info.emotions
        ]
    if arguments.json:
        print_json(rows)
        return 0
    for row in rows:
        aliases = f" ({', '.join(row['aliases'])})" if row.get("aliases") else ""
        print(f"{row['id']:<12}{row['description']}{aliases}")
    return 0
