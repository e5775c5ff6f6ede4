"""Quantities with a unit, sizes, and what is asked per unit."""

import re

from affecttts.text.numerals import fraction, integer, pairs, plural
from affecttts.text.rules.quantity import AMOUNT, qualifies, say, standard
from affecttts.text.rules.rule import Rule, after_number, any_of, phrase_end
from affecttts.text.tables import table

_START = r"(?<![\w.,/^])"
_LENGTHS = r"(?:tall|wide|long|high|deep|thick|across|of (?:rain|snow)|x|by)"
_CLOCK_WORDS = r"(?:for|in|took|takes|within|about|after|every|lasts|lasted|wait|only|just|under|over|than|to|of|~)"
_FASTER = r"(?:faster|slower|bigger|larger|smaller|more|less|better|cheaper|stronger|longer|higher|lower|as|the)"
_CLEAR = (
    "km",
    "kg",
    "cm",
    "mm",
    "mg",
    "ml",
    "mL",
    "mph",
    "GB",
    "MB",
    "TB",
    "kWh",
    "MW",
    "GW",
    "kW",
    "Hz",
    "kHz",
    "MHz",
    "GHz",
    "dB",
    "lbs",
    "oz",
)
_SPELLED_COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|fifty|hundred|thousand|million|few|several|many)"


def rules() -> list[Rule]:
    """Returns the rules, in order, but for those of `per_rules`."""
    return [*_size_rules(), *_unit_rules()]


def per_rules() -> list[Rule]:
    """Returns the rules for what is asked per unit, which go before money."""
    units = table("units")
    per, symbols = units["per"], units["symbols"]
    thing = r"(\d[\d.,]{0,20}(?: ?[A-Za-z$€£¥₹%°μΩ^]{1,12}[23]?)?(?: (?:million|billion|thousand|[a-z]{1,12}))?) ?/ ?"
    power = r"(?:\^?([23])\b)?"
    return [
        Rule(
            rf"{thing}({any_of(per)})\b(?!\w|/\w|\^)(?:\.(?= [a-z]))?",
            lambda m: f"{m[1]} per {per[m[2]]}",
            "0",
            "/",
        ),
        Rule(rf"{thing}({any_of(symbols)}){power}(?!\w|/)", _say_per, "0", "/"),
        Rule(
            r"(?<= per )([a-z ]{1,20})/([a-z]{1,4})\b",
            lambda m: f"{m[1]} per {per.get(m[2], m[2])}",
            "0",
            "/",
        ),
    ]


def _size_rules() -> list[Rule]:
    feet = r"(?<![\w.,])(\d{1,3}) ?(?:'|ft\.?|feet|foot) ?(\d{1,2}(?:\.\d)?)(?: ?(?:\"|''|in\b\.?|inches)|(?![\d':.,]\d|\"|'|\w| ?[A-Za-z%]))"
    sized = r"(?=[^\n]{0,12}(?:\b|(?<=\d))(?:cm|mm|m|km|px|ft|in|inch|inches|feet|pixels|grid|matrix|sheet)\b)"
    return [
        Rule(feet, lambda m: f"{integer(m[1])} {'foot' if m[1] == '1' else 'feet'} {say(m[2])}{_inches(m)}", ["0'", "0ft", "0feet", "0foot"]),
        Rule(r"(?<![\w.,])(\d{1,3})'(?= (?:tall|x|by|wide|high|long|deep)\b| ?x ?\d)", lambda m: f"{integer(m[1])} feet", "0", "'"),
        Rule(rf"{_START}(\d+(?:\.\d+)?|(?:\d+ )?\d+/\d+)(?: ?-)? ?(\"|'')(?!\w)", _say_inches, "0", "\"'"),
        Rule(rf"{_START}(\d+(?:\.\d+)?|(?:\d+ )?\d+/\d+) in(?:\. ?(?=[a-z]|$)|\.(?= [A-Z,]|[,;)])|(?= {_LENGTHS}\b))", lambda m: _inch(m) + (" " if m[0].endswith(" ") else ""), ["0in"]),
        Rule(rf"{_START}(\d+(?:\.\d+)?|(?:\d+ )?\d+/\d+)-in\b\.?(?= [a-z])", lambda m: _inch(m, always=True), ["0in"]),
        Rule(r"(?<![\w.,/])(\d{1,5})( ?)[xX] ?(?=\d)(?!\d*[A-Za-z]*\d*[A-Z])", lambda m: f"{pairs(m[1]) if len(m[1]) == 4 else m[1]} by ", ["0x", "0X"]),
        Rule(r"(?<= by )(\d{4})(?![\w,.]\d)", lambda m: pairs(m[1]), ["0x", "0X"]),
        Rule(rf"(?<=\d) ?× ?(?=\d){sized}", " by ", "×"),
        Rule(rf"{_START}(\d+(?:\.\d+)?) ?[xX×](?= {_FASTER}\b)", r"\1 times", ["0x", "0X", "0×"]),
        Rule(r"(?<![\w.,])(144|240|360|480|576|720|1080|1440|2160|4320)([pi])\b", lambda m: f"{pairs(m[1])} {m[2]}", ["0p", "0i"]),
    ]  # fmt: skip


def _unit_rules() -> list[Rule]:
    units = table("units")
    symbols = any_of(units["symbols"])
    power = r"(?:\^?([23])\b|\^([23])(?!\d))?"
    mixed = rf"(?:{AMOUNT}|(?:\d+ )?\d{{1,3}}/\d{{1,3}})"
    ranged = rf"(?:({AMOUNT}) ?({symbols})?(?: ?[-–—] ?| to ))?"
    long = any_of(
        symbol
        for symbol in units["symbols"]
        if len(symbol) > 1 and symbol[0] not in "°%" or symbol in units["hyphened_letters"]
    )
    return [
        Rule(rf"{_START}({AMOUNT})-({long}){power}(?![\w'/]|-\d)(?! ?-[a-z]+-\d)", _say_hyphened, after_number(units["symbols"]), "-"),
        Rule(rf"{_START}{ranged}({mixed})(?: ?)({symbols}){power}(?![\w'^]|/[\w])(?:\.(?= [a-z(]|[,;]))?", _say_unit, after_number(units["symbols"])),
        Rule(
            rf"(?<![\w.,-])(\d[\d.,]{{0,15}}(?: ?{symbols}|[kKMB]|bn)) ?[-–—] ?(?=\d)(?!\d+-)", r"\1 to ", "-–—",
        ),
        Rule(rf"(\b{_SPELLED_COUNT}(?: (?:hundred|thousand|million|a))? )({any_of(_CLEAR)})\b(?!/)", lambda m: m[1] + _plural(units["symbols"][m[2]]), _CLEAR),
        Rule(r"(?<![\w.,])(\d+(?:\.\d+)?)([kKMB])(?= ([a-z]+))", _say_scaled, after_number("kKMB")),
        Rule(r"(?<![\w.,])(\d+\.\d+)([kM]|bn)\b", lambda m: f"{say(m[1])} {_SCALES[m[2]]}", ["0k", "0M", "0bn"]),
        Rule(r"(?<![\w.,])(\d+)bn\b", lambda m: f"{say(m[1])} billion", ["0bn"]),
    ]  # fmt: skip


_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion", "bn": "billion"}


def _say_per(match: re.Match[str]) -> str:
    unit, exponent = table("units")["symbols"][match[2]], match[3]
    if exponent and unit.endswith("second"):
        return f"{match[1]} per {unit} {'squared' if exponent == '2' else 'cubed'}"
    return f"{match[1]} per {_power(exponent)}{unit}"


def _plural(unit: str) -> str:
    name, _, per = unit.partition(" per ")
    irregular = table("units")["irregular"]
    if unit in irregular:
        return irregular[unit]
    if unit.startswith("part per"):
        return "parts" + unit[4:]
    return (irregular.get(name) or plural(name)) + (f" per {per}" if per else "")


def _power(exponent: str | None) -> str:
    return {"2": "square ", "3": "cubic "}.get(exponent or "", "")


def _say_hyphened(match: re.Match[str]) -> str:
    return f"{say(match[1])} {_power(match[3] or match[4])}{table('units')['symbols'][match[2]]}"


def _say_unit(match: re.Match[str]) -> str:
    first, first_symbol, number, symbol = match.group(1, 2, 3, 4)
    exponent = match[5] or match[6]
    attached = match.string[match.end(3)] != " "
    if not exponent and (changed := _not_a_unit(match, number, symbol, attached)):
        return changed
    unit = table("units")["symbols"][symbol]
    always = unit in table("units")["always_singular_before_noun"] or (
        unit in table("units")["measures"] and not first
    )
    if "/" in number:
        whole, _, part = number.rpartition(" ")
        top, bottom = map(int, part.split("/"))
        if not 0 < top < bottom:
            return match[0]
        said, one = (f"{integer(whole)} and " if whole else "") + fraction(top, bottom), not whole
    else:
        said, one = say(number), standard(number) in ("1", "1.0")
    if one or qualifies(match, always or symbol == "°"):
        named = unit
    else:
        named = _plural(unit)
    stop = phrase_end(match) if match[0].endswith(".") else ""
    if first:
        between = (
            f" {_plural(table('units')['symbols'][first_symbol])} to " if first_symbol else " to "
        )
        said = say(first) + between + said
    return f"{said} {_power(exponent)}{named}{stop}"


def _not_a_unit(match: re.Match[str], number: str, symbol: str, attached: bool) -> str | None:
    """Returns what to write where the letters are no unit: "seat 12L", "5g networks"."""
    units, text = table("units"), match.string
    before = re.search(r"([A-Za-z~]+)[ .-]*$", text[max(0, match.start() - 24) : match.start()])
    cue = before[1].lower() if before else ""
    after = re.match(r"[ -]([a-z]+)", text[match.end() : match.end() + 16])
    following = after[1] if after else ""
    if symbol == "g" and number.isdigit() and following in units["generations"] and attached:
        return f"{match[0][:-1]} G"
    if symbol == "m" and following in table("grammar")["counted"]:
        return f"{say(number)} million"
    if not symbol.isalpha() or len(symbol) > 2:
        return None
    if cue in units["labels"] and attached:
        return match[0]
    if symbol == "s" and attached:
        seconds = (
            "." in number
            or (re.fullmatch(_CLOCK_WORDS, cue) and not number.endswith("0"))
            or cue in ("in", "took", "for", "within", "after", "every")
        )
        return None if seconds else match[0]
    if attached and symbol in units["not_attached"]:
        return match[0]
    if symbol in units["cautious"] and following and following not in table("grammar")["not_nouns"]:
        return match[0] if symbol not in ("t", "ct") else None
    if symbol in ("B", "T", "A") and (not attached) and following:
        return match[0]
    return None


def _say_inches(match: re.Match[str]) -> str:
    sign, before = match[2], match.string[max(0, match.start() - 200) : match.start()]
    if sign == '"' and before.count('"') % 2:
        return match[0]
    return _inch(match, always=True)


def _inch(match: re.Match[str], always: bool = False) -> str:
    number = match[1]
    one = number == "1" or ("/" in number and " " not in number)
    named = "inch" if one or qualifies(match, always) else "inches"
    stop = phrase_end(match) if match[0].endswith(".") else ""
    return f"{number if '/' in number else say(number)} {named}{stop}"


def _inches(match: re.Match[str]) -> str:
    written = match[0][match.end(2) - match.start() :].strip()
    stop = phrase_end(match) if match[0].endswith(".") else ""
    return (f" {'inch' if match[2] == '1' else 'inches'}" if written else "") + stop


def _say_scaled(match: re.Match[str]) -> str:
    number, scale, following = match.groups()
    counted = following in table("grammar")["counted"] or "." in number
    return f"{say(number)} {_SCALES[scale]}" if counted else match[0]
