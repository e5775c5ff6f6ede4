"""Text checks and normalisation: written English to words and `.,?!`."""

import functools
import re
import unicodedata
from collections.abc import Callable

from affecttts.errors import RequestError

MAX_RUN = 200
"""The longest run of letters and digits taken for a word."""

ABBREVIATIONS: dict[str, str] = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor",
    "Jr": "Junior", "Sr": "Senior", "Gen": "General", "Col": "Colonel",
    "Sgt": "Sergeant", "Capt": "Captain", "Lt": "Lieutenant", "Rev": "Reverend",
    "Gov": "Governor", "Sen": "Senator", "Mt": "Mount", "St": "Saint",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dept": "Department",
    "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation",
    "etc": "et cetera", "vs": "versus", "approx": "approximately",
    "e.g": "for example,", "i.e": "that is,", "No": "Number", "Nos": "Numbers",
}  # fmt: skip
"""Abbreviations written with a final period, and how they are said."""

FINAL_ABBREVIATIONS = frozenset("etc Inc Ltd Corp Jr Sr Ave Blvd Rd Dept".split())
"""Those that may end a sentence; the others stand before what they qualify."""

_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "ft": "foot", "mi": "mile", "L": "liter", "ml": "milliliter",
    "mL": "milliliter", "s": "second", "ms": "millisecond", "min": "minute",
    "hr": "hour", "hrs": "hour", "h": "hour", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "KB": "kilobyte", "MB": "megabyte",
    "GB": "gigabyte", "TB": "terabyte", "W": "watt", "kW": "kilowatt",
    "mph": "mile per hour", "km/h": "kilometer per hour",
}  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_SCALES = {
    "k": "thousand", "K": "thousand", "M": "million", "m": "million",
    "bn": "billion", "B": "billion",
}  # fmt: skip
_SYMBOL_WORDS = {
    "&": " and ", "@": " at ", "%": " percent ", "+": " plus ", "=": " equals ",
    "×": " times ", "÷": " divided by ", "±": " plus or minus ", "<": " less than ",
    ">": " greater than ", "©": " copyright ", "$": " dollars ", "£": " pounds ",
    "€": " euros ", "¥": " yen ", "(": ", ", ")": ", ", "[": ", ", "]": ", ",
    "{": ", ", "}": ", ", ";": ",", ":": ",",
}  # fmt: skip
_URL_WORDS = {
    ".": " dot ", "/": " slash ", "-": " dash ", "_": " underscore ", "@": " at ",
    "?": " question mark ", ":": " colon ", "#": " hash ", "~": " tilde ",
}  # fmt: skip

# Before NFKC, which would turn these into something else.
_EARLY = str.maketrans({
    "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'",
    "…": "...", "²": " squared", "³": " cubed",
    "−": "-", "‐": "-", "‑": "-", "™": "", "®": "",
    **{fraction: " " + fraction for fraction in "¼½¾⅓⅔⅛⅜⅝⅞"},
})  # fmt: skip
_AFTER_NFKC = (
    ("°C", " degrees Celsius"), ("°F", " degrees Fahrenheit"), ("°", " degrees"),
    ("μm", " micrometers"), ("μg", " micrograms"), ("μs", " microseconds"), ("⁄", "/"),
)  # fmt: skip
_LAST_READABLE_LETTER = "\u017f"  # espeak spells out the code of any later one
_REMOVED = frozenset(("So", "Sk", "Cf", "Co", "Cn", "Mn", "Me", "Mc"))

_LONG_RUN = re.compile(r"\w{%d}" % (MAX_RUN + 1))
_INTEGER = r"\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d+"
_NUMBER = rf"(?<!\d)(?:{_INTEGER})(?:\.\d+)?"


def check_text(text: str) -> None:
    """Refuses text that cannot be spoken as English.

    Args:
        text: Text as the user wrote it.

    Raises:
        RequestError: The text is empty, or only punctuation or emoji; or holds
            a control character, a letter that is not Latin, or a run of letters
            too long to be a word. The message is one line.
    """
    if not text.strip():
        raise RequestError("text is empty: give at least one word to speak")
    cleaned = _clean(text)
    if not any(map(str.isalnum, cleaned)):
        emoji = any(unicodedata.category(char) == "So" for char in text)
        what = "emoji" if emoji else "punctuation"
        raise RequestError(f"text {excerpt(text)} holds only {what}: add a word to speak")
    if run := _LONG_RUN.search(cleaned):
        raise RequestError(
            f"text has over {MAX_RUN} letters without a space, from "
            f"{excerpt(run[0])}: put spaces between words"
        )


def normalize(text: str) -> str:
    """Writes text out as it is said, in words and the marks `.,?!` only.

    Args:
        text: Text that `check_text` accepts.

    Returns:
        Words separated by single spaces, ending in `.`, `?` or `!`.
        Normalising this again changes nothing.

    Raises:
        RequestError: The text holds a control character or a letter that is
            not Latin.
    """
    text = re.sub(r"(?<![.?!,:;\s])\n[ \t]*\n", ". ", _clean(text))
    text = " ".join(text.split())
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = "".join(_SYMBOL_WORDS.get(char, char) for char in text)
    text = re.sub(r"[^\w.,?!' -]|_", " ", text)
    # Only inside a word, or at the start of a clipped one, is ' an apostrophe.
    text = re.sub(r"(?<!\w)'(?!(?:em|cause|tis|twas|til)\b)|'(?!\w)", " ", text)
    text = re.sub(r"(?<!\w)-|-(?!\w)", " ", text)
    text = " ".join(text.split())
    # Of several marks in a row, the one that says most about the melody.
    text = re.sub(r" ?([.,?!][ .,?!]*)", lambda m: min(m[1], key="?!., ".index) + " ", text)
    text = text.lstrip(" ,.?!").rstrip(" ,")
    return text if text.endswith((".", "?", "!")) else text + "."


def excerpt(text: str) -> str:
    """Returns the start of a text, quoted and on one line, for a message."""
    return repr(text if len(text) <= 24 else text[:24] + "…")


def _clean(text: str) -> str:
    for position, char in enumerate(text):
        if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t\r":
            raise RequestError(
                f"text has the control character U+{ord(char):04X} at position "
                f"{position}: remove it"
            )
    text = unicodedata.normalize("NFKC", text.replace("\r", "").translate(_EARLY))
    for symbol, word in _AFTER_NFKC:
        text = text.replace(symbol, word)
    return "".join(map(_clean_char, text))


def _clean_char(char: str) -> str:
    if char.isascii():
        return char
    category = unicodedata.category(char)
    if category in _REMOVED and char != "©":
        return " " if category == "So" else ""
    if category[0] not in "LN":
        return char
    if category[0] == "L" and char <= _LAST_READABLE_LETTER:
        return char
    if (base := unicodedata.normalize("NFKD", char)[0]).isascii():
        return base
    raise RequestError(
        f"text has {char!r} ({unicodedata.name(char, 'unnamed')}), which is not a letter "
        "of English: write it in Latin letters"
    )


@functools.lru_cache(maxsize=4096)
def _words(number: int, form: str = "cardinal") -> str:
    from num2words import num2words

    said = num2words(number, lang="en", to=form).replace("-", " ").replace(",", "")
    return said.replace(" and ", " ")


def _digits(digits: str) -> str:
    return " ".join(_words(int(digit)) for digit in digits)


def _integer(digits: str) -> str:
    plain = digits.replace(",", "")
    if len(plain) > 15 or (len(plain) > 1 and plain[0] == "0"):
        return _digits(plain)
    return _words(int(plain))


def _decimal(number: str) -> str:
    whole, *parts = number.split(".")
    return " point ".join([_integer(whole), *map(_digits, parts)])


def _say_number(number: str) -> str:
    if len(number) == 4 and number.isdigit() and "1100" <= number <= "2099":
        return _words(int(number), "year")
    return _decimal(number)


def _say_plural(match: re.Match[str]) -> str:
    number = _say_number(match[1])
    return number[:-1] + "ies" if number.endswith("y") else number + "s"


def _say_currency(match: re.Match[str]) -> str:
    sign, amount, scale = match[1], match[2], match[3]
    one, many, cent, cents = _CURRENCIES[sign]
    whole, _, part = amount.partition(".")
    if scale:
        return f"{_decimal(amount)} {_SCALES.get(scale, scale)} {many}"
    if len(part) > 2:
        return f"{_decimal(amount)} {many}"
    minor = int(part.ljust(2, "0")) if part else 0
    said = []
    if whole != "0" or not minor:
        said.append(f"{_integer(whole)} {one if whole == '1' else many}")
    if minor:
        said.append(f"{_words(minor)} {cent if minor == 1 else cents}")
    return " and ".join(said)


def _say_date(year: str, month: str, day: str) -> str | None:
    if int(month) > 12:  # the day is written first outside the US
        month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    said = f"{_MONTHS[int(month) - 1]} {_words(int(day), 'ordinal')}"
    return f"{said}, {_words(int(year), 'year')}"


def _say_month_day(match: re.Match[str]) -> str:
    month = next(name for name in _MONTHS if name.startswith(match[1][:3]))
    said = f"{month} {_words(int(match[2]), 'ordinal')}"
    return f"{said}, {_words(int(match[3]), 'year')}" if match[3] else said


def _say_time(match: re.Match[str]) -> str:
    hour, minute, second, half = match[1], match[2] or "00", match[3], match[4]
    if int(hour) > 24 or int(minute) > 59:
        return match[0]
    said = _words(int(hour))
    if minute != "00":
        said += (" oh " if minute[0] == "0" else " ") + _words(int(minute))
    elif not half:
        said += " o'clock"
    if second:
        said += f" and {_words(int(second))} seconds"
    return said + (f" {half.upper()}M" if half else "") + _sentence_end(match)


def _say_phone(match: re.Match[str]) -> str:
    return ", ".join(_digits(part) for part in match.groups() if part)


def _say_ordinal(match: re.Match[str]) -> str:
    return _words(int(match[1]), "ordinal") if len(match[1]) < 16 else _digits(match[1])


def _say_fraction(match: re.Match[str]) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    if not 0 < top < bottom <= 100:
        return f"{_integer(whole) + ' ' if whole else ''}{_words(top)} slash {_words(bottom)}"
    one = {2: "half", 4: "quarter"}.get(bottom) or _words(bottom, "ordinal")
    name = one if top == 1 else "halves" if bottom == 2 else one + "s"
    return f"{_integer(whole) + ' and ' if whole else ''}{_words(top)} {name}"


def _say_unit(match: re.Match[str]) -> str:
    unit, _, per = _UNITS[match[2]].partition(" ")
    if match[1] != "1":
        unit = "feet" if unit == "foot" else unit if unit.endswith("hertz") else unit + "s"
    return f"{match[1]} {unit} {per}".rstrip()


def _say_url(match: re.Match[str]) -> str:
    address = re.sub(r"^[a-z]+://", "", match[0])
    bare = address.rstrip(".,;:!?/)'\"")
    tail = address[len(bare) :].lstrip("/")
    bare = re.sub(r"^www(?=\.)", "WWW", bare)
    return "".join(_URL_WORDS.get(char, char) for char in bare) + tail


def _say_abbreviation(match: re.Match[str]) -> str:
    end = _sentence_end(match) if match[1] in FINAL_ABBREVIATIONS else ""
    return ABBREVIATIONS[match[1]] + end


def _say_initials(match: re.Match[str]) -> str:
    end = "." if match.end() == len(match.string) else ""
    return match[0].replace(".", "").upper() + end


def _sentence_end(match: re.Match[str]) -> str:
    """Returns the period of an abbreviation that also ends its sentence."""
    following = match.string[match.end() : match.end() + 2].strip()
    return "." if match[0].endswith(".") and (not following or following[0].isupper()) else ""


_MONTH = "|".join(f"{name}|{name[:3]}\\b\\.?" for name in _MONTHS) + r"|Sept\b\.?"
_ABBREVIATION = "|".join(map(re.escape, ABBREVIATIONS.keys() - {"No", "Nos", "St"}))
_SCALE = "|".join((*_SCALES, "thousand|million|billion|trillion"))
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
# In order: each rule leaves text that the later ones may not take for theirs.
_SOURCES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(?:\bhttps?://|\bwww\.)[^\s<>]+", _say_url),
    (r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}", _say_url),
    (r"\b[A-Za-z0-9-]{2,63}\.(?:com|org|net|edu|gov|io|dev)\b(?:/[^\s<>]*)?", _say_url),
    (r"(?<=\d)\s?[–—]\s?(?=\d)", "-"),
    (r" ?(?:[–—―]|--|(?<= )-(?= ))[–—―-]* ?", ", "),
    (r"(?<![\w.])(?:No|no|Nos|nos)\. ?(?=\d)", "Number "),
    (r"\bSt\.(?= (?!The|He|She|It|They|We|I)[A-Z])", "Saint"),
    (r"\bSt\.(?! [A-Z])", "Street"),
    (r"\bSt\.", "Street."),
    (rf"(?<![\w.])({_ABBREVIATION})\.", _say_abbreviation),
    (r"\b(Mr|Mrs|Ms|Dr)(?= [A-Z])", lambda m: ABBREVIATIONS[m[1]]),
    (r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])", lambda m: _say_date(*m.groups()) or m[0]),
    (r"(?<![\w/])(\d\d?)/(\d\d?)/(\d{4})(?![\w/])", lambda m: _say_date(*m.group(3, 1, 2)) or m[0]),
    (
        rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.,]?\d)(?:,? (\d{{4}})\b)?",
        _say_month_day,
    ),
    (
        r"(?<![\d:.])(\d{1,2}):(\d\d)(?::(\d\d))?(?![\d:])(?: ?([AaPp])\.?[Mm]\b\.?)?",
        _say_time,
    ),
    (r"(?<![\d:.])(\d{1,2})()()(?: ?([AaPp])(?:\.[Mm]\.|[Mm]\b))", _say_time),
    (r"(?<=\d)' ?(?=\d)", " feet "),
    (r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,8}", _say_initials),
    (r"(?<![\w.])(?!I\.)([A-Z])\.(?= [A-Z])", r"\1"),
    (r"(?<![\d-])(\d{3})-(?:(\d{3})-)?(\d{4})(?![\d-])", _say_phone),
    (r"(?<![^\s(])-(?=[.$£€¥]?\d)", "minus "),
    (rf"([$£€¥]) ?((?:{_INTEGER})(?:\.\d+)?)(?: ?({_SCALE})\b)?", _say_currency),
    (r"#(?=\d)", "number "),
    (r"#(?=\w)", "hashtag "),
    (r"(?<![\d.])'?(\d[\d,]{0,14})'?s\b", _say_plural),
    (r"(?<!\d)(\d+)(?:st|nd|rd|th)\b", _say_ordinal),
    (rf"({_NUMBER}) ?({_UNIT})\b(?!')", _say_unit),
    (r"(?<![\d/.])(?:(\d{1,4}) )?(\d{1,3})/(\d{1,3})(?![\d/])", _say_fraction),
    (r"(?<=\d) ?- ?(?=\d)", " to "),
    (r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)(?=[^\W\d_])", " "),
    (r"(?<![\d.])\.(\d+)", lambda m: "point " + _digits(m[1])),
    (rf"{_NUMBER}(?:\.\d+)*", lambda m: _say_number(m[0])),
    (r"(?<!\.)\.{2,}(?= ?[a-z])", ","),
)  # fmt: skip
_RULES = [(re.compile(source), replacement) for source, replacement in _SOURCES]
