"""Splits long text into pieces short enough for the model to say well."""

import functools
import re

from affecttts.text.tables import table

SHORT_SENTENCE = 20
"""Sentences with fewer characters join a neighbour."""

MAX_MERGED = 120
"""A joined pair stays under this many characters."""

CLOSERS = "\"'”’)]»"
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")
_CONJUNCTIONS = frozenset(
    "and but or nor so yet because although though while when where which who "
    "that if unless until since before after".split()
)
_NUMBER_SIGNS = frozenset(("No", "Nos"))
# "J.", "U.S.", "e.g.", "p.m."
_INITIALS = re.compile(r"(?:[A-Za-z]\.){1,8}$")


def split_text(text: str, max_chars: int = 180, merge: bool = True) -> list[str]:
    """Splits text at sentences, then clauses, then words.

    Lengths are those of the text given: pass normalised text where numbers and
    abbreviations may make the spoken form much longer.

    Args:
        text: Text that `check_text` accepts.
        max_chars: The most characters in a chunk; only a single longer word
            may exceed it.
        merge: Whether short sentences join a neighbour.

    Returns:
        Chunks that together hold the words of `text`, in order.

    Raises:
        ValueError: `max_chars` is below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}; it must be at least 1")
    sentences = [" ".join(words) for words in _sentences(text)]
    chunks = []
    for sentence in _merge_short(sentences, max_chars) if merge else sentences:
        chunks.extend(_split_sentence(sentence.split(), max_chars))
    return chunks


def _sentences(text: str) -> list[list[str]]:
    sentences = []
    for paragraph in _PARAGRAPH.split(text):
        words = paragraph.split()
        start = 0
        for index, word in enumerate(words):
            following = words[index + 1] if index + 1 < len(words) else ""
            if not following or ends_sentence(word, following):
                sentences.append(words[start : index + 1])
                start = index + 1
    return sentences


def ends_sentence(word: str, following: str) -> bool:
    """Whether a word ends a sentence, by the word after it."""
    bare = word.rstrip(CLOSERS)
    if not bare.endswith((".", "!", "?", "…")) or following[0].islower():
        return False
    # "I." ends "So do I." far more often than it stands for a name.
    if bare.endswith("…") or not bare.endswith(".") or bare == "I.":
        return True
    opened = bare.lstrip("\"'“‘([«")
    if opened[:-1] in _NUMBER_SIGNS:  # "No. 5", but "No. Go away."
        return not following[0].isdigit()
    return not (opened[:-1] in _inner_abbreviations() or _INITIALS.match(opened))


@functools.cache
def _inner_abbreviations() -> frozenset[str]:
    """Returns those that stand before what they qualify, and so end no sentence."""
    words = table("abbreviations")
    return frozenset(words["titles"]) - frozenset(words["final"]) | {
        "St",
        "vs",
        "approx",
        "e.g",
        "i.e",
    }


def _merge_short(sentences: list[str], max_chars: int) -> list[str]:
    limit = min(MAX_MERGED - 1, max_chars)
    merged: list[str] = []
    for sentence in sentences:
        shortest = min(len(sentence), len(merged[-1])) if merged else SHORT_SENTENCE
        if shortest < SHORT_SENTENCE and len(merged[-1]) + 1 + len(sentence) <= limit:
            merged[-1] += " " + sentence
        else:
            merged.append(sentence)
    return merged


def _split_sentence(words: list[str], max_chars: int) -> list[str]:
    left = len(words) - 1 + sum(map(len, words))
    chunks = []
    start = 0
    while start < len(words):
        # Even parts: a last part of one word would be said badly.
        target = left / -(-left // max_chars)
        end = _best_break(words, start, target, max_chars)
        chunks.append(" ".join(words[start:end]))
        left -= len(chunks[-1]) + 1
        start = end
    return chunks


def _best_break(words: list[str], start: int, target: float, max_chars: int) -> int:
    """Returns the index after the last word of the chunk that begins at `start`."""
    best, best_score = start + 1, (-1, 0.0)
    length = -1
    for end in range(start + 1, len(words) + 1):
        length += 1 + len(words[end - 1])
        if length > max_chars:
            break
        if end == len(words):
            return end
        # A clause end far from the target would leave a fragment.
        near = length >= target / 2
        rank = _break_rank(words[end - 1], words[end]) if near else 0
        score = (rank, -abs(length - target))
        if score > best_score:
            best, best_score = end, score
    return best


def _break_rank(word: str, following: str) -> int:
    if word.rstrip(CLOSERS).endswith((",", ";", ":", "—", ".", "!", "?")):
        return 2
    return int(following.lower() in _CONJUNCTIONS)
