"""Which phones a word is said with.

espeak joins some words ("on the" is one) and parts others ("iPhone" is two), so that words and
groups of phones are not always as many; then letters and phones are aligned at the least cost.
"""

from __future__ import annotations

import re

_GROUP = re.compile(r"[^\s.,?!]+")
_MARKS = frozenset("ˈˌ.,?!")
_VOWELS = frozenset("aeiuæɑɒɔəɛɜɪʊʌAIOQWYᵊɚ")
_SOUNDS = {
    "b": "b", "c": "ksʃʧ", "d": "dɾtʤ", "f": "f", "g": "ɡʤʒ", "h": "h", "j": "ʤ", "k": "k",
    "l": "l", "m": "m", "n": "nŋ", "p": "pf", "q": "k", "r": "ɹɜ", "s": "szʃʒ", "t": "tɾθðʃʧ",
    "v": "vf", "w": "w", "x": "kz", "y": "jIi", "z": "z",
}  # fmt: skip
_SILENT, _EXTRA, _WRONG = 0.4, 0.6, 1.0  # a letter without a phone, the reverse, a false pair
_JOINED, _PARTED = 0.7, 0.7  # a space of the words that no phones have, and the reverse
_NEVER = 9.0

Range = tuple[int, int]
"""First character of a phone string, and the one after the last."""


def word_ranges(said: list[str], phones: str) -> list[Range]:
    """Where each word lies in a phone string; empty where none of the phones are its own.

    Args:
        said: words of normalised text.
        phones: what they are said with.
    """
    groups = [match.span() for match in _GROUP.finditer(phones)]
    if len(groups) == len(said):
        return groups
    return [_trimmed(phones, *span) for span in _aligned(said, phones)]


def _trimmed(phones: str, start: int, end: int) -> Range:
    """A range without spaces and marks of punctuation at its ends."""
    while start < end and phones[start] in " .,?!":
        start += 1
    while start < end and phones[end - 1] in " .,?!":
        end -= 1
    return start, end


def _aligned(said: list[str], phones: str) -> list[Range]:
    """Ranges by the alignment of the letters with the phones."""
    letters = " ".join(re.sub(r"[^\w]", "", word).lower() or "-" for word in said)
    sounds = [index for index, phone in enumerate(phones) if phone not in _MARKS]
    steps = _steps(letters, [phones[index] for index in sounds])
    row, column, borders = len(letters), len(sounds), []
    while row or column:
        down, right = steps[row][column]
        row, column = row - down, column - right
        if down and letters[row] == " ":
            borders.append(column)
    ends = [*(sounds[column] if column < len(sounds) else len(phones) for column in borders[::-1])]
    return list(zip([0, *ends], [*ends, len(phones)]))


def _steps(letters: str, sounds: list[str]) -> list[list[Range]]:
    """For every place of the table of alignments, the letters and phones of its last step."""
    costs = [[0.0]]
    steps: list[list[Range]] = [[(0, 0)]]
    for column, sound in enumerate(sounds):
        costs[0].append(costs[0][column] + _extra(sound))
        steps[0].append((0, 1))
    for row, letter in enumerate(letters):
        above, line, taken = costs[row], [costs[row][0] + _missing(letter)], [(1, 0)]
        for column, sound in enumerate(sounds):
            cost, step = min(
                (above[column] + _pair(letter, sound), (1, 1)),
                (above[column + 1] + _missing(letter), (1, 0)),
                (line[column] + _extra(sound), (0, 1)),
            )
            line.append(cost)
            taken.append(step)
        costs.append(line)
        steps.append(taken)
    return steps


def _missing(letter: str) -> float:
    return _JOINED if letter == " " else _SILENT


def _extra(sound: str) -> float:
    return _PARTED if sound == " " else _EXTRA


def _pair(letter: str, sound: str) -> float:
    if " " in (letter, sound):
        return -1.0 if letter == sound else _NEVER
    if sound in _SOUNDS.get(letter, "") or (letter in "aeiouy" and sound in _VOWELS):
        return 0.0
    return _WRONG
