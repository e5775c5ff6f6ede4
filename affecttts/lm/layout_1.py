"""The first token layout, of the model that ships until the next one is trained: read, not made.

Its voices are slots of the vocabulary, one token each: codes of one number. To drop it, remove
this module and what its names are used for elsewhere.
"""

from __future__ import annotations

from typing import Any

from affecttts.text.symbols import INVENTORY_VERSION, SYMBOLS

VERSION = "layout-1"
VOICES = 192
VOICE_START = 344  # id of the first voice
SLOTS = {
    "specials": 10,
    "phones": len(SYMBOLS),
    "modifiers": 0,
    "sounds": 0,
    "emotions": 32,
    "durations": 64,
    "control": 64,
}


def current_layout(values: dict[str, Any]) -> dict[str, Any]:
    """What a layout.json of this version says, as `TokenLayout` and `slot_codes` want it.

    Raises:
        ValueError: another phone inventory, or voices that are none.
    """
    known = dict(values)
    inventory, voices = known.pop("inventory", INVENTORY_VERSION), known.pop("voices", [])
    if inventory != INVENTORY_VERSION:
        raise ValueError(
            f"its phones are {inventory!r}, this program's {INVENTORY_VERSION!r}; use the "
            "affecttts version that trained the model"
        )
    slot_codes(voices)
    shape = {"phones": "".join(SYMBOLS), "modifiers": "", "sounds": []}
    return known | shape | {"voice_length": 1, "voice_levels": VOICES}


def slot_codes(voices: Any) -> dict[str, bytes]:
    """Names in slot order -> the code of each.

    Raises:
        ValueError: no list of names, or more than there are slots.
    """
    if not isinstance(voices, list) or not all(isinstance(name, str) for name in voices):
        raise ValueError("voices are no list of names")
    if len(voices) > VOICES:
        raise ValueError(f"{len(voices)} voices, at most {VOICES} fit the layout")
    codes = {name: bytes([slot]) for slot, name in enumerate(voices)}
    if len(codes) < len(voices):
        raise ValueError("a voice comes twice")
    return codes


def current_card(values: dict[str, Any]) -> dict[str, Any]:
    """What the card of a voice adapted in this layout says: its token becomes a code.

    Raises:
        ValueError: the token is none of a voice.
    """
    if "token" not in values:
        return values
    slot = values["token"] - VOICE_START if type(values["token"]) is int else -1
    if not 0 <= slot < VOICES:
        raise ValueError(f"token is {values['token']!r:.60}, which is none of a voice")
    rest = {name: value for name, value in values.items() if name != "token"}
    return rest | {"code": bytes([slot]).hex()}
