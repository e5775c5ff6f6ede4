"""Words that are said in two ways, and which way a sentence means."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from affecttts.text.tables import table
from affecttts.text.tagger import ADJECTIVE, NOUN, VERB, scores

_NAMES = ("job", "nice", "reading")  # Job, Nice and Reading are said otherwise

NEXT_TO, NEARBY = 3.0, 2.0
"""The weights of a telling word right beside the heteronym, and of one anywhere in the sentence."""


@dataclass(frozen=True)
class Reading:
    """One way to say a word, and what speaks for it; without phones, espeak's own."""

    phones: str
    uses: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]
    near: frozenset[str]
    bias: float

    def weigh(
        self, found: Mapping[str, float], words: Sequence[str], index: int, last: bool
    ) -> float:
        weight = self.bias + max((found[use] for use in self.uses), default=0.0)
        if index and words[index - 1] in self.before:
            weight += NEXT_TO
        if not last and index + 1 < len(words) and words[index + 1] in self.after:
            weight += NEXT_TO
        return weight + NEARBY * sum(
            word in self.near for place, word in enumerate(words) if place != index
        )


def pronounce(words: Sequence[str], index: int, written: str, last: bool = False) -> str | None:
    """Says a heteronym as its sentence means it.

    Args:
        words: The words of the sentence in small letters, without marks.
        index: Which word.
        written: The word with its capitals.
        last: It ends a clause.

    Returns:
        Phones, or none where the word is said in one way only.
    """
    if words[index] == "polish" and _is_polish(words, index, written):
        return "pˈOlɪʃ"
    readings = _readings().get(words[index])
    if not readings:
        return None
    if words[index] in _NAMES and not written[0].isupper():
        return readings[0].phones
    found = scores(words, index, last, name=index > 0 and written.istitle())
    best = max(readings, key=lambda reading: reading.weigh(found, words, index, last))
    if best is readings[0] and best.phones.endswith("əɹ"):
        return None  # espeak says it so too, and links the r to a vowel that follows
    return best.phones or None


def is_heteronym(word: str) -> bool:
    """Tells whether a word in small letters may be said in two ways."""
    return word in _readings()


def _is_polish(words: Sequence[str], index: int, written: str) -> bool:
    """Tells the people of Poland, in capitals, from the command to rub until it shines."""
    return written[0].isupper() and (
        index > 0
        or words[1:2]
        not in (["the"], ["your"], ["it"], ["my"], ["his"], ["her"], ["off"], ["up"], ["them"])
    )


@functools.cache
def _readings() -> dict[str, tuple[Reading, ...]]:
    data = table("heteronyms")
    found = {}
    for word, (noun, verb) in data["shift"].items():
        hints = data["hints"].get(word, {})
        for ending in ("", "s"):
            found[word + ending] = (
                _reading(
                    {"phones": noun + _plural(noun, ending), **hints.get("noun", {})},
                    (NOUN, ADJECTIVE),
                ),
                _reading(
                    {"phones": verb + _plural(verb, ending), **hints.get("verb", {})}, (VERB,)
                ),
            )
    for word, readings in data["readings"].items():
        found[word] = tuple(
            _reading(reading, tuple(reading.get("use", "").split())) for reading in readings
        )
    return found


def _reading(entry: Mapping, uses: tuple[str, ...]) -> Reading:
    before, after, near = (
        frozenset(entry.get(name, "").split()) for name in ("before", "after", "near")
    )
    return Reading(entry["phones"], uses, before, after, near, entry.get("bias", 0.0))


def _plural(phones: str, ending: str) -> str:
    if not ending:
        return ""
    return "ɪz" if phones[-1] in "szʃʒʧʤ" else "s" if phones[-1] in "ptkfθ" else "z"
