"""The phones of all languages that the token layout has room for.

A position in `PHONES` or `MODIFIERS` is part of an id for ever: a new symbol goes to the end. The
symbols of US English (`affecttts.text.symbols`) come first; then the letters of the IPA and of its
extensions that espeak-ng writes for any of its languages.
"""

from __future__ import annotations

from affecttts.text.symbols import SYMBOLS

_PLOSIVES_NASALS = "cqʈɖɟɢɱɳɲɴʙrʀⱱɽ"
_FRICATIVES = "ɸβʂʐçʝxɣχʁħʕɦɬɮʋɻɰɭʎʟ"
_RARE = "ʘǀǃǂǁɓɗʄɠʛʍɥʜʢʡɕʑɺɧʦʣʨʥɫ"
_VOWELS = "oyøœɶɘɵɞɤɯɨʉʏɐɚɝᵻ"
_MARKS = ";:…—|‖¡¿"

PHONES = "".join(SYMBOLS) + _PLOSIVES_NASALS + _FRICATIVES + _RARE + _VOWELS + _MARKS
"""Symbols that a block of the token stream may stand for, in id order."""

_LETTERS = "ːˑʰʱʲʷˠˤʼ˞ⁿˡᵐᵑᵝ"
_DIACRITICS = (
    "\u0303\u0329\u030a\u0325\u032c\u0339\u031c\u031f\u0320\u0308\u033d\u032f\u0324\u0330\u033c"
    "\u0334\u031d\u031e\u0318\u0319\u032a\u033a\u033b\u0306\u031a\u0361"
)
_TONES = "˥˦˧˨˩1234567↓↑↗↘"

MODIFIERS = _LETTERS + _DIACRITICS + _TONES
"""Length, secondary articulation, ties and tones: part of the phone before them, in id order."""

SOUNDS = (
    "pause",
    "breath",
    "sigh",
    "laugh",
    "chuckle",
    "sob",
    "gasp",
    "cough",
    "throat",
    "sniff",
    "yawn",
    "groan",
    "hum",
    "smack",
    "hesitation",
    "noise",
)
"""What people utter besides phones, in id order."""

_FIRST_SOUND = 0xE000  # of Unicode's private use area


def sound_symbol(name: str) -> str:
    """The character that stands for a sound in a phone string.

    Raises:
        ValueError: no such sound.
    """
    if name not in SOUNDS:
        raise ValueError(f"sound {name!r} is not known; known: {', '.join(SOUNDS)}")
    return chr(_FIRST_SOUND + SOUNDS.index(name))


def sound_of(symbol: str) -> int | None:
    """The number of the sound that a character of a phone string stands for; None: no sound."""
    number = ord(symbol) - _FIRST_SOUND
    return number if 0 <= number < len(SOUNDS) else None
