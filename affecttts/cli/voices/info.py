"""`affecttts voices info`: what an adapted voice is, and its self-test."""

from __future__ import annotations

import argparse
from pathlib import Path

from affecttts.cli.output import add_json, print_json
from affecttts.errors import RequestError
from affecttts.synthesis.voices import CARD_NAME, SELF_TEST_NAME, is_voice_folder, read_card
from codec.files import read_json


def add_to(actions) -> None:
    """Add the action to `affecttts voices`."""
    parser = actions.add_parser(
        "info", help="what a voice is, and its self-test", allow_abbrev=False
    )
    parser.add_argument("voice", type=Path, help="folder of the voice")
    add_json(parser, "the voice's card with its self-test")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is known of a voice; returns the exit code."""
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
