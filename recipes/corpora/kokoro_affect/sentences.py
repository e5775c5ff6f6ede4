"""What is spoken: usage examples of WordNet, short phrases, templates, joins; split by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from affecttts.data.splits import sentence_split
from affecttts.errors import RequestError
from recipes.corpora.kokoro_affect.templates import templated

WORDNET = Path("/usr/share/wordnet")  # of Debian's wordnet-base
PARTS = ("noun", "verb", "adj", "adv")
PHRASES_PATH = Path(__file__).with_name("phrases.txt")
WORDS = (5, 16)  # of a sentence
JOINS = (2, 3)  # sentences that are joined to a long one, alternating
EXAMPLE = re.compile(r'"([^"]+)"')
PLAIN = re.compile(r"[A-Za-z' ,-]+")  # no digits, abbreviations or quotations


@dataclass(frozen=True)
class Sentence:
    """A text, its kind (n normal, s short, l long, t from a template) and its split."""

    text: str
    kind: str
    split: str


def wordnet_examples(folder: Path = WORDNET) -> Iterator[str]:
    """Sentences among the usage examples, in the order of the files, each once.

    Raises:
        RequestError: WordNet's files are not there.
    """
    seen: set[str] = set()
    for part in PARTS:
        path = folder / f"data.{part}"
        if not path.is_file():
            raise RequestError(
                f"{path}: no such file; install Debian's wordnet-base or give --wordnet DIR"
            )
        for line in path.read_text(encoding="latin-1").splitlines():
            for example in EXAMPLE.findall(line.partition("|")[2]):
                if (text := _as_sentence(example)) and text.lower() not in seen:
                    seen.add(text.lower())
                    yield text


def _as_sentence(example: str) -> str | None:
    """The example as a sentence; None where it is none that can be read aloud plainly."""
    text = example.strip().rstrip(".;")
    mark = text[-1:] if text[-1:] in "?!" else "."
    text = text.rstrip("?!")
    fits = (
        PLAIN.fullmatch(text) and WORDS[0] <= len(text.split()) <= WORDS[1] and text == text.strip()
    )
    return f"{text[0].upper()}{text[1:]}{mark}" if fits else None


def phrases() -> list[str]:
    """The short phrases."""
    return [
        line
        for line in PHRASES_PATH.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def choose(
    count: int, long: int, templates: int, seed: int, folder: Path = WORDNET
) -> list[Sentence]:
    """Every short phrase, and as drawn by the seed: `count` examples, `long` joins of two or three
    others, and `templates` filled templates.

    Raises:
        RequestError: WordNet is missing or too small.
    """
    examples, generator = list(wordnet_examples(folder)), np.random.default_rng((seed, 0))
    if len(examples) < count + max(JOINS) * long:
        needed = count + max(JOINS) * long
        raise RequestError(f"{folder}: {len(examples)} sentences, {needed} are needed")
    drawn = [examples[i] for i in generator.permutation(len(examples))]
    chosen = [Sentence(text, "n", sentence_split(text)) for text in drawn[:count]]
    chosen += [Sentence(text, "s", sentence_split(text)) for text in phrases()]
    chosen += list(islice(joins(drawn[count:]), long))
    fillings = templated(np.random.default_rng((seed, 3)))
    return chosen + [
        Sentence(text, "t", sentence_split(text)) for text in islice(fillings, templates)
    ]


def joins(examples: Iterable[str]) -> Iterator[Sentence]:
    """Long texts of two or three examples of one split."""
    groups: dict[str, list[str]] = {}
    made = 0
    for text in examples:
        group = groups.setdefault(sentence_split(text), [])
        group.append(text)
        if len(group) >= JOINS[made % len(JOINS)]:
            yield Sentence(" ".join(group), "l", sentence_split(group[0]))
            group.clear()
            made += 1
