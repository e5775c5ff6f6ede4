"""Sentences from templates.yaml: names, numbers, questions, exclamations and short remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

TEMPLATES_PATH = Path(__file__).with_name("templates.yaml")
KINDS = {"questions": 0.3, "exclamations": 0.25, "statements": 0.3, "short": 0.15}  # share of each
SLOT = re.compile(r"\{(\w+)\}")
ARTICLE = re.compile(r"\b([Aa])(?= [aeiou])")


def filled(template: str, slots: dict[str, list[str]], generator: np.random.Generator) -> str:
    """A template with every slot drawn, no word twice, and the article that fits."""
    used: set[str] = set()

    def draw(match: re.Match[str]) -> str:
        free = [word for word in slots[match[1]] if word not in used]
        used.add(word := free[int(generator.integers(len(free)))])
        return word

    text = ARTICLE.sub(r"\1n", SLOT.sub(draw, template))
    return text[0].upper() + text[1:]


def templated(generator: np.random.Generator) -> Iterator[str]:
    """Endless sentences, each once."""
    table = yaml.safe_load(TEMPLATES_PATH.read_text(encoding="utf-8"))
    kinds, seen = list(KINDS), set()
    while True:
        templates = table[kinds[int(generator.choice(len(kinds), p=list(KINDS.values())))]]
        text = filled(templates[int(generator.integers(len(templates)))], table["slots"], generator)
        if text not in seen:
            seen.add(text)
            yield text
