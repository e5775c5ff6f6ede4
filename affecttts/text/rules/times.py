"""Times of day, durations, ratios and verses."""

import re

from affecttts.text.numerals import cardinal, decimal, integer
from affecttts.text.rules.rule import Rule, after_number, any_of, phrase_end
from affecttts.text.tables import table

_HALF = r"(?: ?([AaPp])(?:[Mm]\b(?!\.\w)|\.[Mm]\.))"
_RATIO = r"(?:ratio|ratios|odds|scale|mix|proportion|proportions|aspect|dilution|split|gear|score of|won by|map)"


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    names = {
        form: name for name, short in table("dates")["books"].items() for form in (name, *short)
    }

    halves = after_number(half + m for half in "aApP" for m in ("", "m", "M"))

    def say_verse(match: re.Match[str]) -> str:
        number, book, chapter, verse, last = match.groups()
        place = {"1": "First ", "2": "Second ", "3": "Third "}[number] if number else ""
        said = f"{place}{names[book]} {integer(chapter)} {integer(verse)}"
        return said + (f" to {integer(last)}" if last else "")

    return [
        Rule(rf"(?:\b([123]) )?\b({any_of(names)})\.? (\d{{1,3}}):(\d{{1,3}})(?:[-–](\d{{1,3}}))?(?![\d:]|:\d)(?! ?[AaPp]\.?[Mm]\b)", say_verse, ["0:"]),
        Rule(r"(?:(?<=\d)|(?<=[aApP][mM])) ?[-–—] ?(?=\d{1,2}(?::\d\d)?(?: ?[aApP]\.?[mM]\b|:\d\d))", " to ", "0", "-–—"),
        Rule(r"(?<=\d[aApP][mM]) ?[-–—] ?(?=\d)|(?<=\d [aApP][mM]) ?[-–—] ?(?=\d)", " to ", halves, "-–—"),
        Rule(rf"(\b{_RATIO}\b(?: \w{{1,12}}){{0,3}} )(\d{{1,6}}(?:\.\d+)?)(?: ?: ?)(\d{{1,6}})(?![\d:])", lambda m: f"{m[1]}{decimal(m[2])} to {decimal(m[3])}", ["0:"]),
        Rule(r"(?<![\w:.])(\d{1,6}(?:\.\d+)?):(\d|\d{3,6})((?::\d{1,6}){0,3})(?![\w:]|\.\d)", _say_ratio, ["0:"]),
        Rule(rf"(?<![\w:.])(\d{{1,6}}):(\d\d)(?= (?:{_RATIO}|mixture|against|in favou?r)\b)", lambda m: f"{decimal(m[1])} to {decimal(m[2])}", ["0:"]),
        Rule(rf"(?<![\w:.])(\d{{1,2}}):(\d\d)(?::(\d\d)(?:\.\d{{1,6}})?)?(?![\d:]){_HALF}?( o'clock\b)?", _say_time, ["0:"]),
        Rule(rf"(?<![\w:.,])(\d{{1,2}})\.([0-5]\d)(){_HALF}()", _say_time, halves, [".x"]),
        Rule(rf"(?<![\w:.,])(\d{{1,2}})()(){_HALF}()", _say_time, halves),
        Rule(r"(?<![\w:.,])(0?\d|1\d|2[0-4])00 (?:hours|hrs)\b", _say_military, ["hours", "hrs"]),
        Rule(r"(?<![\w.,])(\d{1,3})h ?(\d{1,2})(?:m|min)?\b(?: ?(\d{1,2})s\b)?", _say_duration, ["0h"]),
        Rule(r"(?<![\w.,])()(\d{1,3})m ?(\d{1,2})s\b", _say_duration, ["0m"]),
    ]  # fmt: skip


def _say_ratio(match: re.Match[str]) -> str:
    first, second, more = match.groups()
    return " to ".join(decimal(part) for part in [first, second, *re.findall(r"\d+", more)])


def _say_time(match: re.Match[str]) -> str:
    hour, minute, second, half, clock = match[1], match[2] or "00", match[3], match[4], match[5]
    if int(hour) > 24 or int(minute) > 59:
        return match[0] if not match[2] else f"{integer(hour)} to {integer(minute)}"
    if minute == "00" and not (half or second or clock) and int(hour) in (0, 24):
        return "midnight"
    said = cardinal(int(hour))
    if minute != "00":
        said += (" oh " if minute[0] == "0" else " ") + cardinal(int(minute))
    elif clock or not half:
        said += " o'clock"
    if second and second != "00":
        said += f" and {cardinal(int(second))} second{'s' if second != '01' else ''}"
    return said + (f" {half.upper()}M" if half else "") + (phrase_end(match) if half else "")


def _say_military(match: re.Match[str]) -> str:
    hour = match[1]
    said = ("oh " if hour[0] == "0" and len(hour) > 1 else "") + cardinal(int(hour))
    return f"{said} hundred hours"


def _say_duration(match: re.Match[str]) -> str:
    parts = [(match[1], "hour"), (match[2], "minute"), (match[3], "second")]
    return " ".join(
        f"{cardinal(int(n))} {name}{'' if int(n) == 1 else 's'}" for n, name in parts if n
    )
