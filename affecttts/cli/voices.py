"""`affecttts voices`: adapted voices: what they are, and export."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from affecttts.errors import OutputError, RequestError
from affecttts.synthesis.lora import export_merged
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.voices import CARD_NAME, SELF_TEST_NAME, is_voice_folder, read_card
from codec.errors import CheckpointError
from codec.files import read_json


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "voices", help="adapted voices: list, info, merge", allow_abbrev=False
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the voices in a folder", allow_abbrev=False)
    where = "folder of voice folders (default: voices)"
    listing.add_argument("folder", nargs="?", type=Path, default=Path("voices"), help=where)
    listing.set_defaults(run=_list)
    info = actions.add_parser("info", help="what a voice is, and its self-test", allow_abbrev=False)
    info.add_argument("voice", type=Path, help="folder of the voice")
    info.set_defaults(run=_info)
    for action in (listing, info):
        action.add_argument("--json", action="store_true", help="print JSON")
    what = "write a model folder with the voice built in; its lm/ is a plain Llama checkpoint"
    merge = actions.add_parser("merge", help=what, allow_abbrev=False)
    merge.add_argument("voice", type=Path, help="folder of the voice")
    merge.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="model folder to write"
    )
    merge.add_argument(
        "--model",
        metavar="DIR",
        type=Path,
        help="the voice's base model (default: the shipped model)",
    )
    merge.set_defaults(run=_merge)


def _list(arguments: argparse.Namespace) -> int:
    from affecttts.cli.output import print_json

    if not arguments.folder.is_dir():
        raise RequestError(
            f"{arguments.folder}: no such folder; give the one that holds the voices"
        )
    rows = []
    for folder in sorted(path for path in arguments.folder.glob("[!.]*") if is_voice_folder(path)):
        try:
            card = read_card(folder)
            seconds = card.data.get("clip_seconds")
            rows.append(
                {"path": str(folder), "name": card.name, "base": card.base.name, "seconds": seconds}
            )
        except CheckpointError as error:
            rows.append({"path": str(folder), "error": str(error)})
    if arguments.json:
        print_json(rows)
        return 0
    for row in rows:
        what = row.get("error") or (
            f"{row['name']:<16} of {row['base']}, {(row['seconds'] or 0) / 60:.1f} min"
        )
        print(f"{row['path']:<28} {what}")
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from affecttts.cli.output import print_json

    if not is_voice_folder(arguments.voice):
        raise RequestError(f"{arguments.voice}: no adapted voice there (no {CARD_NAME})")
    card, path = read_card(arguments.voice), arguments.voice / SELF_TEST_NAME
    test = read_json(path) if path.exists() else {}
    if arguments.json:
        print_json({**card.to_dict(), "self_test": test})
        return 0
    base, data = card.base, card.data
    print(
        f"{card.name}: voice of {base.name} (LM {base.lm}, codec {base.codec}), started from "
        f"{card.started_from}"
    )
    print(
        f"data: {data.get('clips')} clips, {(data.get('clip_seconds') or 0) / 60:.1f} min; "
        f"emotions {data.get('emotions')}"
    )
    print(f"consent: {'sha256 ' + card.consent_sha256 if card.consent_sha256 else 'none on file'}")
    for row in test.get("rows", []):
        print(f"{row['name']}: {row['value']}")
    return 0


def _merge(arguments: argparse.Namespace) -> int:
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
