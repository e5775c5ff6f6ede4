"""Where words and phones sound, from the durations that the model gave them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from affecttts.lm.sequence import split_phones
from affecttts.synthesis.result import TimedPhone, TimedWord
from affecttts.text.reading import Piece, align
from affecttts.text.words import Range, word_ranges

ROUNDING = 1e-6  # seconds
NEAR = 200  # characters within which the next word of a text is looked for


@dataclass(frozen=True)
class Word:
    """A written word and the blocks of the token stream in which it is said."""

    text: str
    span: Range  # characters of the request's text
    blocks: Range  # the first one, and the one after the last


class PieceTimes:
    """Times in one piece of a text, while its blocks are spoken."""

    def __init__(self, piece: Piece, words: tuple[Word, ...], start: float, frame_rate: float):
        """`start`: seconds of the speech at which the piece begins; `frame_rate`: Hz."""
        self.start, self.rate = start, frame_rate
        phones = split_phones(piece.phones)
        self.symbols = ["", *(p.stress + p.symbol + p.modifiers for p in phones), ""]
        self.words, self._word, self._phone = words, 0, 0

    def ended(
        self, counts: Sequence[int], until: float
    ) -> tuple[tuple[TimedWord, ...], tuple[TimedPhone, ...]]:
        """The words and phones that end by `until` (seconds) and were not given before.

        Args:
            counts: frames of the blocks that are finished.
        """
        until += ROUNDING
        borders = [self.start + frames / self.rate for frames in accumulate(counts, initial=0)]
        return tuple(self._ended_words(borders, until)), tuple(self._ended_phones(borders, until))

    def _ended_words(self, borders: list[float], until: float) -> Iterator[TimedWord]:
        while self._word < len(self.words):
            word = self.words[self._word]
            first, last = word.blocks
            if last >= len(borders) or borders[last] > until:
                return
            yield TimedWord(word.text, borders[first], borders[last], word.span)
            self._word += 1

    def _ended_phones(self, borders: list[float], until: float) -> Iterator[TimedPhone]:
        while self._phone + 1 < len(borders) and borders[self._phone + 1] <= until:
            start, end = borders[self._phone : self._phone + 2]
            if end > start:
                yield TimedPhone(self.symbols[self._phone], start, end)
            self._phone += 1


def written_words(text: str, pieces: Sequence[Piece]) -> Iterator[tuple[Word, ...]]:
    """The words of each piece of a text; a word written in one and said in several ("$5") is one.

    Args:
        text: the request's.
    """
    place = 0
    for piece in pieces:
        said = piece.normalized.split()
        ranges = _block_ranges(piece.phones, word_ranges(said, piece.phones))
        words: list[Word] = []
        for written, blocks in _grouped(align(piece.text.split(), said), ranges):
            span = _span(text, written, place)
            place = max(place, span[1])
            words.append(Word(" ".join(written), span, blocks))
        yield tuple(words)


def _grouped(places: list[list[str]], ranges: list[Range]) -> Iterator[tuple[list[str], Range]]:
    """Written words and the blocks of all that is said for them."""
    written: list[str] = []
    first, last = 0, 0
    for words, (start, end) in zip(places, ranges):
        if words and written and last > first:
            yield written, (first, last)
            written, first, last = [], 0, 0
        written = [*written, *words]
        if end > start:
            first, last = (first if last > first else start), end
    if written and last > first:
        yield written, (first, last)


def _block_ranges(phones: str, ranges: list[Range]) -> list[Range]:
    """Ranges of characters of a phone string -> ranges of blocks, a silence being the first."""
    blocks = [
        index for index, phone in enumerate(split_phones(phones), 1) for _ in range(phone.width)
    ]
    return [
        (blocks[start], blocks[end - 1] + 1) if end > start else (0, 0) for start, end in ranges
    ]


def _span(text: str, written: list[str], start: int) -> Range:
    """Where written words stand in a text from `start` on; empty where they are not found."""
    first = text.find(written[0], start, start + NEAR + len(written[0]))
    if first < 0:
        return start, start
    end = first + len(written[0])
    for word in written[1:]:
        place = text.find(word, end, end + NEAR + len(word))
        if place < 0:
            break
        end = place + len(word)
    return first, end
