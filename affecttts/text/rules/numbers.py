"""Plain numbers: grouped, ordinal, negative, scientific, fractions and ranges."""

import re

from affecttts.text.numerals import (
    NUMBER,
    amount,
    decimal,
    fraction,
    integer,
    looks_like_year,
    ordinal,
    power,
    spell,
)
from affecttts.text.rules.rule import Rule, after_number

_SIGN = "[$£€¥₹]"
_ORDINALS = after_number(
    form for end in ("st", "nd", "rd", "th") for form in (end, end.upper(), end.capitalize())
)
_YEAR_CUE = re.compile(
    r"\b(?:in|of|since|by|until|till|to|from|before|after|around|circa|the|year|during|for|this|spring|summer|autumn|fall|"
    r"winter|early|late|mid|and|between|through|January|February|March|April|May|June|July|August|September|October|November|"
    r"December),? $"
)
_PLURAL = re.compile(
    r" [a-z]{2,20}[^s'\W]s\b|-(?:piece|page|word|mile|foot|year|strong|dollar|pound)\b| (?:people|men|women|children|feet|sheep|hours|copies)\b"
)


def early_rules() -> list[Rule]:
    """Returns the rules that go before money and units: grouping and signs before a number."""
    return [
        Rule(r"(?<=\d)[\u2009\u202f'_](?=\d{3}(?!\d))(?<=\d.)", ",", "0", "'_"),
        Rule(r"(?<![\w.,+-])[1-9]\d{0,2}(?: \d{3}){2,6}(?![\w.]\w|,\d)", lambda m: m[0].replace(" ", ","), ["0 0"]),
        Rule(r"(?<![\w.,+-])(?<![A-Za-z] \d{3} )[1-9]\d{0,2} \d00(?![\w.]\w|,\d| \d)", lambda m: m[0].replace(" ", ","), ["0 0"]),
        Rule(r"(?<![\w.,])\d{1,3}(?:\.\d{3}){2,6}(?![\w.]\w)", lambda m: m[0].replace(".", ","), "0", [".x"]),
        Rule(rf"(?<![\w)\]\"'%°.$£€/^-])-(?={_SIGN}?\.?\d)|(?<=\()-(?={_SIGN}?\.?\d)", "minus ", "0", "-"),
        Rule(rf"(?<![\w)\]\"'%°.-])(?:~|≈) ?(?={_SIGN}?\d)", "about ", "0", "~≈"),
        Rule(r"(\d+(?:[.,]\d+)?) ?[×x*·] ?10\^?(-?\d{1,4})\b", lambda m: f"{decimal(m[1].replace(',', '.'))} times ten {power(m[2])}", ["0×", "0x", "0*", "0·"]),
        Rule(r"(?<![\w.,])(\d+(?:\.\d+)?)[eE]([+-]?\d{1,4})(?![\w.]\w|\w)", lambda m: f"{decimal(m[1])} times ten {power(m[2].lstrip('+'))}", ["0e", "0E"]),
    ]  # fmt: skip


def rules() -> list[Rule]:
    """Returns the rules for the numbers that no other family took, in order."""
    return [
        Rule(r"(?i)(?<![\w.,])((?:\d,?){1,36})(?:st|nd|rd|th)\b(?<!,..)", _say_ordinal, _ORDINALS),
        Rule(rf"({NUMBER})\^\(?(-?\d{{1,4}})\)?", lambda m: f"{decimal(m[1])} {power(m[2])}", "0", "^"),
        Rule(r"(?<=[A-Za-z)πθμσλω])\^\(?(-?\d{1,4})\)?", lambda m: f" {power(m[1])}", "^"),
        Rule(r"(?<=[A-Za-z\d)])\^\(?([a-z])\)?(?!\w)", r" to the \1", "^"),
        *_division_rules(),
        *_range_rules(),
        Rule(r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)(?=[^\W\d_])", " ", ["0_"]),
        Rule(r"(?<![\d.])\.(\d+)", lambda m: "point " + spell(m[1]), "0", [".x"]),
        Rule(r"(?<![\w.,])(\d+),(\d{1,2})(?= (?:percent|million|billion|thousand|point|meters|kilo|liters|grams|degrees|seconds|euros))", lambda m: decimal(f"{m[1]}.{m[2]}"), ["0,"]),
        Rule(rf"{NUMBER}(?:\.\d+){{0,8}}", _say_number, "0"),
    ]  # fmt: skip


def _division_rules() -> list[Rule]:
    return [
        Rule(r"(?<![\w/.,])(24)/(7)(?![\d/])|(?<![\w/.,])(9|7)/(11)(?![\d/])|(?<![\w/.,])(20)/(20)(?![\d/])", _say_pair, "0", "/"),
        Rule(r"(?<![\w/.,])(\d{2})/(\d{2})(?![\d/]|\.\d)", _say_split, "0", "/"),
        Rule(r"(?<=\d) / (?=\d)", " divided by ", "0", "/"),
        Rule(r"(?<=\d) ?\* ?(?=\d)|(?<=\b[a-z])(?: \* |\*)(?=[a-z\d]\b)|(?<=\d) ?\* ?(?=[a-z]\b)", " times ", "0", "*"),
        Rule(r"(?<=\d) - (?=\d[\d.]* =)", " minus ", "0", "="),
        Rule(
            r"(?<![\w/.,])(?:(\d{1,4})[ -])?(\d{1,4})/(\d{1,4})(?:ths?|rds?|nds?)?(?![\d/]|[.,]\d)", _say_fraction, "0", "/",
        ),
    ]  # fmt: skip


def _range_rules() -> list[Rule]:
    return [
        Rule(r"(?<=\d) ?[-–—] ?(?=\d)", " to ", ["0-0", "0-", "0–", "0—"]),
        Rule(r"\b(percent|dollars?|euros?|pounds|meters|kilometers|grams|degrees|seconds|minutes|hours|AM|PM) ?[-–—] ?(?=\d|minus \d)", r"\1 to ", "0", "-–—"),
    ]  # fmt: skip


def _say_ordinal(match: re.Match[str]) -> str:
    digits = match[1].replace(",", "")
    return ordinal(int(digits)) if len(digits) < 37 else spell(digits)


def _say_pair(match: re.Match[str]) -> str:
    return " ".join(integer(part) for part in match.groups() if part)


def _say_split(match: re.Match[str]) -> str:
    first, second = match.groups()
    return f"{integer(first)} {integer(second)}" if int(first) + int(second) == 100 else match[0]


def _say_fraction(match: re.Match[str]) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    lead = integer(whole) if whole else ""
    if top and bottom and top >= bottom and not whole:
        said = f"{integer(match[2])} {'divided by' if '=' in match.string else 'over'} {integer(match[3])}"
        return said
    if not 0 < top < bottom <= 1000 or match[3][0] == "0":
        return f"{lead} {integer(match[2])} slash {integer(match[3])}".strip()
    following = match.string[match.end() : match.end() + 4]
    if (
        bottom in (10, 100)
        and top > 1
        and not whole
        and not re.match(r"(?: of| [a-z]|-)", following)
    ):
        return f"{integer(match[2])} out of {integer(match[3])}"
    return (f"{lead} and " if lead else "") + fraction(top, bottom)


def _say_number(match: re.Match[str]) -> str:
    number, text = match[0], match.string
    if (
        looks_like_year(number)
        and _PLURAL.match(text, match.end())
        and not _YEAR_CUE.search(text[max(0, match.start() - 12) : match.start()])
    ):
        return decimal(number)
    if number.count(".") > 1 or "," in number:
        return decimal(number)
    return amount(number)
