"""Normalisation: written English to words and the marks `.,?!`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from affecttts.errors import RequestError, shown
from affecttts.text.characters import clean
from affecttts.text.lines import paragraphs
from affecttts.text.markup import remove_markup
from affecttts.text.pronunciation import Lexicon, Marks
from affecttts.text.rules import (
    abbreviations,
    addresses,
    dates,
    money,
    numbers,
    roman,
    serials,
    shouting,
    signs,
    times,
    units,
)
from affecttts.text.rules.rule import Rules
from affecttts.text.tables import table

MAX_RUN = 200
"""The longest run of letters and digits taken for a word."""

LONGEST_WORD = 40
"""No abbreviation has more letters."""

_LONG_RUN = re.compile(rf"\w{{{MAX_RUN + 1}}}")
_SURE_END = re.compile(r"[.!?](?<=[A-Za-z]{3}.)[\"')\]]{0,3} +(?=[\"'(\[]{0,2}\w)")
_LAST_WORD = re.compile(r"[A-Za-z]+$")
_DASHES = (
    (re.compile(r"(?<=[a-z]{2}[.!?])(?=[A-Z])"), " "),
    (re.compile(r" ?(?:[–—―]|--|(?<= )-(?= ))[–—―-]* ?"), ", "),
    (re.compile(r"(?<!\.)\.{2,}(?= ?[a-z])"), ","),
)
_QUOTES = re.compile(r"(?<!\w)'(?!(?:em|cause|tis|twas|til)\b)|'(?!\w)")
_LOOSE_HYPHEN = re.compile(r"(?<!\w)-|-(?!\w)")
_STOPS = re.compile(r" ([.,?!][ .,?!]*)|([.,?!] ?[.,?!][ .,?!]*)|([.,?!])(?! )")


@dataclass(frozen=True)
class Options:
    """How text is read.

    Attributes:
        strict: Refuse what cannot be read instead of skipping it.
        day_first: Read 04/05/2026 as the fourth of May.
        lexicon: Pronunciations to use.
    """

    strict: bool = False
    day_first: bool = False
    lexicon: Lexicon | None = None

    @staticmethod
    def of(options: Options | None) -> Options:
        """The options themselves, or the usual ones for None.

        Raises:
            RequestError: They are neither.
        """
        if options is not None and not isinstance(options, Options):
            raise RequestError(f"options are {shown(options)}; give Options, or None")
        return options or Options()


@dataclass(frozen=True)
class Normalized:
    """Text written out.

    Attributes:
        parts: What was written, without its markup, and what is said for it, in order.
        warnings: One line for each thing that was skipped.
    """

    parts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(said for _, said in self.parts)


def check_text(text: str, strict: bool = False) -> None:
    """Refuses text that cannot be spoken as English.

    Args:
        text: Text as the user wrote it.
        strict: Refuse also text of which only a part cannot be read.

    Raises:
        RequestError: The text is empty, or holds nothing that can be read; or
            holds a run of letters too long to be a word. The message is one line.
    """
    _check(text, *clean(text, strict))


def normalize(text: str, options: Options | None = None) -> str:
    """Writes text out as it is said, in words and the marks `.,?!` only.

    Args:
        text: Text that `check_text` accepts.
        options: How to read it.

    Returns:
        Words separated by single spaces, ending in `.`, `?` or `!`; a word with
        a pronunciation of its own as `[word](/phones/)`. Normalising this again
        changes nothing.

    Raises:
        RequestError: A pronunciation in the text has an unknown phone; or the
            options are strict and something cannot be read.
    """
    return write_out(text, options).text


def write_out(text: str, options: Options | None = None) -> Normalized:
    """Writes text out, with what was written beside what is said; see `normalize`."""
    options = Options.of(options)
    marks = Marks(options.lexicon)
    warnings: list[str] = []
    parts = []
    for outside, mark in marks.split(text):
        cleaned, skipped = clean(outside, options.strict)
        warnings.extend(warning for warning in skipped if warning not in warnings)
        parts.append(marks.apply_lexicon(cleaned) + mark)
    rules = _rules(options.day_first)
    pairs = []
    for paragraph in paragraphs(remove_markup("".join(parts))):
        for segment in _segments(" ".join(paragraph.split())):
            if said := _finish(_apply(rules, segment)):
                pairs.append((marks.plain(segment), marks.restore(said)))
    return Normalized(tuple(pairs), tuple(warnings))


def excerpt(text: str) -> str:
    """Returns the start of a text, quoted and on one line, for a message."""
    return repr(text if len(text) <= 24 else text[:24] + "…")


def _check(text: str, cleaned: str, skipped: list[str]) -> None:
    if not text.strip():
        raise RequestError("text is empty: give at least one word to speak")
    if not any(map(str.isalnum, cleaned)):
        letters = any(map(str.isalnum, text))
        what = "letters that are not Latin" if letters else "emoji" if skipped else "punctuation"
        raise RequestError(f"text {excerpt(text)} holds only {what}: add a word to speak")
    if run := _LONG_RUN.search(cleaned):
        raise RequestError(
            f"text has over {MAX_RUN} letters without a space, from "
            f"{excerpt(run[0])}: put spaces between words"
        )


@functools.cache
def _rules(day_first: bool) -> Rules:
    """Returns every rule in order: each leaves text that the later ones may not take for theirs."""
    return Rules([
        *addresses.rules(), *serials.rules(), *abbreviations.rules(), *signs.rules(),
        *numbers.early_rules(), *dates.rules(day_first), *times.rules(), *units.per_rules(),
        *money.rules(), *units.rules(), *roman.rules(), *numbers.rules(), *shouting.rules(),
    ])  # fmt: skip


def _segments(paragraph: str) -> Iterator[str]:
    """Cuts a paragraph where a sentence surely ends, so that few rules see much text."""
    start = 0
    for match in _SURE_END.finditer(paragraph):
        end = match.start()
        if paragraph[end] == ".":
            word = _LAST_WORD.search(paragraph, max(0, end - LONGEST_WORD), end)[0]
            if word.lower() in _abbreviated():
                continue
        yield paragraph[start : match.end()].rstrip()
        start = match.end()
    yield paragraph[start:]


@functools.cache
def _abbreviated() -> frozenset[str]:
    words, named = table("abbreviations"), table("dates")
    forms = {form for kind in ("titles", "streets", "numbered", "plain") for form in words[kind]}
    forms |= {
        form
        for kind in ("months", "weekdays", "books")
        for short in named[kind].values()
        for form in short
    }
    return frozenset(map(str.lower, forms)) | frozenset(table("units")["symbols"])


def _apply(rules: Rules, text: str) -> str:
    text = rules.apply(text)
    for pattern, replacement in _DASHES:
        text = pattern.sub(replacement, text)
    return signs.say_signs(text)


def _finish(text: str) -> str:
    """Tidies marks and spaces: single spaces, one mark at a time, a mark at the end."""
    text = _LOOSE_HYPHEN.sub(" ", _QUOTES.sub(" ", text))
    text = " ".join(text.split())
    # Of several marks in a row, the one that says most about the melody.
    text = _STOPS.sub(lambda m: min(m[m.lastindex], key="?!., ".index) + " ", text)
    text = text.lstrip(" ,.?!").rstrip(" ,")
    return text if not text or text.endswith((".", "?", "!")) else text + "."
