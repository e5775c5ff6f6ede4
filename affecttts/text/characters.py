"""Characters: which are read, which are respelled, and which are skipped with a warning."""

import functools
import re
import unicodedata

from affecttts.errors import RequestError, shown
from affecttts.text.tables import table

MAX_WARNINGS = 20
"""Characters skipped beyond this many kinds are counted, not named."""

_LAST_READABLE_LETTER = "\u017f"  # espeak spells out the code of any later one
_SILENT = frozenset(("Mn", "Me", "Mc", "Cf", "Sk"))  # accents, joiners and skin tones
_SCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# What NFKC would turn into something else.
_EARLY = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ´′‛＇", "'"),
        **dict.fromkeys("″〃＂", '"'),
        "…": "...",
        **dict.fromkeys("−‐‑﹣－", "-"),
        "™": "",
        "®": "",
        "℠": "",
        "№": " number ",
        "℃": "°C",
        "℉": "°F",
        "Ω": "Ω",
        "º": "°",
        "ª": "a",
        "ℓ": "L",
        "‖": "|",
        "⁄": "/",
        "∕": "/",
        "∗": "*",
        "₤": "£",
        "ʹ": "'",
        "。": ". ",
        "、": ", ",
        "，": ", ",
        "！": "! ",
        "？": "? ",
        "；": "; ",
        "：": ": ",
        **{fraction: f" {fraction}" for fraction in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"},
    }
)
# Text of Windows taken for Latin-1 has its quotes and dashes among the control characters.
_MISREAD = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x85, 0x8D, 0x8F, 0x90, 0x9D)
}
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_WINDOWS = re.compile("[" + "".join(map(chr, _MISREAD)) + "]")
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]{0,16}[A-Za-z]")
_KEPT, _SPACE, _DROPPED, _SKIPPED = range(4)


def clean(text: str, strict: bool = False) -> tuple[str, list[str]]:
    """Respells what has a plain form and leaves out what cannot be read.

    Args:
        text: Text as the user wrote it.
        strict: Refuse text with a character that cannot be read.

    Returns:
        The text in Latin and Greek letters, ASCII digits and known signs, with
        superscripts as `^2`; and a warning for each thing left out.

    Raises:
        RequestError: It is no text; or it has a control character, as binary data has; or
            `strict`, and something cannot be read.
    """
    if not isinstance(text, str):
        raise RequestError(f"text is {shown(text)}; give a string")
    skipped: dict[str, str] = {}
    text = _TERMINAL_CODE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _WINDOWS.search(text):
        text = text.translate(_MISREAD)
    if control := _CONTROL.search(text):
        raise RequestError(
            f"text has the control character U+{ord(control[0]):04X} at position "
            f"{control.start()}: remove it"
        )
    if not text.isascii():
        text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_SCRIPT), text)
        text = _FOREIGN.sub(lambda match: match[0].translate(_EARLY), text)
        text = unicodedata.normalize("NFKC", text).replace("\u2044", "/")
        text = _FOREIGN.sub(lambda match: _read_run(match[0], skipped), text)
    if skipped and strict:
        raise RequestError(
            f"text has {next(iter(skipped.values()))}: take it out, or read without strict"
        )
    return text, _warnings(skipped)


def _warnings(skipped: dict[str, str]) -> list[str]:
    named = [f"skipped {what}" for what in list(skipped.values())[:MAX_WARNINGS]]
    if (more := len(skipped) - MAX_WARNINGS) > 0:
        named.append(f"skipped {more} more that cannot be read")
    return named


def _read_run(run: str, skipped: dict[str, str]) -> str:
    parts, unread = [], ""
    for char in run:
        said, verdict = _read(char)
        if unread and verdict != _SKIPPED and verdict != _DROPPED:
            parts.append(_skip(unread, skipped))
            unread = ""
        if verdict == _SKIPPED:
            unread += char
        else:
            parts.append(said)
    if unread:
        parts.append(_skip(unread, skipped))
    return "".join(parts)


def _skip(run: str, skipped: dict[str, str]) -> str:
    if run not in skipped:
        kind = unicodedata.name(run[0], "") or "unnamed"
        shown = repr(run if len(run) <= 24 else run[:24] + "…")
        if unicodedata.category(run[0])[0] == "L":
            skipped[run] = f"{shown} ({kind}), not letters of English"
        else:
            skipped[run] = f"{shown} ({kind}), which has no reading"
    return " "


@functools.lru_cache(maxsize=4096)
def _read(char: str) -> tuple[str, int]:
    """Returns what is written for a character, and the verdict on it."""
    signs = table("signs")
    category = unicodedata.category(char)
    if char in signs["letters"] or char in signs["words"] or char in table("currencies")["signs"]:
        return char, _KEPT
    if category[0] == "Z":
        return ("\n\n" if category in ("Zl", "Zp") else " "), _SPACE
    if category[0] == "P":
        return char, _KEPT
    if category == "Nd":
        return str(unicodedata.decimal(char)), _KEPT
    if category in _SILENT:
        return "", _DROPPED
    if category[0] == "L":
        if char <= _LAST_READABLE_LETTER:
            return char, _KEPT
        if (base := unicodedata.normalize("NFKD", char)[0]).isascii():
            return base, _KEPT
    return "", _SKIPPED
