"""Signs of comparison, music and arrows, and what is left of the others."""

import re

from affecttts.text.rules.rule import Rule
from affecttts.text.tables import table

_FACE = r"(?<![^\s(])[:;=][o'*-]?[)(\]\[DPpO/\\|]{1,4}(?![\w/])"
_ALMOST_ALL = re.compile(r"[^\w.,?!' -]|_")


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    return [
        Rule(_FACE, " ", ":;="),
        Rule(r"(?<=\bI )<3(?![\w.,])|(?<=[a-z]{2} )<3(?![\w.,])", "love", "<"),
        Rule(r"(?<![\w)] )(?<!\S)<3(?!\S)", "", "<"),
        Rule(r" ?(?:!==?|≠|<>|/=|=/=) ?(?=[\w'\"(-])", " is not equal to ", "!≠<="),
        Rule(r" ?(?:<=|=<|≤|⩽)(?!=) ?(?=[\w'\"($-])", " less than or equal to ", "<≤⩽"),
        Rule(r" ?(?:>=|≥|⩾) ?(?=[\w'\"($-])", " greater than or equal to ", ">≥⩾"),
        Rule(r" ?(?:<?[-=]{1,3}>|<[-=]{1,3}(?= )|→|⇒|↔|⇔|➜|➡|⟶) ?", ", ", "<>→⇒↔⇔➜➡⟶"),
        Rule(r"(?<=[\w)\"' ])={2,3}(?=[\w(\"' ])", " equals ", "="),
        Rule(r"&&", " and ", "&"),
        Rule(r"(?<=\w) ?\|\| ?(?=\w)", " or ", "|"),
        Rule(r"([A-F])(?<![\w-].)-(?![\w-])(?! [A-Z]\b)", r"\1 minus", "-", "ABCDEF"),
        Rule(
            r"(?<![\w&])([A-Z]{1,2})&([A-Z]{1,2})(?![\w&])",
            lambda m: f"{' '.join(m[1])} and {' '.join(m[2])}",
            "&",
        ),
        Rule(r"√ ?", "the square root of ", "√"),
        Rule(r"(?<=[A-Za-z\d])\+{2}(?!\w)", " plus plus", "+"),
        Rule(r"@(?=\w)", "at ", "@"),
        Rule(r"#(?=\d)", "number ", "#"),
        Rule(r"#(?=[A-Za-z_])", "hashtag ", "#"),
    ]


def say_signs(text: str) -> str:
    """Says the signs that no rule took, and leaves words and `.,?!'-` only."""
    if not text.isascii():
        text = "".join(map(_say_letter, text))
    return _ALMOST_ALL.sub(_say_sign, text)


def _say_letter(char: str) -> str:
    letter = None if char.isascii() else table("signs")["letters"].get(char)
    return f" {letter} " if letter else char


def _say_sign(match: re.Match[str]) -> str:
    sign = match[0]
    if sign in "()[]{};:":
        return "," if sign in ";:" else ", "
    said = table("signs")["words"].get(sign)
    if said is None and (coins := table("currencies")["signs"].get(sign)):
        said = coins[1]
    return f" {said} " if said else " "
