"""Chunks hold all the words, in order, and are short enough."""

import random

import pytest

from affecttts.text import split_text

LONG = (
    "It was a dark night and the rain fell in torrents, except at occasional intervals, "
    "when it was checked by a violent gust of wind which swept up the streets, for it is "
    "in London that our scene lies, rattling along the housetops and fiercely agitating "
    "the scanty flame of the lamps that struggled against the darkness."
)


def _random_text(seed: int) -> str:
    rng = random.Random(seed)
    words = []
    for _ in range(rng.randint(1, 400)):
        word = "".join(rng.choices("abcdeXYZ'é", k=rng.randint(1, 14)))
        words.append(word + rng.choice([""] * 6 + [",", ".", "?!", ";", '."', "..."]))
    separators = [" ", "  ", "\n", "\n\n", "\t"]
    return "".join(word + rng.choice(separators) for word in words)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("max_chars", [20, 60, 180])
def test_chunks_hold_exactly_the_words_and_fit(seed: int, max_chars: int) -> None:
    text = _random_text(seed)
    chunks = split_text(text, max_chars)
    assert " ".join(chunks).split() == text.split()
    assert all(0 < len(chunk) <= max_chars for chunk in chunks)


def test_sentences_become_chunks() -> None:
    first = "The cat sat quietly on the mat."
    second = "Why did the dog bark all night?"
    assert split_text(f"{first} {second}") == [first, second]


def test_abbreviations_do_not_end_sentences() -> None:
    text = "Yesterday Dr. Smith met J. R. Lee of the U.S. Army near St. Louis."
    assert split_text(text) == [text]


def test_words_that_look_like_abbreviations_end_sentences() -> None:
    first = "When I asked him about it he said no. No."
    second = "He would not go there with pens, ink, etc."
    third = "Look at the poem that is No. 5 in the book."
    assert split_text(f"{first} {second} {third}") == [first, second, third]


def test_long_sentence_breaks_after_clauses_in_even_parts() -> None:
    chunks = split_text(LONG)
    assert len(chunks) == 2
    assert chunks[0].endswith(",")
    assert min(map(len, chunks)) > 100


def test_without_clauses_a_long_sentence_breaks_before_a_conjunction() -> None:
    text = "one two three four five six seven and eight nine ten eleven twelve thirteen"
    assert split_text(text, 45)[1].startswith("and ")


def test_very_short_sentence_joins_its_neighbour() -> None:
    other = "He would never have said such a thing before."
    assert split_text(f"No. {other}") == [f"No. {other}"]
    assert split_text(f"{other} Really?") == [f"{other} Really?"]


def test_short_sentence_stays_apart_when_joined_would_be_long() -> None:
    other = "Word " * 23 + "end."
    assert split_text(f"No. {other}") == ["No.", other]


def test_blank_line_ends_a_chunk() -> None:
    assert split_text("A title without any period\n\nThe first sentence of it.") == [
        "A title without any period",
        "The first sentence of it.",
    ]


def test_word_longer_than_a_chunk_stands_alone() -> None:
    assert split_text("so " + "x" * 30 + " it was", 20) == ["so", "x" * 30, "it was"]


@pytest.mark.parametrize("unit", ["a, ", "a. ", ".", "\n ", "word ", "'\"", "A."])
def test_hostile_repetition_is_split_whole(unit: str) -> None:
    text = "go " + unit * (100_000 // len(unit))
    assert " ".join(split_text(text)).split() == text.split()


def test_impossible_length_is_refused() -> None:
    with pytest.raises(ValueError, match="max_chars is 0"):
        split_text("a b", 0)
