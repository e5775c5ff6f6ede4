"""What a phone string is made of for an aligner: sounds, and marks that may be silent."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from affecttts.text.symbols import SYMBOLS

STRESSES = "ˈˌ"
PAUSE_MARKS = " .,?!"
_ATTACHED = {"Lm", "Mn", "Mc", "Sk"}  # length, ties, secondary articulation, tones


@dataclass(frozen=True)
class Unit:
    """A symbol with the stress mark before it and the modifiers behind it."""

    symbol: str  # without stress, with modifiers
    width: int  # characters of the phone string
    sound: int  # which of these characters has the sound


def split_units(ipa: str) -> list[Unit]:
    """Join every stress mark with the symbol behind it, and every modifier with the one before; a
    stray mark stands alone.
    """
    units: list[Unit] = []
    stress = ""
    for character in ipa:
        if character in STRESSES:
            if stress:
                units.append(Unit(stress, 1, 0))
            stress = character
        elif _attached(character) and units and not stress and units[-1].symbol not in PAUSE_MARKS:
            last = units.pop()
            units.append(Unit(last.symbol + character, last.width + 1, last.sound))
        else:
            units.append(Unit(character, 1 + len(stress), len(stress)))
            stress = ""
    return units + ([Unit(stress, 1, 0)] if stress else [])


def _attached(character: str) -> bool:
    return unicodedata.category(character) in _ATTACHED


@dataclass(frozen=True)
class Inventory:
    """Classes of an aligner: its symbols in order, then silence."""

    symbols: tuple[str, ...]

    @classmethod
    def of(cls, strings: Iterable[str]) -> Inventory:
        """The symbols of some phone strings."""
        found = {unit.symbol for string in strings for unit in split_units(string)}
        return cls(tuple(sorted(found | set(PAUSE_MARKS))))

    @property
    def silence(self) -> int:
        """The class of silence."""
        return len(self.symbols)

    @property
    def size(self) -> int:
        """Number of classes."""
        return len(self.symbols) + 1

    @cached_property
    def pauses(self) -> tuple[int, ...]:
        """Classes that may be silent, or last no time."""
        return tuple(self._index[mark] for mark in PAUSE_MARKS if mark in self._index)

    @cached_property
    def sounds(self) -> np.ndarray:
        """Bool [size]: which classes are heard."""
        heard = np.ones(self.size, dtype=bool)
        heard[[*self.pauses, self.silence]] = False
        return heard

    @cached_property
    def _index(self) -> dict[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols)}

    def foreign(self, ipa: str) -> set[str]:
        """Symbols of a phone string that are not in the inventory."""
        return {unit.symbol for unit in split_units(ipa)} - set(self._index)

    def classes(self, ipa: str) -> np.ndarray:
        """Classes int64 [P] of a phone string: silence, its units without stress, silence.

        Raises:
            KeyError: see `foreign`.
        """
        inner = [self._index[unit.symbol] for unit in split_units(ipa)]
        return np.array([self.silence, *inner, self.silence])


ENGLISH = Inventory(SYMBOLS)


def character_durations(ipa: str, seconds: Sequence[float]) -> tuple[float, ...]:
    """Seconds of every character, with silence at both ends, from those of the units.

    A unit's time is its sound's; stress marks and modifiers have none of their own.

    Args:
        seconds: [P] as `Inventory.classes`.
    """
    result = [seconds[0]]
    for unit, time in zip(split_units(ipa), seconds[1:-1], strict=True):
        result += [time if place == unit.sound else 0.0 for place in range(unit.width)]
    return (*result, seconds[-1])
