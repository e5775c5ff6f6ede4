"""Which rows are trained on, validated with and tested with: by name, so that the same data is
always split the same way; and which of many are looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

SENTENCE_PERCENT = 4  # of sentences in valid, and as many in test
GROUP_SHARE = 0.1  # of speakers in valid, and as many in test

T = TypeVar("T")


def evenly(items: Sequence[T], limit: int) -> list[T]:
    """At most `limit` of the items, spread evenly over them."""
    places = np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int)
    return [items[place] for place in places]


def sentence_split(sentence: str) -> str:
    """The split of a sentence or of whatever else must not be divided."""
    place = int(hashlib.sha256(sentence.encode()).hexdigest(), 16) % 100
    return (
        "valid" if place < SENTENCE_PERCENT else "test" if place < 2 * SENTENCE_PERCENT else "train"
    )


def group_splits(
    groups: Iterable[str], held_out: tuple[str, ...] = ("valid", "test")
) -> dict[str, str]:
    """The split of every group (a speaker, a session); at least one group in each held-out split.

    Raises:
        ValueError: too few groups for that.
    """
    ranked = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).hexdigest())
    count = max(1, round(GROUP_SHARE * len(ranked)))
    if len(ranked) <= len(held_out):
        raise ValueError(
            f"{len(ranked)} groups cannot be split into train and {' and '.join(held_out)}"
        )
    splits = dict.fromkeys(ranked, "train")
    for index, split in enumerate(held_out):
        splits |= dict.fromkeys(ranked[index * count : (index + 1) * count], split)
    return splits
