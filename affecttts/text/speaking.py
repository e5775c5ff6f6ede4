"""From normalised text to phones: espeak's, but for the words that have a better reading."""

import functools
import re
from collections.abc import Iterator, Sequence

from affecttts.text import heteronyms
from affecttts.text.g2p import G2P, EspeakG2P
from affecttts.text.pronunciation import marked
from affecttts.text.tables import table

# Words that stand for others while espeak reads the text, so that it joins and
# stresses the rest as usual; no text holds them, and nothing else sounds as they do.
_CONSONANT, _VOWEL = "thuzhoth", "oyzhoyth"
_STAND_INS = re.compile("θˈʌʒɑθ|ˈYʒYθ")
_VOWELS = "aeiuæɑɒɔəɛɜɪʊʌAIOQWY"

_TOKEN = re.compile(r"(\[[^\[\]]*\]\(/[^/()]*/\)|[^\s.,?!]+)([.,?!]*)")
_STUTTER = re.compile(r"((?:[A-Za-z]{1,3}-){1,8})([A-Za-z']{2,})")
_RUN = re.compile(r"(.)\1+")
_LONG_RUN = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)
_SOUNDED_ALONE = "mnszʃf"

Word = tuple[str, str | None]
"""What espeak reads, and the phones to put in its place."""


def to_phones(text: str, g2p: G2P | None = None) -> str:
    """Turns normalised text into phones.

    Args:
        text: Text from `affecttts.text.normalize.normalize`.
        g2p: What reads the words without a reading of their own; espeak if none.

    Returns:
        Phones with stress marks, spaces between words and the text's marks.
    """
    g2p = g2p or EspeakG2P()
    written: list[str] = []
    phones: list[str] = []
    for sentence in _sentences(text):
        for (_, tail), words in zip(sentence, _words(sentence), strict=True):
            for respelled, own in words:
                written.append(respelled)
                if own:
                    phones.append(own)
            written[-1] += tail
    read = g2p.phonemize(" ".join(written))
    if not phones:
        return read
    if len(_STAND_INS.findall(read)) != len(phones):
        return " ".join(filter(None, (to_phones(part, g2p) for part in _halves(text)))) or read
    own = iter(phones)
    return _STAND_INS.sub(lambda _: next(own), read)


def _halves(text: str) -> list[str]:
    """Cuts a text that espeak read in an unexpected way; a single word stands for itself."""
    words = text.split(" ")
    if len(words) < 2:
        return []
    middle = len(words) // 2
    return [" ".join(words[:middle]), " ".join(words[middle:])]


def _sentences(text: str) -> Iterator[list[tuple[str, str]]]:
    """Yields the words of each sentence with the marks after them."""
    sentence = []
    for match in _TOKEN.finditer(text):
        sentence.append((match[1], match[2]))
        if match[2] and match[2] != ",":
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _words(sentence: Sequence[tuple[str, str]]) -> Iterator[list[Word]]:
    plain = [word for word, _ in sentence]
    small = [word.lower() for word in plain]
    opens = True  # a clause
    for index, (_, tail) in enumerate(sentence):
        yield _read(plain, small, index, opens, bool(tail))
        opens = bool(tail)


def _read(
    plain: Sequence[str], small: Sequence[str], index: int, opens: bool, ends: bool
) -> list[Word]:
    word = plain[index]
    if _is_plain(word):
        return [(word, None)]
    if word[0] == "[" and (mark := next(marked(word), None)):
        return [_with(mark[2].replace("_", " "))]
    sounds = table("sounds")
    if word.isalpha() and word.isascii() or "-" in word or "'" in word:
        if sound := _sound(word, small[index]):
            return [_with(sound)]
        if (stutter := _STUTTER.fullmatch(word)) and small[index] not in sounds[
            "single_stutters"
        ].split():
            if words := _stutter(stutter):
                return words
        if _LONG_RUN.search(word) and not _spelled_out(word):
            return [(_shorten(word), None)]
    if word.isupper() and (letters := _letters(plain, index, opens)):
        return [_with(letters)]
    if own := heteronyms.pronounce(small, index, word, ends):
        return [_with(own)]
    return [(word, None)]


@functools.lru_cache(maxsize=8192)
def _is_plain(word: str) -> bool:
    """Tells whether espeak alone reads the word, whatever stands around it."""
    small = word.lower()
    return (
        word.isascii()
        and word.isalpha()
        and not word.isupper()
        and not heteronyms.is_heteronym(small)
        and not _LONG_RUN.search(word)
        and not _sound(word, small)
    )


def _with(phones: str) -> Word:
    first = phones.lstrip("ˈˌ")[:1]
    return (_VOWEL if first in _VOWELS else _CONSONANT), phones


def _sound(word: str, small: str) -> str | None:
    """Returns the phones of an interjection, however long its letters are drawn."""
    if (
        word.isupper()
        and (len(word) == 2 or len(set(word)) > 1)
        and len(word) < 4
        and word not in ("SHH", "BRR", "GRR", "AAH", "AWW", "EWW", "OOH")
    ):
        return None
    interjections = table("sounds")["interjections"]
    return interjections.get(small) or interjections.get(_RUN.sub(r"\1\1", small))


def _stutter(match: re.Match[str]) -> list[Word] | None:
    """Reads "w-w-what": the first phones of the word again and again, then the word."""
    heads = match[1].lower().rstrip("-").split("-")
    word = match[2]
    if not all(word.lower().startswith(head) and head != word.lower() for head in heads):
        return None
    onset = _onset(word.lower(), heads[0])
    return [_with(onset)] * len(heads) + [(word, None)]


@functools.lru_cache(maxsize=512)
def _onset(word: str, head: str) -> str:
    phones = EspeakG2P().phonemize(word).replace("ˈ", "").replace("ˌ", "")
    consonants = re.match(f"[^{_VOWELS} ]*", phones)[0]
    if not consonants:
        return "ˈ" + phones[:1]
    begun = consonants if len(head) > 1 else consonants[:1]
    return begun + ("" if begun[-1] in _SOUNDED_ALONE else "ə")


def _shorten(word: str) -> str:
    """Spells a drawn-out word as usual: "sooooo" is "so", "cooool" is "cool"."""
    doubles = _doubles()
    double, single = _LONG_RUN.sub(r"\1\1", word), _LONG_RUN.sub(r"\1", word)
    return double if double.lower() in doubles else single


@functools.cache
def _doubles() -> frozenset[str]:
    return frozenset(table("sounds")["doubles"].split())


def _spelled_out(word: str) -> bool:
    """Tells initials, as of the IEEE, from a drawn-out shout: no word has a letter thrice."""
    return (
        word.isupper()
        and len(word) < 5
        and (bool(_LONG_RUN.match(word)) or _shorten(word) not in table("shouting")["common"])
    )


def _letters(plain: Sequence[str], index: int, opens: bool) -> str | None:
    """Returns the phones of letters that espeak would read as a word."""
    word, sounds = plain[index], table("sounds")
    if word == "A":
        return sounds["letters"]["A"] if _is_letter(plain, index, opens) else None
    if len(word) > 1 and (
        word in ("AM", "AD")
        or (_LONG_RUN.search(word) and word.isascii() and word.isalpha())
        or (word in sounds["spelled"] and index and plain[index - 1].lower() in ("dot", "am", "pm"))
    ):
        *first, last = word
        said = [sounds["letters"][letter].replace("ˈ", "ˌ") for letter in first]
        return "".join([*said, sounds["letters"][last]])
    return None


def _is_letter(plain: Sequence[str], index: int, opens: bool) -> bool:
    """Tells the letter A from the article, which may begin a clause."""
    before = plain[index - 1] if index else ""
    after = plain[index + 1] if index + 1 < len(plain) else ""
    if after in ("minus", "plus") or (len(after) == 1 and after.isupper() and after != "I"):
        return True
    if len(before) == 1 and before.isupper() and before != "I":
        return True
    if opens or not after:
        return bool(index) and not after
    return not (before[:1].isupper() and after[:1].isupper())
