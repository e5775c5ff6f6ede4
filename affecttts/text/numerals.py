"""Numbers as English says them."""

import functools
import re

GROUPED = r"\d{1,3}(?:,\d{3}){1,11}(?![\d,]\d)"
"""A source for a whole number with commas between its thousands."""

INTEGER = rf"(?:{GROUPED}|\d+)"
"""A source for a whole number with or without commas."""

NUMBER = rf"(?:{INTEGER}(?:\.\d+)?)"
"""A source for a number that may have a decimal part."""

LONGEST_CARDINAL = 36
"""Numbers with more digits are read digit by digit."""


@functools.lru_cache(maxsize=4096)
def cardinal(number: int) -> str:
    """Says a whole number: "two hundred one"."""
    return _say(number, "cardinal")


@functools.lru_cache(maxsize=1024)
def ordinal(number: int) -> str:
    """Says the place in an order: "twenty first"."""
    return _say(number, "ordinal")


@functools.lru_cache(maxsize=1024)
def year(number: int) -> str:
    """Says a year: "nineteen oh five"."""
    return _say(number, "year")


def _say(number: int, form: str) -> str:
    from num2words import num2words

    said = num2words(number, lang="en", to=form).replace("-", " ").replace(",", "")
    return said.replace(" and ", " ")


def plain(digits: str) -> str:
    """Takes the marks out of a grouped number."""
    return re.sub(r"[^\d.]", "", digits)


def spell(digits: str) -> str:
    """Says each digit: "zero zero seven"."""
    return " ".join(cardinal(int(digit)) for digit in digits if digit.isdigit())


def integer(digits: str) -> str:
    """Says a whole number as written, digit by digit where it begins with zero."""
    bare = plain(digits)
    if len(bare) > LONGEST_CARDINAL or (len(bare) > 1 and bare[0] == "0"):
        return spell(bare)
    return cardinal(int(bare))


def decimal(number: str) -> str:
    """Says a number with any count of points: "three point one four"."""
    whole, *parts = number.split(".")
    return " point ".join([integer(whole or "0"), *(spell(part) for part in parts if part)])


def amount(number: str) -> str:
    """Says a number that may be a year, as one that stands alone may."""
    return year(int(number)) if looks_like_year(number) else decimal(number)


def looks_like_year(number: str) -> bool:
    """Tells whether four digits are more often a year than a count."""
    return len(number) == 4 and number.isdigit() and "1100" <= number <= "2099"


def pairs(digits: str) -> str:
    """Says a number as names of flights and roads are said: "seven forty seven".

    Args:
        digits: Two to four digits.
    """
    head, tail = digits[:-2], digits[-2:]
    if not head or digits.endswith("00") or digits[0] == "0":
        return integer(digits)
    return f"{integer(head)} {'oh ' if tail[0] == '0' else ''}{cardinal(int(tail))}"


def power(exponent: str) -> str:
    """Says what follows a base: "squared", "to the tenth", "to the minus three"."""
    if exponent.startswith("-"):
        return f"to the minus {integer(exponent[1:])}"
    if exponent in ("2", "3"):
        return "squared" if exponent == "2" else "cubed"
    return f"to the {ordinal(int(exponent))}"


def fraction(top: int, bottom: int) -> str:
    """Says a proper fraction: "three quarters"."""
    one = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    name = one if top == 1 else "halves" if bottom == 2 else one + "s"
    return f"{cardinal(top)} {name}"


def plural(word: str) -> str:
    """Writes the plural of a number or a unit."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "s", "ch", "sh")) else "s")
