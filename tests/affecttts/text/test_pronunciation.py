"""Pronunciations that a user gives."""

from pathlib import Path

import pytest

from affecttts.errors import RequestError
from affecttts.text import Lexicon, Options, normalize, read, text_to_phonemes
from affecttts.text.pronunciation import read_ipa


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("tʃeɪndʒ", "ʧˈAnʤ"),
        ("nuː jˈɔːrk", "nu jˈɔɹk"),
        ("ˈwɔtɚ", "ˈwɔtəɹ"),
        ("/ɡoʊt/", "ɡˈOt"),
        ("t͡ʃɪn", "ʧˈɪn"),
    ],
)
def test_usual_ipa_becomes_phones_of_the_model(ipa: str, phones: str) -> None:
    assert read_ipa(ipa, "word") == phones


def test_unknown_phone_is_named_with_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"of 'Bach' has the unknown phone 'ç' .*use 'h'"):
        read_ipa("baç", "Bach")


def test_pronunciation_in_the_text_is_used_once_and_its_possessive_follows() -> None:
    said = text_to_phonemes("Ask [Nguyen](/wɪn/) or [Nguyen](/wɪn/)'s dog.")
    assert said.count("wˈɪn ") == 1 and "wˈɪnz" in said
    once = normalize("See [New York](/nuː jɔɹk/) now.")
    assert normalize(once) == once == "See [New_York](/nˈu_jɔɹk/) now."


def test_lexicon_covers_case_and_possessives_but_not_other_words(tmp_path: Path) -> None:
    first, second = tmp_path / "a.tsv", tmp_path / "b.tsv"
    first.write_text("# names\nnguyen\twɪn\nPolish\tpoʊlɪʃ\n", encoding="utf-8")
    second.write_text("C++\tsiː plʌs\nlos angeles\tlɑs eɪndʒəlɪs\n", encoding="utf-8")
    options = Options(lexicon=Lexicon.read([first, second]))
    assert text_to_phonemes("Nguyen, NGUYEN, nguyen's.", options) == "wˈɪn, wˈɪn, wˈɪnz."
    assert "pˈOlɪʃ" in text_to_phonemes("A Polish car.", options)
    assert "pˈɑlɪʃ" in text_to_phonemes("Some polish for it.", options)
    assert text_to_phonemes("Los Angeles in C++.", options).startswith("lˈɑs Anʤəlɪs")


@pytest.mark.parametrize("line", ["word", "word\t", "\twɪn", "word wɪn", "word\twɪnç"])
def test_wrong_line_of_a_lexicon_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_text(f"ok\twɪn\n{line}\n", encoding="utf-8")
    with pytest.raises(RequestError, match="words.tsv, line 2: "):
        Lexicon.read([path])


def test_missing_lexicon_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot read the lexicon .*none.tsv"):
        Lexicon.read([tmp_path / "none.tsv"])


def test_pieces_hold_what_was_written_and_what_is_said() -> None:
    text = "Dr. Lee paid $5 to 😀 everyone at the big old station. " * 4
    reading = read(text)
    assert (
        " ".join(piece.text for piece in reading.pieces).split() == text.replace("😀", "").split()
    )
    assert reading.pieces[0].normalized.startswith("Doctor Lee paid five dollars to everyone")
    assert [piece.pause > 0 for piece in reading.pieces] == [True] * (len(reading.pieces) - 1) + [
        False
    ]
    assert reading.warnings == ("skipped '😀' (GRINNING FACE), which has no reading",)
