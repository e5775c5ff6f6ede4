"""`python -m affecttts.emotion.freetext`: fit the classifier anew, or measure it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from affecttts.emotion.freetext.embedding import SentenceEmbedder, packaged_model_path
from affecttts.emotion.freetext.encoder import FreeTextEncoder
from affecttts.emotion.freetext.head import (
    FOLDS,
    HEAD_PATH,
    cross_validate,
    fit_head,
    save_head,
    training_set,
)
from affecttts.emotion.table import load_emotions


def measure(encoder: FreeTextEncoder, path: Path) -> tuple[int, list[str]]:
    """Reads a JSON-lines file of prompts with their emotions.

    Returns:
        How many prompts it has, and a line for each that was read wrongly.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    wrong = []
    for row in rows:
        emotion = encoder.read(row["prompt"]).emotion
        if emotion != row["emotion"]:
            wrong.append(f"{row['prompt']}: {emotion}, not {row['emotion']}")
    return len(rows), wrong


def _build() -> None:
    table = load_emotions()
    embedder = SentenceEmbedder(packaged_model_path())
    embeddings, labels = training_set(table, embedder)
    held_out = cross_validate(embeddings, labels).argmax(dim=1)
    accuracy = (held_out == labels).double().mean().item()
    head = fit_head(embeddings, labels)
    save_head(head, table)
    print(f"{len(labels)} phrasings, {FOLDS}-fold accuracy {accuracy:.3f}")
    print(f"temperature {head.temperature}, saved to {HEAD_PATH.name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Fits and saves the head, or measures it."""
    parser = argparse.ArgumentParser(prog="python -m affecttts.emotion.freetext")
    parser.add_argument("--build", action="store_true", help="fit and save the head")
    parser.add_argument("--measure", type=Path, metavar="JSONL", help="read prompts")
    options = parser.parse_args(argv)
    if options.build:
        _build()
    if options.measure:
        count, wrong = measure(FreeTextEncoder(), options.measure)
        print("\n".join(wrong))
        print(f"{count - len(wrong)} of {count} right")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
