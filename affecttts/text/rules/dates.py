"""Dates, months, weekdays, years and decades."""

import re

from affecttts.text.numerals import cardinal, integer, ordinal, plural, year
from affecttts.text.rules.rule import Rule, any_of, phrase_end
from affecttts.text.tables import table

_CLEAR_DAYS = ("Tue", "Tues", "Weds", "Thu", "Thur", "Thurs", "Fri")
_CUE = r"(?:on|in|by|every|next|last|this|until|till|from|since|each|to|and|or|of|early|late|mid|before|after|through)"

_DAY_CUE = (
    r"(?:on|by|every|next|last|this|until|till|from|since|each|early|late|before|after|through)"
)


def rules(day_first: bool) -> list[Rule]:
    """Returns the rules, in order.

    Args:
        day_first: Read 04/05/2026 as the fourth of May.
    """
    return [*_numeric_rules(day_first), *_named_rules(), *_name_rules(), *_year_rules()]


def _numeric_rules(day_first: bool) -> list[Rule]:
    cues = any_of(table("dates")["date_cues"])

    def say(match: re.Match[str]) -> str:
        first, sign, second, last = match.groups()
        dotted_day = sign == "." or day_first
        day, month = (first, second) if dotted_day else (second, first)
        return _say_date(_full_year(last), month, day, dotted_day) or match[0]

    def say_cued(match: re.Match[str]) -> str:
        day, month = match.group(2, 3) if day_first else match.group(3, 2)
        said = _say_date(None, month, day, day_first)
        return match[1] + said if said else match[0]

    return [
        Rule(
            r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d{1,9})?)?(Z)?(?:[+-]\d\d:?\d\d)?(?!\w)",
            lambda m: f"{_say_date(*m.group(1, 2, 3)) or m[0]} at {m[4]}{' UTC' if m[5] else ''}",
            ["0T"],
        ),
        Rule(
            r"(?<![\w./-])(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?![\w/-]|\.\d)",
            lambda m: _say_date(*m.group(1, 3, 4)) or m[0],
            "0",
            "-/",
        ),
        Rule(
            r"(?<![\w./-])(\d{4})\.(\d\d)\.(\d\d)(?![\w-]|\.\d)",
            lambda m: _say_date(*m.groups()) or m[0],
            "0",
            [".x"],
        ),
        Rule(
            r"(?<![\w./-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?![\w/-]|\.\d)",
            say,
            ["0-0", "0/", "0."],
        ),
        Rule(r"(?<![\w./-])(\d\d?)([-/])(\d\d?)\2(\d\d)(?![\w/-]|\.\d)", say, ["0-0", "0/"]),
        Rule(r"(?<![\w./-])(\d\d)(\.)(\d\d)\.(\d\d)(?![\w-]|\.\d)", say, "0", [".x"]),
        Rule(
            rf"(?i)(\b{cues},? )(?!9/11\b)(\d{{1,2}})/(\d{{1,2}})(?![\w/]|\.\d)(?! (?:of|cup|mile|inch|hour)\b)",
            say_cued,
            ["0/"],
        ),
    ]


def _named_rules() -> list[Rule]:
    month = rf"({_forms('months')})\b\.?"
    end = r"(?![:.,]?\d)(?:,? (\d{4})\b(?!,\d))?"
    day = r"(?<![\w.,$/:-])(\d{1,2})"
    return [
        Rule(
            rf"{day} ?(?:-|–|—|to) ?(\d{{1,2}})(?:st|nd|rd|th)? {month}{end}",
            _say_day_range,
            "0",
            _names("months"),
        ),
        Rule(
            rf"\b({_forms('months')})\b\.? (\d{{1,2}})(?:st|nd|rd|th)? ?(?:-|–|—) ?(\d{{1,2}})(?:st|nd|rd|th)?{end}",
            _say_month_range,
            "0",
            _names("months"),
        ),
        Rule(
            rf"(\bthe )?{day}(?:st|nd|rd|th)?( of)? {month}{end}",
            _say_day_month,
            "0",
            _names("months"),
        ),
        Rule(
            rf"\b({_forms('months')})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b{end}",
            _say_month_day,
            "0",
            _names("months"),
        ),
    ]


def _name_rules() -> list[Rule]:
    months, days = _names("months"), _names("weekdays")
    short_months = any_of(
        form for form in months if len(form) < 5 and form not in ("May", "June", "July")
    )
    short_days = any_of(form for form in days if not form.endswith("day"))
    return [
        *(
            Rule(
                rf"\b({any_of(names)})\.? ?(-|–|—|/) ?({any_of(names)})\b(?:\.(?= [a-z\d,]))?",
                lambda m, names=names: names[m[1]] + ("/" if m[2] == "/" else " to ") + names[m[3]],
                "-–—/",
                names,
            )
            for names in (months, days)
        ),
        Rule(rf"\b({short_months})\.(?!\w)", lambda m: months[m[1]] + phrase_end(m), ".", months),
        Rule(
            rf"\b({short_months})(?= (?:\d{{4}}|\d{{1,2}}|'\d\d)\b)",
            lambda m: months[m[1]],
            "0",
            months,
        ),
        Rule(
            rf"(\b{_CUE} )({short_months})\b(?!['-]| [A-Z][a-z])",
            lambda m: m[1] + months[m[2]],
            set(months) - {"May", "June", "July"},
        ),
        Rule(
            rf"\b({short_days})\b\.?(?=,? (?:{any_of(months.values())}|\d))",
            lambda m: days[m[1]],
            set(days),
        ),
        Rule(
            rf"\b({short_days})\b\.?(?= (?:and|or|to) {any_of(days)}\b)",
            lambda m: days[m[1]],
            set(days),
        ),
        Rule(
            rf"(\b(?:{_DAY_CUE}|(?:{any_of(days)})\.?,? (?:and|or|to)) )({short_days})\b(?!['-])\.?",
            lambda m: m[1] + days[m[2]] + phrase_end(m),
            {day for day in days if not day.endswith("day")},
        ),
        Rule(
            rf"\b({any_of(_CLEAR_DAYS)})\b(?!['-])\.?",
            lambda m: days[m[1]] + phrase_end(m),
            _CLEAR_DAYS,
        ),
    ]


def _year_rules() -> list[Rule]:
    years = r"(?:1[1-9]|20)\d\d"
    return [
        Rule(
            rf"(?<![\w/.-])({years})([/–—-])(\d\d)(?![\w/-]|[.,]\d)",
            _say_season,
            ["0/", "0-0", "0–", "0—"],
        ),
        Rule(
            r"(?<![\w'])'(\d\d)/'?(\d\d)(?!\d)",
            lambda m: f"{_short_year(m[1])} {_short_year(m[2])}",
            "0",
            "/",
        ),
        Rule(r"(?<![\w'])'(\d\d)(?!\d|'?s)", lambda m: _short_year(m[1]), "0", "'"),
        Rule(rf"(?<![\d.,/])({years})'s\b(?<!0's)", lambda m: f"{year(int(m[1]))}'s", "0", "'"),
        Rule(r"(?<![\w.,])'?((?:\d,?){1,13})'?s\b", _say_decade, ["0s", "0'"]),
    ]


def _names(kind: str) -> dict[str, str]:
    """Returns each form of a name, short and full, with the full one."""
    return {form: name for name, short in table("dates")[kind].items() for form in (name, *short)}


def _forms(kind: str) -> str:
    return any_of(_names(kind))


def _full_year(digits: str) -> str:
    return digits if len(digits) == 4 else ("20" if digits < "50" else "19") + digits


def _short_year(digits: str) -> str:
    return cardinal(int(digits)) if digits[0] != "0" else "oh " + cardinal(int(digits[1]))


def _say_date(
    written_year: str | None, month: str, day: str, day_first: bool = False
) -> str | None:
    if int(month) > 12:
        month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    name = list(table("dates")["months"])[int(month) - 1]
    said = f"the {ordinal(int(day))} of {name}" if day_first else f"{name} {ordinal(int(day))}"
    return f"{said}, {year(int(written_year))}" if written_year else said


def _with_year(said: str, digits: str | None) -> str:
    return f"{said}, {year(int(digits))}" if digits else said


def _say_day_month(match: re.Match[str]) -> str:
    the, day, of, name, digits = match.groups()
    if not 1 <= int(day) <= 31:
        return match[0]
    article = the or ("" if of else "the ")
    return _with_year(f"{article}{ordinal(int(day))} of {_names('months')[name]}", digits) + _stop(
        match, name, digits
    )


def _say_month_day(match: re.Match[str]) -> str:
    name, day, digits = match.groups()
    if not 1 <= int(day) <= 31:
        return match[0]
    return _with_year(f"{_names('months')[name]} {ordinal(int(day))}", digits)


def _say_day_range(match: re.Match[str]) -> str:
    first, last, name, digits = match.groups()
    if not 1 <= int(first) < int(last) <= 31:
        return match[0]
    said = f"the {ordinal(int(first))} to the {ordinal(int(last))} of {_names('months')[name]}"
    return _with_year(said, digits) + _stop(match, name, digits)


def _say_month_range(match: re.Match[str]) -> str:
    name, first, last, digits = match.groups()
    if not 1 <= int(first) < int(last) <= 31:
        return match[0]
    return _with_year(
        f"{_names('months')[name]} {ordinal(int(first))} to {ordinal(int(last))}", digits
    )


def _stop(match: re.Match[str], name: str, digits: str | None) -> str:
    """Returns the stop that a full name of a month took from its sentence."""
    if digits or not match[0].endswith("."):
        return ""
    return "." if _names("months")[name] == name else phrase_end(match)


def _say_season(match: re.Match[str]) -> str:
    first, sign, last = match.groups()
    between = " " if sign == "/" else " to "
    return f"{year(int(first))}{between}{_short_year(last)}"


def _say_decade(match: re.Match[str]) -> str:
    digits = match[1].rstrip(",").replace(",", "")
    if len(digits) == 1 and match[0][0] == "'":
        return match[0]
    said = year(int(digits)) if len(digits) == 4 and "1100" <= digits <= "2099" else integer(digits)
    return plural(said)
