"""What the words of a prompt name: emotions, refusals of them, and how strong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from affecttts.emotion.table import MAX_INTENSITY, EmotionTable

NAMED_SHARE = 0.9  # of the probability that goes to emotions named in the prompt

_NEGATORS = r"(?:not|\w+n['’]t|never|without|no|neither|nor|non|cannot)"
# Words that may stand between a negator and the name that it negates.
_FILLERS = (
    r"(?:at|all|too|so|very|really|any|a|an|the|be|sound|being|feel|feeling|"
    r"trace|hint|bit|of|that|overly|in|least|longer|particularly|especially|"
    r"acting|sounding|seem|seeming)"
)


@dataclass(frozen=True)
class Names:
    """The emotions that a prompt names.

    Attributes:
        named: Ids that it asks for.
        negated: Ids that it refuses ("not angry").
        remainder: The prompt without the refusals.
    """

    named: tuple[str, ...]
    negated: tuple[str, ...]
    remainder: str


def find_names(text: str, table: EmotionTable) -> Names:
    """Finds the ids and aliases of emotions in a text, and refusals of them."""
    name = _alternatives(table.names)
    refusal = re.compile(
        rf"\b{_NEGATORS}\b(?:[\s-]+{_FILLERS}\b)*[\s-]+"
        rf"{name}(?:\s+(?:or|nor)\s+{name})*",
        re.IGNORECASE,
    )
    word = re.compile(name, re.IGNORECASE)
    spans = [match.group() for match in refusal.finditer(text)]
    refused = [found for span in spans for found in word.findall(span)]
    remainder = refusal.sub(" ", text).strip()
    negated = _ids(refused, table)
    named = [i for i in _ids(word.findall(remainder), table) if i not in negated]
    return Names(tuple(named), tuple(negated), remainder)


def favour_names(read: Mapping[str, float], names: Names) -> dict[str, float]:
    kept = {i: 0.0 if i in names.negated else p for i, p in read.items()}
    total = sum(kept.values())
    kept = {i: p / total for i, p in kept.items()}
    if not names.named:
        return kept
    bonus = NAMED_SHARE / len(names.named)
    return {
        i: (1.0 - NAMED_SHARE) * p + (bonus if i in names.named else 0.0) for i, p in kept.items()
    }


def read_intensity(text: str, table: EmotionTable) -> float:
    """Multiplies the intensity words of a text; 1 where it has none.

    Returns:
        The intensity, at most 1.5.
    """
    anywhere = _alternatives(table.intensity_words)
    leading = _alternatives(table.intensity_words_before_emotion)
    name = _alternatives(table.names)
    intensity = 1.0
    for word in re.findall(anywhere, text, re.IGNORECASE):
        intensity *= table.intensity_words[_key(word)]
    for word in re.findall(rf"({leading})\s+{name}", text, re.IGNORECASE):
        intensity *= table.intensity_words_before_emotion[_key(word)]
    return min(intensity, MAX_INTENSITY)


def _alternatives(words: Mapping[str, object]) -> str:
    """A pattern of whole words or phrases, longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    phrases = (re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)
    return rf"\b(?:{'|'.join(phrases)})\b"


def _ids(words: Sequence[str], table: EmotionTable) -> list[str]:
    return list(dict.fromkeys(table.names[word.lower()].id for word in words))


def _key(word: str) -> str:
    return " ".join(word.lower().split())
