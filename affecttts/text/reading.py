"""A text read whole: its pieces, what is said for each, and what was left out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from affecttts.errors import RequestError
from affecttts.text.chunk import CLOSERS, split_text
from affecttts.text.normalize import Options, check_text, excerpt, write_out
from affecttts.text.pronunciation import without_marks
from affecttts.text.speaking import to_phones
from affecttts.text.symbols import to_ids

PAUSE = 0.12
"""Seconds of silence after each piece but the last."""

MAX_ALIGNED = 400
"""Parts with more words are shared out by length, not word by word."""

_REWRITTEN = re.compile(r"[^A-Za-z.,;:?!'\"()-]")


@dataclass(frozen=True)
class Piece:
    """What is spoken in one breath.

    Attributes:
        text: What was written, without its markup.
        normalized: What is said for it, in words.
        phones: The same in the model's phones.
        pause: Seconds of silence after it.
    """

    text: str
    normalized: str
    phones: str
    pause: float


@dataclass(frozen=True)
class Reading:
    """How a text is spoken.

    Attributes:
        pieces: In order.
        warnings: One line for each thing that was skipped.
    """

    pieces: tuple[Piece, ...]
    warnings: tuple[str, ...]


def read(text: str, options: Options | None = None, pause: float | None = None) -> Reading:
    """Reads a text as it will be spoken; loads no model.

    Args:
        text: What to say.
        options: How to read it.
        pause: Seconds of silence between sentences; None = `PAUSE`.

    Raises:
        RequestError: The text cannot be spoken; the message says why and what
            would cure it.
    """
    options = Options.of(options)
    check_text(text, options.strict)
    normalized = write_out(text, options)
    chunks = split_text(normalized.text, merge=pause is None)
    sources = _sources(normalized.parts, chunks)
    pieces = []
    for chunk, source in zip(chunks, sources, strict=True):
        ends = chunk.rstrip(CLOSERS).endswith((".", "?", "!"))
        chunk = _finished(chunk)
        phones = to_phones(chunk)
        if not phones.strip(" .,?!ˈˌ"):
            continue
        to_ids(phones)
        silence = pause if pause is not None and ends else PAUSE
        pieces.append(Piece(source, without_marks(chunk), phones, silence))
    if not pieces:
        raise RequestError(f"text {excerpt(text)} has no sound: add a word to speak")
    last = pieces[-1]
    pieces[-1] = Piece(last.text, last.normalized, last.phones, 0.0)
    return Reading(tuple(pieces), normalized.warnings)


def _finished(chunk: str) -> str:
    """Returns a piece of normalised text as a sentence of its own."""
    chunk = chunk.lstrip(" ,.?!").rstrip(" ,")
    return chunk if chunk.endswith((".", "?", "!")) else f"{chunk}."


def _sources(parts: Sequence[tuple[str, str]], chunks: Sequence[str]) -> Iterator[str]:
    """Yields what was written for each chunk; the chunks hold the words of the parts in order."""
    places: list[list[str]] = []  # the written words that fall on each word said
    for written, said in parts:
        places.extend(align(written.split(), said.split()))
    start = 0
    for chunk in chunks:
        end = start + len(chunk.split())
        yield " ".join(word for place in places[start:end] for word in place)
        start = end


def align(written: Sequence[str], said: Sequence[str]) -> list[list[str]]:
    """Returns for each word said the written words that it stands for."""
    if len(written) == len(said) and not _REWRITTEN.search("".join(written)):
        return [[word] for word in written]
    places: list[list[str]] = [[] for _ in said]
    if max(len(written), len(said)) > MAX_ALIGNED:
        for index, word in enumerate(written):
            places[index * len(said) // len(written)].append(word)
        return places
    plain = [
        [without_marks(word).strip(".,?!\"'()").lower() for word in words]
        for words in (written, said)
    ]
    for _, start, end, first, last in SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
        for index in range(start, end):
            place = first + (index - start) * (last - first) // (end - start)
            places[min(place, len(said) - 1)].append(written[index])
    return places
