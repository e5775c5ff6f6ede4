"""What money and units share: grammar around an amount, and forms of amounts."""

import re

from affecttts.text.numerals import decimal
from affecttts.text.tables import table

AMOUNT = r"(?:\d{1,3}(?:,\d{2,3}){1,11}(?:\.\d+)?(?![\d,]\d)|\d{1,3}(?:\.\d{3}){1,7},\d\d?(?!\d)|\d+(?:[.,]\d+)?|\.\d+)"
"""A source for a number in any usual grouping, with a decimal point or comma."""

_BEFORE = re.compile(r"([A-Za-z']+)[ -]?$")
_AFTER = re.compile(r" ([a-z]+)|-(?:a|an|per)-")


def standard(number: str) -> str:
    """Writes an amount with a decimal point and no grouping: "1.299,50" is "1299.50"."""
    if number.startswith("."):
        return "0" + number
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d\d?", number) or re.fullmatch(
        r"\d{1,3}(?:\.\d{3}){2,}", number
    ):
        return number.replace(".", "").replace(",", ".")
    if re.fullmatch(r"\d+,\d{1,2}", number):
        return number.replace(",", ".")
    return number.replace(",", "")


def say(number: str) -> str:
    """Says an amount in any usual form as a count, never as a year."""
    return decimal(standard(number))


def qualifies(match: re.Match[str], always: bool = False) -> bool:
    """Tells whether a quantity stands before its noun: "a five dollar bill".

    Args:
        match: The whole quantity.
        always: No article is needed before it.
    """
    after = _AFTER.match(match.string, match.end())
    if not after:
        return False
    if not after[1]:
        return True
    grammar = table("grammar")
    if after[1] in grammar["not_nouns"]:
        return False
    before = _BEFORE.search(match.string[max(0, match.start() - 16) : match.start()])
    return always or bool(before and before[1].lower() in grammar["determiners"])
