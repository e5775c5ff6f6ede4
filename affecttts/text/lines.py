"""Lines: which breaks only wrap prose, and which are pauses."""

import re
from collections.abc import Iterator

WRAP_WIDTH = 40
"""Lines shorter than this are not prose that an editor wrapped."""

RAGGED = 0.7
"""A line of wrapped prose shorter than this share of the longest was ended by its author."""

_BLANK = re.compile(r"\n[ \t]*\n")
_BULLET = re.compile(r"[ \t]*[-*+•‣◦▪●○–—·][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBERED = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+(?=\S)")
_ENDED = re.compile(r"[.,;:!?…—–-][\"'”’)\]]{0,3}$")
_LONGEST_END = 4


def paragraphs(text: str) -> Iterator[str]:
    """Yields the paragraphs, each on one line; the items of a list are paragraphs too.

    A break is a pause where the next word would still have fitted on the line;
    in prose that an editor wrapped, no break is.
    """
    for block in _BLANK.split(text):
        lines = [line for line in block.split("\n") if line.strip()]
        start, last = 0, None
        for index, line in enumerate(lines):
            number = _number_of(line, last, first=index == 0 and len(lines) > 1)
            if number is None and not _BULLET.match(line):
                continue
            if index > start:
                yield _item(lines[start:index], last)
            start, last = index, number
        if lines:
            yield _item(lines[start:], last)


def _number_of(line: str, last: int | None, first: bool) -> int | None:
    """Returns the number of a list's item: the first may be any, each other follows the last."""
    found = _NUMBERED.match(line)
    if not found:
        return None
    number = int(found[1])
    return number if first or number == 1 or (last is not None and number == last + 1) else None


def _item(lines: list[str], number: int | None) -> str:
    first = lines[0]
    if number is not None:
        first = _NUMBERED.sub(r"\1, ", first, count=1)
    elif bullet := _BULLET.match(first):
        first = first[bullet.end() :]
    return _join([first, *lines[1:]])


def _join(lines: list[str]) -> str:
    width = max(len(line.rstrip()) for line in lines)
    if any(line.lstrip()[:1].islower() for line in lines):  # prose, and no editor wraps it evenly
        width = min(width, max(WRAP_WIDTH, round(width * RAGGED)))
    joined = lines[0].strip()
    for line, following in zip(lines, lines[1:], strict=False):
        joined += _pause(line.rstrip(), following.strip(), width, len(lines)) + following.strip()
    return joined


def _pause(line: str, following: str, width: int, count: int) -> str:
    """Returns what stands for the break between two lines of a block."""
    if _ENDED.search(line[-_LONGEST_END:]):
        return " "
    fits = len(line) + 1 + len(following.split(maxsplit=1)[0]) <= width
    goes_on = following[0].islower()
    if width >= WRAP_WIDTH and (goes_on or not fits):
        return " "
    if count > 2:
        return ", "
    return ". " if not goes_on else ", " if fits else " "
