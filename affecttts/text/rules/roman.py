"""Roman numerals after a name or a word that is counted."""

import re

from affecttts.text.numerals import cardinal, ordinal
from affecttts.text.rules.rule import Rule, any_of
from affecttts.text.tables import table

_ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?<=[IVXLCDM])"
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    words = table("roman")
    many = rf"(?=[IVXLCDM]{{2}}){_ROMAN}"
    after_i = r"(?=[,.;:!?)\"]|$| (?:was|is|of|and|had|ruled|reigned|died|became|in|by|to|from|who|at|'s)\b|'s)"
    cues = {part + end for cue in words["cues"] for part in cue.split() for end in ("", "s")}
    return [
        Rule(rf"\b({any_of(words['rulers'])} (?:[A-Z][a-z]+ )?[A-Z][a-z]+|{any_of(words['names'])}) ({many})\b", _say_place, ["AA"], {*words["rulers"], *words["names"]}),
        Rule(rf"\b({any_of(words['rulers'])} (?:[A-Z][a-z]+ )?[A-Z][a-z]+|(?<!Malcolm ){any_of(set(words['names']) - {'Malcolm'})}) (I|V|X)\b{after_i}", _say_place, "IVX", {*words["rulers"], *words["names"]}),
        Rule(rf"(?<!\w)({any_of(words['cues'])}s?\.?,? )({many})\b(?: ?(?:-|–|to|and|&) ?({_ROMAN}))?\b", _say_counted, ["AA"], cues),
        Rule(rf"(?<!\w)(?<!the )(?<!this )(?<!The )(?<!This )(?<!every )(?<!a )({any_of(words['cues'])} )([IVX])\b(?!'[a-z]|\.[A-Z])(?=(?:[^\w']| [a-z]|$))", _say_single, "IVX", cues),
        Rule(r"\b(XX?I?[IVX]{0,3}|XIX|XVI{0,3}|XI{0,3}|IX|XIV|XV)(?:th|st|nd|rd)?(?= [Cc]entur(?:y|ies)\b)", lambda m: ordinal(value(m[1])), ["century", "centuries", "Century"]),
        Rule(rf"(\b[A-Z][a-z]+ )({many})\b(?!')", _say_named, "IVX", ["AA"]),
        Rule(rf"\b(IV)(?=[- ]{any_of(words['medical'])}\b)|(?<=\b[Aa]n )(IV)\b|(?<=\bby )(IV)\b|(?<=\bthe )(IV)\b", "I V", ["IV"]),
        Rule(r"(?<![\w.&'-])(II|IX|XI|XV)(?![\w&'-]|\.\w)", lambda m: cardinal(value(m[1])), ["II", "IX", "XI", "XV"]),
        Rule(rf"\b(?=[IVXLCDM]{{3}})(?=[IVXLCDM]*[IVX])({_ROMAN})(?=th\b|\b)", lambda m: _number(m[1]) or m[0], "IVX", ["AA"]),
    ]  # fmt: skip


def value(numeral: str) -> int:
    """Returns the number that a Roman numeral stands for."""
    values = [_VALUES[letter] for letter in numeral]
    return sum(
        -one if one < following else one
        for one, following in zip(values, [*values[1:], 0], strict=True)
    )


def _number(numeral: str) -> str | None:
    return None if numeral in table("roman")["not_numerals"] else cardinal(value(numeral))


def _say_place(match: re.Match[str]) -> str:
    if match[2] in table("roman")["not_numerals"]:
        return match[0]
    return f"{match[1]} the {ordinal(value(match[2]))}"


def _say_counted(match: re.Match[str]) -> str:
    said = _number(match[2])
    if not said:
        return match[0]
    if match[3]:
        between = " and " if "and" in match[0] or "&" in match[0] else " to "
        said += between + cardinal(value(match[3]))
    return match[1] + said


def _say_single(match: re.Match[str]) -> str:
    """Says a single I, V or X after a word that is counted; I before a verb is the pronoun."""
    following = re.match(r" ([a-z]+)", match.string[match.end() : match.end() + 20])
    if match[2] == "I" and following:
        numbered = table("roman")["after_one"] + table("roman")["after_great_one"] * (
            match[1].strip() in table("roman")["great"]
        )
        if match[1][0].islower() or following[1] not in numbered:
            return match[0]
    return match[1] + cardinal(value(match[2]))


def _say_named(match: re.Match[str]) -> str:
    if len(match[2]) == 2 and match[2] not in ("II", "IV", "VI", "IX", "XI", "XV", "XX"):
        return match[0]
    said = _number(match[2])
    return match[1] + said if said else match[0]
