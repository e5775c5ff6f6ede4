"""What the package brings to evaluate with: sentences, free-text prompts, and the shifts of the
corpus that it was trained on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
CORPUS_SHIFTS = DATA / "corpus_shifts.json"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a JSON-lines file."""
    return [
        json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]


def sentences(*kinds: str) -> list[dict[str, str]]:
    """Sentences {id, text, kind} of the given kinds (normal, long, short), in file order; all
    without a kind.
    """
    return [
        row for row in read_lines(DATA / "sentences.jsonl") if not kinds or row["kind"] in kinds
    ]


def prompts() -> list[dict[str, str]]:
    """Free-text prompts {prompt, emotion}, written apart from those that the prompt reader was
    fitted to.
    """
    return read_lines(DATA / "free_text_prompts.jsonl")
