"""Abbreviations: titles, streets, what stands before a number, and initials."""

import re

from affecttts.text.rules.rule import STARTERS, Rule, any_of, phrase_end
from affecttts.text.tables import table

_NAME = r"[A-Z][\w'-]*"
_SAID_AS_LETTERS = re.compile(r"[^AEIOUYaeiouy]{2,8}")
_ROMAN_ONLY = re.compile(r"[IVXLCDM]+")


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    return [
        *_latin_rules(),
        *_numbered_rules(),
        *_street_rules(),
        *_title_rules(),
        *_plain_rules(),
        *_initials_rules(),
    ]


def _latin_rules() -> list[Rule]:
    words = table("abbreviations")
    dotted, bare, slashed = words["dotted"], words["latin_without_stop"], words["slashed"]
    return [
        Rule(
            rf"(?<![\w.])({any_of(dotted)})\.,?(?!\w)",
            lambda m: dotted[m[1]] + ("" if dotted[m[1]].endswith(",") else phrase_end(m)), [".x"],
        ),
        Rule(r"\bPh\. ?D\b\.?", lambda m: "PhD" + phrase_end(m), ["Ph"]),
        Rule(rf"(?<![\w.'-])({any_of(bare)})(?:\.,?|,)?(?= [a-z\d])", lambda m: bare[m[1]], bare),
        Rule(rf"(?<![\w/])({any_of(slashed)})(?![\w/])", lambda m: slashed[m[1]], "/"),
        Rule(r"(?<![\w/])(w/)(?=\w)", "with ", "/"),
        Rule(r"\b([Ss])/he\b", r"\1he or he", "/"),
        Rule(rf" v\.? (?={_NAME})", _say_versus, "v", "A"),
        Rule(r"\b(P)\. ?(P\. ?)?S\.(?=:? )", lambda m: "PPS" if m[2] else "PS", ".", "P"),
        Rule(r"\bR\.?S\.?V\.?P\b\.?(?=\W)", "RSVP", "R", "V"),
    ]  # fmt: skip


def _say_versus(match: re.Match[str]) -> str:
    """Says the v between two names."""
    before = match.string[: match.start()].rpartition(" ")[2]
    return " versus " if before[:1].isupper() else match[0]


def _numbered_rules() -> list[Rule]:
    words = table("abbreviations")
    said, bare = words["numbered"], words["numbered_without_stop"]
    either = {form for word in said for form in (word, word.capitalize())}

    def say(match: re.Match[str]) -> str:
        word = said[match[1].lower()]
        return (word.capitalize() if match[1][0].isupper() and len(match[1]) > 1 else word) + " "

    return [
        Rule(rf"(?<![\w.])({any_of(either)})\. ?(?=[#~]?\d)(?!\d+:\d)", say, ".", "0"),
        Rule(
            rf"(?<![\w.-])({any_of({form for word in bare for form in (word, word.capitalize())})}) (?=\d)",
            say,
            "0",
            {form for word in bare for form in (word, word.capitalize())},
        ),
        Rule(
            r"(?<![\w.])([Vv])ols?\. (?=[IVXL]+\b)",
            r"\1olume ",
            ["vol", "Vol", "vols", "Vols"],
            "A",
        ),
        Rule(
            r"(?<![\w.])([Cc])h(?:ap)?\. (?=[IVXL]+\b)",
            r"\1hapter ",
            ["ch", "Ch", "chap", "Chap"],
            "A",
        ),
        Rule(
            r"(?<=\d) (max|min|avg)\b\.?(?=[\s,;)]|$)",
            lambda m: f" {said[m[1]]}" if m[1] != "min" else m[0],
            "0",
            ["max", "avg"],
        ),
    ]


def _street_rules() -> list[Rule]:
    streets = table("abbreviations")["streets"]
    clear = any_of(set(streets) - {"St", "Dr", "Ct", "Pl", "Ter", "Cir", "Sq", "Av"})
    vague = any_of({"Ct", "Pl", "Ter", "Cir", "Sq", "Av"})
    before = rf"((?:\b\d+[A-Za-z]? |\b(?:N|S|E|W)\.? )?(?:{_NAME}|\d+(?:st|nd|rd|th))) "

    def say(match: re.Match[str]) -> str:
        return f"{match[1]} {streets[match[2]]}{phrase_end(match)}"

    return [
        Rule(rf"{before}({clear})\b\.?", say, streets),
        Rule(rf"{before}({vague})\.(?!\w)", say, ".", streets),
        Rule(rf"(\b\d+[A-Za-z]? (?:{_NAME} ){{0,2}}{_NAME}) ({vague})\b", say, "0", streets),
        Rule(rf"(\b\d+[A-Za-z]? (?:St\.? )?(?:{_NAME} ){{0,2}}{_NAME}) (St|Dr)\b(?! {_NAME})\.?", say, "0", ["St", "Dr"]),
        Rule(rf"(\b\d+[A-Za-z]? (?:{_NAME} ){{0,2}}{_NAME}) (St|Dr)\b(?=\.? (?:{_starters_source()}))\.?", say, "0", ["St", "Dr"]),
        Rule(rf"({_NAME}|\b\d+(?:st|nd|rd|th)) (St)\b(?!\.? {_NAME})\.?", say, ["St"]),
        Rule(rf"({_NAME}|\b\d+(?:st|nd|rd|th)) (St)\.(?= (?:{_starters_source()}))", say, ["St"]),
        Rule(rf"(\b(?:on|at|off|along|down|near|from|to|of|onto|up) {_NAME}) (Dr)\b(?!\.? {_NAME})\.?", say, ["Dr"]),
        Rule(rf"(?<![.!?:;,] )(?!(?:The|A|My|Our|Dear|Hello|Hi|Yes)\b)({_NAME}) (Dr)\.(?= (?:in|near|at|and|is|was|to|by|for|between|where|until|then|with|from) |,? \d|$)", say, ["Dr"]),
        Rule(r"\bSt\b\.?(?= [A-Z])(?<!\w\wSt)", "Saint", ["St"]),
        Rule(r"\bSts\. (?=[A-Z])", "Saints ", ["Sts"]),
    ]  # fmt: skip


def _title_rules() -> list[Rule]:
    words = table("abbreviations")
    titles = words["titles"]
    return [
        Rule(rf"(?<![\w.])({any_of(titles)})\.(?= ?(?:(?:{any_of(titles)})\b|[A-Z][\w'.]|[A-Z]$))(?! (?:{_starters_source()}))", lambda m: titles[m[1]] + ("" if m.string[m.end():m.end() + 1] == " " else " "), ".", titles),
        Rule(rf"(?<![\w.])({any_of(words['titles_without_stop'])})\.?(?= [A-Z])", lambda m: titles[m[1]], words["titles_without_stop"]),
        Rule(r"(?<=[a-z],) (Jr|Sr)\b\.?|(?<=[a-z]) (Jr|Sr)\b\.?", lambda m: f" {titles[m[1] or m[2]]}{phrase_end(m)}", ["Jr", "Sr"]),
        Rule(r"\b(Jr|Sr)\.? (?=[A-Z])", lambda m: f"{titles[m[1]]} ", ["Jr", "Sr"]),
        Rule(r"(?<![\w.])(Mrs?|Ms|Dr)\.(?= [a-z])", lambda m: titles[m[1]], ["Mr", "Mrs", "Ms", "Dr"]),
    ]  # fmt: skip


def _plain_rules() -> list[Rule]:
    words = table("abbreviations")
    plain, bare, final = words["plain"], words["without_stop"], set(words["final"])

    def say(match: re.Match[str]) -> str:
        return plain[match[1]] + (phrase_end(match) if match[1] in final else "")

    return [
        Rule(rf"(?<![\w.])({any_of(plain)})\.(?!\w)", say, ".", plain),
        Rule(
            r"(?<![\w.])(?<!\d )(?:max|min)\.(?= [a-z])",
            lambda m: "maximum" if m[0] == "max." else "minimum",
            ["max", "min"],
        ),
        Rule(rf"(?<![\w.'-])({any_of(bare)})(?![\w'.-])", lambda m: bare[m[1]], bare),
    ]


def _initials_rules() -> list[Rule]:
    return [
        Rule(
            r"(?<![A-Za-z.])(?:[A-Za-z]\.[ ]?(?=[A-Za-z]\.)){1,7}[A-Za-z]\.(?!\w)",
            _say_initials,
            ["x."],
        ),
        Rule(r"([A-HJ-Z])(?<![\w.'].)\.(?= ?[A-Z])", r"\1", ["x."], "A"),
    ]


def _say_initials(match: re.Match[str]) -> str:
    letters = re.sub(r"[^A-Za-z]", "", match[0])
    if " " in match[0]:  # the initials of a person
        if letters.upper().endswith("I") and letters[-1] == "I":
            return match[0][:-2].replace(".", "") + match[0][-2:]
        last = "." if not match.string[match.end() :].strip() else ""
        return " ".join(letters) + last
    letters = letters.upper()
    end = phrase_end(match)
    joined = letters in (
        *table("abbreviations")["spelled_initials"],
        *table("shouting")["initialisms"],
    ) or (
        _SAID_AS_LETTERS.fullmatch(letters)
        and (letters in ("DC", "MD", "CD") or not _ROMAN_ONLY.fullmatch(letters))
    )
    return (letters if joined else " ".join(letters)) + end


def _starters_source() -> str:
    return STARTERS.pattern
