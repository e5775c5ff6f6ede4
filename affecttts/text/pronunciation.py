"""Pronunciations that a user gives: in a lexicon file, or in the text as `[word](/IPA/)`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from affecttts.errors import RequestError, shown
from affecttts.text.symbols import PUNCTUATION, SYMBOLS
from affecttts.text.tables import table

_MARKED = re.compile(r"\[([^\[\]\n]{1,200})\]\(/([^/()\n]{1,200})/\)")
_GIVEN = re.compile(_MARKED.pattern + r"('s\b)?")
_WORD = re.compile(r"[^\W_][\w'-]*")
_LETTER = re.compile(r"\bLETTER (?:[A-Z]{2,} )*([A-Z])\b")
_PHONES = frozenset(SYMBOLS) - frozenset(PUNCTUATION)
_FIRST_MARK = 0x4E00
_MAX_MARKS = 20_000


def read_ipa(ipa: str, word: str) -> str:
    """Turns IPA as dictionaries write it into the model's phones.

    Args:
        ipa: IPA; stress marks, length marks and ties may be there or not.
        word: What it is the pronunciation of, for a message.

    Returns:
        Phones of `SYMBOLS`, without punctuation; a word without a stress mark
        gets one on its first vowel.

    Raises:
        RequestError: A phone is not in the inventory; the message names the nearest.
    """
    phones = ipa.strip().strip("/[]")
    for written, phone in table("ipa")["mapping"].items():
        phones = phones.replace(written, phone)
    phones = " ".join(phones.split())
    for char in phones:
        if char not in _PHONES:
            nearest = table("ipa")["nearest"].get(char) or _plain_letter(char)
            near = f"use {nearest!r}, the nearest" if nearest else "use IPA of US English"
            raise RequestError(
                f"pronunciation /{ipa}/ of {word!r} has the unknown phone {char!r} "
                f"(U+{ord(char):04X}): {near}"
            )
    if not any(char.isalpha() for char in phones):
        raise RequestError(f"pronunciation /{ipa}/ of {word!r} has no phone: write it in IPA")
    return (
        phones
        if "ˈ" in phones or "ˌ" in phones
        else re.sub(r"(?=[aeiuæɑɒɔəɛɜɪʊʌAIOQWY])", "ˈ", phones, count=1)
    )


def _plain_letter(char: str) -> str | None:
    """Returns the phone of the letter that one of IPA was made from: b for the small capital."""
    found = _LETTER.search(unicodedata.name(char, ""))
    return found[1].lower() if found and found[1].lower() in _PHONES else None


class Lexicon:
    """Words and their phones.

    A word in small letters stands for any case of it; one with capitals only
    for itself and for all capitals. The possessive follows from the word.

    Args:
        entries: IPA by word or phrase.

    Raises:
        RequestError: A pronunciation has an unknown phone.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._phones = {
            " ".join(word.split()): read_ipa(ipa, word) for word, ipa in entries.items()
        }
        self._shouted = {word.upper(): phones for word, phones in self._phones.items()}
        others = sorted(
            (word for word in self._phones if not _WORD.fullmatch(word)), key=len, reverse=True
        )
        self._others = (
            re.compile(
                r"(?<!\w)(" + "|".join(map(re.escape, others)) + r")('s|')?(?!\w)", re.IGNORECASE
            )
            if others
            else None
        )

    @classmethod
    def read(cls, paths: Iterable[str | Path]) -> Lexicon:
        """Reads files of lines `word<TAB>IPA`; a later line wins; `#` begins a comment.

        Raises:
            RequestError: A file cannot be read, or a line is wrong; the message names both.
        """
        entries: dict[str, str] = {}
        for path in paths:
            try:
                lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "no UTF-8 text"
                raise RequestError(
                    f"cannot read the lexicon {shown(str(path), 400)}: {why}"
                ) from error
            for number, line in enumerate(lines, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                word, tab, ipa = line.partition("\t")
                if not (word.strip() and tab and ipa.strip()):
                    raise RequestError(f"{path}, line {number}: write a word, a tab and its IPA")
                try:
                    read_ipa(ipa, word.strip())
                except RequestError as error:
                    raise RequestError(f"{path}, line {number}: {error}") from error
                entries[word.strip()] = ipa
        return cls(entries)

    def __len__(self) -> int:
        return len(self._phones)

    def phones(self, word: str) -> str | None:
        """Returns the phones of a word as written, possessive or not."""
        for ending in ("", "'s", "'"):
            if word.endswith(ending) and (found := self._find(word[: len(word) - len(ending)])):
                return found + (_possessive(found) if ending == "'s" else "")
        return None

    def _find(self, word: str) -> str | None:
        found = self._phones.get(word) or self._phones.get(word.lower())
        return found or (self._shouted.get(word) if word.isupper() else None)

    def mark(self, text: str, marks: Marks) -> str:
        """Puts a mark in the place of each word and phrase of the lexicon."""

        def replace(match: re.Match[str]) -> str:
            phones = self.phones(match[0])
            return marks.add(match[0], phones) if phones else match[0]

        if self._others:
            text = self._others.sub(replace, text)
        return _WORD.sub(replace, text)


class Marks:
    """Words with a pronunciation of their own, each one letter while the rules run.

    The letters are ideographs, which cleaned text never has.
    """

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon
        self._letters: dict[tuple[str, str], str] = {}
        self._marked: dict[str, tuple[str, str]] = {}

    def split(self, text: str) -> Iterator[tuple[str, str]]:
        """Yields the text before each `[word](/IPA/)` and the letter that stands for it.

        Raises:
            RequestError: A phone is unknown.
        """
        start = 0
        for match in _GIVEN.finditer(text):
            word, owned = match[1].replace("_", " "), match[3] or ""
            phones = read_ipa(match[2], word)
            yield (
                text[start : match.start()],
                self.add(word + owned, phones + (_possessive(phones) if owned else "")),
            )
            start = match.end()
        yield text[start:], ""

    def apply_lexicon(self, text: str) -> str:
        """Puts letters in the place of the words of the lexicon."""
        return self._lexicon.mark(text, self) if self._lexicon else text

    def add(self, word: str, phones: str) -> str:
        """Returns the letter that stands for a word with these phones."""
        key = (word, phones)
        if key not in self._letters:
            if len(self._letters) == _MAX_MARKS:
                raise RequestError(
                    f"text has over {_MAX_MARKS} words with pronunciations of their own: "
                    "cut it in parts"
                )
            letter = chr(_FIRST_MARK + len(self._letters))
            self._letters[key], self._marked[letter] = letter, key
        return self._letters[key]

    def plain(self, text: str) -> str:
        """Returns the text with the words themselves in the place of their letters."""
        return self._replace(text, lambda word, phones: word)

    def restore(self, text: str) -> str:
        """Returns the text with `[word](/phones/)` in the place of the letters."""
        return self._replace(text, lambda word, phones: f"[{word}](/{phones}/)".replace(" ", "_"))

    def _replace(self, text: str, write) -> str:
        if not self._marked:
            return text
        return "".join(
            write(*self._marked[char]) if char in self._marked else char for char in text
        )


def marked(text: str) -> Iterator[re.Match[str]]:
    """Yields the `[word](/phones/)` of a normalised text: groups word and phones."""
    return _MARKED.finditer(text)


def without_marks(text: str) -> str:
    """Returns a normalised text with the words alone."""
    return _MARKED.sub(lambda match: match[1].replace("_", " "), text)


def _possessive(phones: str) -> str:
    return "ɪz" if phones[-1] in "szʃʒʧʤ" else "s" if phones[-1] in "ptkfθ" else "z"
