"""Money: signs before and after, codes, coins, scales and ranges."""

import re

from affecttts.text.numerals import cardinal, decimal, integer
from affecttts.text.rules.quantity import AMOUNT, qualifies, say, standard
from affecttts.text.rules.rule import Rule, any_of
from affecttts.text.tables import table

Coins = tuple[str, str, str, str]

_VIDEO = frozenset("144 240 360 480 576 720 1080 1440 2160 4320".split())
_SIZES = r"(?:k|K|m|M|mm|MM|mn|mio|mln|bn|B|b|bln|tn|T|tr|trn|Cr|cr|L)"


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    money = table("currencies")
    signs = "[" + "".join(money["signs"]) + "]"
    needs = "".join(money["signs"])
    prefix = rf"(?:\b({any_of(money['prefixes'])}))?"
    words = any_of(word for word in money["scales"] if len(word) > 3)
    scale = rf"(?: ?({words})\b|({_SIZES})\b(?!['^])| ((?:bn|mn|m|M|tn|Cr|cr)\b)(?!['^]))?"
    names = any_of(
        {form for one, many, *_ in money["signs"].values() for form in (one, many)} | {"bucks"}
    )
    codes = any_of({**money["codes"], **money["words"]})
    ranged = rf"(?: ?(?:-|–|—|to) ?(?:{prefix}({signs}) ?)?({AMOUNT}){scale})?"
    after = rf"(?: ({names})\b)?(?: ?({any_of(money['codes'])})\b)?"
    return [
        Rule(rf"{prefix}({signs}) ?(-)?({AMOUNT}){scale}{ranged}{after}", _say_signed, needs),
        Rule(rf"(?<![\w.,])({AMOUNT}){scale} ?({signs})(?! ?\d)", _say_after, needs),
        Rule(
            rf"(?<![\w.,])({AMOUNT}){scale} ?({codes})\b(?!\.\w)",
            _say_after,
            "0",
            [*money["codes"], *money["words"], "ł"],
        ),
        Rule(
            rf"\b({any_of(money['codes'])}|Rs)\.? ?({AMOUNT}){scale}",
            _say_code,
            "0",
            [*money["codes"], "Rs"],
        ),
        Rule(r"(?<![\w.,])(\d+(?:\.\d+)?) ?(¢)", _say_coin, "¢"),
        Rule(r"(?<![\w.,])(\d{1,3})([pc])\b(?![.'-]\w)", _say_coin, ["0p", "0c"]),
    ]


def in_words(number: str, scale: str | None, coins: Coins, single: bool = False) -> str:
    """Says an amount of money.

    Args:
        number: Digits with a decimal point.
        scale: "million" or the like.
        coins: The currency: one, many, one hundredth, hundredths.
        single: Name the currency in the singular, as before a noun.
    """
    one, many, cent, cents = coins
    whole, _, part = number.partition(".")
    if scale:
        return f"{decimal(number)} {scale} {one if single else many}"
    if len(part) > 2 or not cent:
        return f"{decimal(number)} {one if single or number == '1' else many}"
    minor = int(part.ljust(2, "0")) if part else 0
    said = []
    if whole.strip("0") or not minor:
        said.append(f"{integer(whole)} {one if single or whole == '1' else many}")
    if minor:
        said.append(f"{cardinal(minor)} {cent if single or minor == 1 else cents}")
    return " and ".join(said)


def _coins(prefix: str | None, sign: str) -> Coins:
    money = table("currencies")
    if prefix and f"{prefix}{sign}" in money["real"]:
        return tuple(money["real"][prefix + sign])
    coins = money["signs"][sign]
    return (
        tuple(f"{money['prefixes'][prefix]} {name}" for name in coins[:2]) + tuple(coins[2:])
        if prefix
        else tuple(coins)
    )


def _scale(*found: str | None) -> str | None:
    return next((table("currencies")["scales"][scale] for scale in found if scale), None)


def _say_signed(match: re.Match[str]) -> str:
    prefix, sign, minus, number = match.group(1, 2, 3, 4)
    scale = _scale(*match.group(5, 6, 7))
    second_prefix, second_sign, second = match.group(8, 9, 10)
    second_scale = _scale(*match.group(11, 12, 13))
    coins = _coins(prefix, sign)
    if match[15] and not prefix:
        coins = tuple(table("currencies")["codes"][match[15]])
    single = qualifies(match)
    first = ("minus " if minus else "") + in_words(standard(number), scale, coins, single)
    if second is None:
        return first
    last = in_words(
        standard(second),
        second_scale,
        _coins(second_prefix or prefix, second_sign) if second_sign else coins,
        single,
    )
    if second_sign:
        return f"{first} to {last}"
    count = say(number) + (f" {scale}" if scale and scale != second_scale else "")
    return f"{'minus ' if minus else ''}{count} to {last}"


def _say_after(match: re.Match[str]) -> str:
    money = table("currencies")
    coins = money["signs"].get(match[5]) or money["codes"].get(match[5]) or money["words"][match[5]]
    number = match[1]
    if match[5] == "€" and re.fullmatch(r"\d{1,3}\.\d{3}", number):
        number = number.replace(".", "")
    return in_words(standard(number), _scale(*match.group(2, 3, 4)), tuple(coins), qualifies(match))


def _say_code(match: re.Match[str]) -> str:
    money = table("currencies")
    coins = money["codes"].get(match[1]) or money["words"][match[1]]
    return in_words(
        standard(match[2]), _scale(*match.group(3, 4, 5)), tuple(coins), qualifies(match)
    )


def _say_coin(match: re.Match[str]) -> str:
    number, sign = match.groups()
    text, start = match.string, match.start()
    if sign != "¢":
        spent = any(mark in text for mark in "£$€¢") or (len(number) == 2 and sign == "p")
        label = text[:start].rstrip().rpartition(" ")[2].lower().strip(".,")
        if not spent or number in _VIDEO or label in table("units")["labels"]:
            return match[0]
    one, many = table("currencies")["coins"][sign]
    return f"{decimal(number)} {one if number == '1' or qualifies(match) else many}"
