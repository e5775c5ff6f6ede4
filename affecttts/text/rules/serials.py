"""Numbers that are names: of telephones, books, cards, flights and accounts."""

import re
from collections.abc import Iterable

from affecttts.text.numerals import integer, pairs, spell
from affecttts.text.rules.rule import Rule, any_of
from affecttts.text.tables import table

_START = r"(?<![\w.,+-])(?<![\d]\()"
_END = r"(?![\w-]|[.,]\d)"
_EXTENSION = r"(?:,? ?(?:x|ext\.?|extension) ?(?P<extension>\d{1,6}))?"
_ROUND = re.compile(r"[1-9]\d{0,3}0*")


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    return [*_telephone_rules(), *_serial_rules(), *_cued_rules()]


def _telephone_rules() -> list[Rule]:
    return [
        Rule(rf"(?<![\w+])(?<!\d )(\+|00)([1-9]\d{{0,2}})((?:[ .-]?\(?\d{{1,9}}\)?){{1,7}}){_EXTENSION}(?![\w%])", _say_international, "0", ["+", "00"]),
        Rule(
            rf"{_START}(?:(1)[ .-])?(?:\((\d{{3}})\) ?|(\d{{3}})[ .-])(\d{{3}})[ .-](\d{{4}}){_EXTENSION}{_END}",
            _say_groups, ["0-0", "0 0", "0."],
        ),
        Rule(rf"{_START}(1)-(8\d\d|900)-(?=[A-Z]{{4}})", lambda m: f"one, {_group(m[2])}, ", ["0-0"]),
        Rule(rf"{_START}(\d{{3}})-(\d{{4}}){_EXTENSION}{_END}", _say_groups, ["0-0"]),
        Rule(rf"{_START}(?<!\d )(?:\((0\d{{1,4}})\)|(0\d{{1,4}}))[ -](\d{{3,4}})(?:[ -](\d{{3,4}}))?(?:[ -](\d{{3,4}}))?{_END}", _say_groups, ["0-0", "0 0", "0)"]),
        Rule(rf"{_START}(0\d)[ .](\d\d)[ .](\d\d)[ .](\d\d)[ .](\d\d){_END}", _say_groups, ["0 0", "0."]),
    ]  # fmt: skip


def _serial_rules() -> list[Rule]:
    return [
        Rule(r"\b(IS[BS]N)(?:[- ]?(1[03]))?(:? ?)(\d[\d -]{6,20}[\dX])(?![\w-])", _say_book, ["ISBN", "ISSN"]),
        Rule(rf"{_START}(\d{{4}})([ -])(\d{{4}})\2(\d{{4}})\2(\d{{1,4}})(?:\2(\d{{1,4}}))?{_END}", _say_parts, ["0-0", "0 0"]),
        Rule(rf"{_START}(\d{{4}})[ -](\d{{6}})[ -](\d{{5}}){_END}", _say_groups, ["0-0", "0 0"]),
        Rule(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])", _say_characters, ":", "0"),
        Rule(rf"{_START}\d{{1,9}}(?:-\d{{1,9}}){{2,7}}(?:-[\dX])?{_END}", _say_hyphened, ["0-0"]),
        Rule(r"\b(?=[A-Z0-9]{0,20}(?:\d[A-Z]{1,20}\d|[A-Z]\d{1,20}[A-Z]))[A-Z0-9]{7,40}\b", _say_characters, ["0_"], "A"),
        Rule(r"\b(?=[a-f0-9]{0,40}\d[a-f]{1,40}\d)[a-f0-9]{7,64}\b", _say_characters, ["0_"]),
        Rule(rf"{_START}(?<!\$)\d{{10,}}(?![\d%€£¥₹]|[.,]\d|\.?\d)", _say_long, ["00000"]),
    ]  # fmt: skip


def _cued_rules() -> list[Rule]:
    names = table("identifiers")
    verbs = {"call", "dial", "text"}
    filler = (
        r"(?:[ :#]{1,2}(?:number|numbers|no\.?|code|card|is|was|at|on|to|the|us|me)?){1,4}[ #]{0,2}"
    )
    cues = any_of(set(names["number_cues"]) - verbs - {"order", "policy"})
    paired = any_of(names["paired_cues"])
    return [
        Rule(
            rf"(?i)(\b{any_of(verbs)}{filler})(\d{{3,}})(?![\w,.:/-]*\d)(?! [a-z]{{2,20}}s\b)(?!\w)",
            _say_cued,
            "0",
            _cased(verbs),
        ),
        Rule(
            rf"(?i)(\b{cues}{filler})(\d{{3,}}(?:[ -]\d{{2,9}}){{0,4}})(?![\w/:]|[.,-]\d)",
            _say_cued,
            "0",
            _cased(names["number_cues"]),
        ),
        Rule(
            rf"(?i)(\b(?:order|policy){filler})(\d{{5,}})(?![\w/:]|[.,-]\d)",
            _say_cued,
            "0",
            _cased({"order", "policy"}),
        ),
        Rule(r"(?<![\w#])(# ?)(\d{5,})(?![\w,.]*\d)", lambda m: f"number {spell(m[2])}", "#"),
        Rule(
            r"(\b[Tt]ext \W?[A-Z]+\W? to )(\d{4,6})(?![\w,.:/-]*\d)",
            _say_cued,
            "0",
            ["text", "Text"],
        ),
        Rule(
            r"(?<![\w.,$/-])(?<!Porsche )911(?![\w/-]|[.,]\d)(?! [a-z]{2,20}s\b| Turbo)",
            lambda m: spell(m[0]),
            "0",
        ),
        Rule(
            rf"(\b{paired} )(\d{{3}})(?:-(\d{{3}}))?\b(?![,.]\d)",
            _say_pairs,
            "0",
            names["paired_cues"],
        ),
        Rule(r"(?<![\w.,/-])()(7[0-8]7)-([1-9]00)(?:ER|LR)?\b", _say_pairs, ["0-0"]),
        Rule(r"(?<=\bI-)()(\d{3})()\b", _say_pairs, "I", "-", "0"),
    ]


def _cased(words: Iterable[str]) -> set[str]:
    return {form for word in words for form in (word, word.capitalize(), word.upper())}


def _say_international(match: re.Match[str]) -> str:
    sign, country, rest, extension = match.groups()
    if len(re.sub(r"\D", "", country + rest)) < (8 if sign == "+" else 9):
        return match[0]
    if sign == "+" and re.fullmatch(r"\.\d+", rest):
        return match[0]
    groups = [group for part in re.findall(r"\d+", rest) for group in _short(part)]
    said = ", ".join([spell(country), *map(_group, groups)])
    return f"{'plus' if sign == '+' else 'zero zero'} {said}{_say_extension(extension)}"


def _short(digits: str) -> list[str]:
    """Cuts a long run of digits into groups as they are dictated."""
    if len(digits) <= 6:
        return [digits]
    head = len(digits) - 4
    return [digits[start : min(start + 3, head)] for start in range(0, head, 3)] + [digits[head:]]


def _group(digits: str) -> str:
    return f"{spell(digits[0])} hundred" if re.fullmatch("[89]00", digits) else spell(digits)


def _say_extension(digits: str | None) -> str:
    return f", extension {spell(digits)}" if digits else ""


def _say_groups(match: re.Match[str]) -> str:
    extension = match.groupdict().get("extension")
    said = [
        group
        for index, group in enumerate(match.groups(), 1)
        if group and index != match.re.groupindex.get("extension")
    ]
    say = _group if len(said) > 2 else spell
    return ", ".join(map(say, said)) + _say_extension(extension)


def _say_parts(match: re.Match[str]) -> str:
    return ", ".join(spell(part) for part in re.findall(r"\d+", match[0]))


def _say_book(match: re.Match[str]) -> str:
    kind = f"{match[1]} {integer(match[2])}" if match[2] else match[1]
    parts = re.findall(r"[\dX]+", match[4])
    if len(parts) == 1:
        parts = _short(parts[0])
    return f"{kind}, " + ", ".join(
        " ".join(char if char == "X" else spell(char) for char in part) for part in parts
    )


def _say_characters(match: re.Match[str]) -> str:
    return " ".join(
        spell(char) if char.isdigit() else char.upper() for char in match[0] if char != ":"
    )


def _say_hyphened(match: re.Match[str]) -> str:
    if re.fullmatch(r"\d{4}-\d\d?-\d\d?|\d\d?-\d\d?-(?:\d\d|\d{4})", match[0]):
        return match[0]
    parts = match[0].split("-")
    if sum(map(len, parts)) < 7:
        return " ".join(integer(part) for part in parts)
    return ", ".join(
        " ".join("X" if char == "X" else spell(char) for char in part) for part in parts
    )


def _say_long(match: re.Match[str]) -> str:
    return match[0] if _ROUND.fullmatch(match[0]) else ", ".join(map(spell, _short(match[0])))


def _say_cued(match: re.Match[str]) -> str:
    cue = re.sub(r"#\s*$", "number ", match[1])
    return cue + ", ".join(
        spell(part) for run in re.findall(r"\d+", match[2]) for part in _short(run)
    )


def _say_pairs(match: re.Match[str]) -> str:
    return match[1] + pairs(match[2]) + (f" {pairs(match[3])}" if match[3] else "")
