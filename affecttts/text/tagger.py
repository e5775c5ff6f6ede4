"""How a word is used in its sentence: as a noun, a verb, an adjective, or in the past.

A count of hints from the words around it, each with a weight set by hand on
the sentences for development in `tests/data/heteronyms.jsonl`.
"""

import functools
from collections.abc import Sequence

from affecttts.text.tables import table

NOUN, VERB, ADJECTIVE, PAST = "noun", "verb", "adjective", "past"
Scores = dict[str, float]

_ADJECTIVE_ENDINGS = (
    "al",
    "ous",
    "ive",
    "ic",
    "ful",
    "less",
    "able",
    "ible",
    "ary",
    "ish",
    "ern",
    "ent",
    "ant",
    "ial",
    "some",
    "ior",
)
_VERB_PLURALS = ("ss", "us", "is", "'s")


def scores(words: Sequence[str], index: int, last: bool = False, name: bool = False) -> Scores:
    """Weighs the uses of a word.

    Args:
        words: The words of a sentence, in small letters, without marks.
        index: Which word.
        last: It ends a clause: the word after it says nothing of it.
        name: It is written with a capital, as in a title, inside the sentence.

    Returns:
        A weight for each of noun, verb, adjective and past; more is likelier.
    """
    found = {NOUN: 0.0, VERB: 0.0, ADJECTIVE: 0.0, PAST: 0.0}
    before = _before(words, index)
    after = words[index + 1] if index + 1 < len(words) and not last else ""
    third_person = words[index].endswith("s") and not words[index].endswith("ss")
    _weigh_before(found, before, after, third_person)
    _weigh_after(found, before[0], after)
    _weigh_clause(found, words, index, before[0])
    found[NOUN] += 2.5 if name else 0
    return found


def _tells_past(words: Sequence[str]) -> bool:
    """Tells whether a time in the past is named: "yesterday", "last night", "when I was"."""
    if "yesterday" in words or "ago" in words:
        return True
    if "when" in words:
        place = words.index("when")
        if not listed("past").isdisjoint(words[place + 1 : place + 4]):
            return True
    spans = (
        "night",
        "week",
        "month",
        "year",
        "summer",
        "winter",
        "spring",
        "fall",
        "monday",
        "friday",
        "sunday",
        "time",
    )
    return any(
        word == "last" and following in spans
        for word, following in zip(words, words[1:], strict=False)
    )


@functools.cache
def listed(name: str) -> frozenset[str]:
    """Returns the words of one list of the table `context`."""
    return frozenset(table("context")[name].split())


def _before(words: Sequence[str], index: int) -> tuple[str, str, str]:
    """Returns the three words before, the nearest first, which is no adverb; "" at the start."""
    place = index - 1
    while place >= 0 and (
        words[place] in listed("adverbs") or (words[place].endswith("ly") and len(words[place]) > 4)
    ):
        place -= 1
    if place < 0 and index > 0 and words[index - 1] in ("never", "always", "just", "simply"):
        return "", "", ""
    return tuple(words[at] if at >= 0 else "" for at in (place, place - 1, place - 2))


def _weigh_before(found: Scores, before: Sequence[str], after: str, third_person: bool) -> None:
    """Weighs the words before, the nearest first."""
    if not _weigh_after_function_word(found, before[0], before[1], after, third_person):
        _weigh_after_other_word(found, before, third_person)


def _weigh_after_function_word(
    found: Scores, before: str, far: str, after: str, third_person: bool
) -> bool:
    """Whether the word before decided: none, an auxiliary, a determiner and the like."""
    if not before or before in ("please", "kindly"):
        command = (
            before
            or after in listed("determiners")
            or after in listed("objects")
            or after in listed("prepositions")
        )
        found[VERB if command else NOUN] += (
            3 if before or after not in listed("prepositions") else 0.7
        )
    elif before == "to" and third_person:
        found[NOUN] += 3
    elif before == "to":
        found[NOUN if far in listed("to_nouns") else VERB] += 2 if far in listed("to_nouns") else 4
    elif before in listed("modals"):
        found[VERB] += 4
    elif before in listed("auxiliary_do"):
        found[VERB] += 2
    elif before in listed("have"):
        found[PAST] += 4
        found[NOUN] += 1
    elif before in listed("be"):
        found[ADJECTIVE] += 2.5
        found[PAST] += 3
        found[NOUN] += 1
    elif before in listed("degree") and before != "all":
        found[ADJECTIVE] += 3
    elif far in listed("causatives") and before in listed("objects") | {"us", "me"}:
        found[VERB] += 4 if after in listed("determiners") or before != "her" else 0
        found[NOUN] += 1 if before == "her" else 0
    elif before in listed("determiners") or before.endswith(("'s", "s'")):
        found[NOUN] += 4
        found[ADJECTIVE] += 3.5
    else:
        return False
    return True


def _weigh_after_other_word(found: Scores, words: Sequence[str], third_person: bool) -> None:
    before = words[0]
    if before in listed("subjects"):
        found[VERB] += 6 if before == "who" else 3.5
        found[PAST] += 1
    elif before in listed("singular_subjects"):
        found[VERB if third_person else PAST] += 3.5
        found[VERB] += 0 if third_person or before == "it" else 0.5
    else:
        _weigh_other(found, words, third_person)


def _weigh_other(found: Scores, words: Sequence[str], third_person: bool) -> None:
    """Weighs a word before that is neither an auxiliary, a subject nor a determiner."""
    before, far, farthest = words
    if before in ("which", "that"):
        found[VERB] += (
            2 if far and far not in listed("verbs") and far not in listed("prepositions") else 0
        )
        found[NOUN] += 1.5
    elif before in listed("prepositions"):
        found[NOUN] += 3
        found[ADJECTIVE] += 1
    elif before in listed("adjectives") or before.endswith(_ADJECTIVE_ENDINGS) or "-" in before:
        found[NOUN] += 2.5
    elif before in listed("conjunctions"):
        found[VERB] += 1.5 if far in listed("base_verbs") else 0
        found[VERB] += 2.5 if farthest in listed("modals") | {"to"} and not third_person else 0
    elif (
        before.endswith("s")
        and not before.endswith(_VERB_PLURALS)
        and not third_person
        and before not in listed("verbs")
    ):
        found[VERB] += 2
        found[PAST] += 1
    elif third_person and before.endswith("s") and not before.endswith(_VERB_PLURALS):
        found[NOUN] += 2
    elif before in listed("verbs") or before.endswith(("ed", "ing")):
        found[NOUN] += 1.5
        found[ADJECTIVE] += 1
    else:
        found[NOUN] += (0.5 if third_person else 1) + (1.5 if far in listed("determiners") else 0)
        found[VERB] += 1 if third_person else 0
        found[PAST] += 1.5


def _weigh_after(found: Scores, before: str, after: str) -> None:
    if after == "of":
        found[NOUN] += 2.5
    elif after in (
        "her",
        "it",
        "you",
        "me",
        "him",
        "them",
        "us",
        "himself",
        "herself",
        "themselves",
    ):
        found[VERB] += 2.5
    elif after in listed("determiners"):
        found[VERB] += 2
        found[PAST] += 2
    elif (
        after in listed("be")
        or after in listed("modals")
        or after in listed("have")
        or after in listed("auxiliary_do")
    ):
        found[NOUN] += 2.5
    elif after in listed("conjunctions"):
        found[NOUN] += 0.5
        found[ADJECTIVE] += 0.3
    elif after == "that":
        found[VERB] += 1.5
    elif after == "to":
        found[ADJECTIVE] += 0.5
    elif after in listed("prepositions") or not after:
        pass
    elif after in listed("verbs"):
        found[NOUN] += 1
    elif after.endswith("ly"):
        found[VERB] += 0.8
    else:
        found[ADJECTIVE] += 1.5
        found[VERB] += 0.7 if after.endswith("s") and before not in listed("determiners") else 0


def _weigh_clause(found: Scores, words: Sequence[str], index: int, before: str) -> None:
    others = [word for place, word in enumerate(words) if place != index]
    if any(
        word in listed("verbs")
        or word in listed("modals")
        or (word.endswith("ed") and len(word) > 4)
        or word in listed("be")
        for word in others
    ):
        found[NOUN] += 0.7
    else:
        found[VERB] += 2
    asked = words[0] in listed("auxiliary_do") | listed("modals") or (
        len(words) > 1
        and words[0] in ("why", "how", "what", "when", "where")
        and words[1] in listed("auxiliary_do") | listed("modals")
    )
    if (
        asked
        and 2 <= index <= 4
        and before not in listed("determiners")
        and before not in listed("prepositions")
    ):
        found[VERB] += 2.5
    if any(word in listed("past") or (word.endswith("ed") and len(word) > 4) for word in others):
        found[PAST] += 2
    if _tells_past(words):
        found[PAST] += 4
    elif any(word in listed("present") for word in others):
        found[PAST] -= 1.5
