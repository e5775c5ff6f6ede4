"""Capitals that shout, and capitals that are letters."""

import re

from affecttts.text.rules.rule import Rule
from affecttts.text.tables import table

_WORD = r"[A-Z]+(?:'[A-Z]+)?"
_RUN = rf"[A-Z](?<![\w.&-].)[A-Z]*(?:'[A-Z]+)?(?:(?:[,;:]? |-){_WORD})+(?![\w&]|\.\w)"


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    nouns = "|".join(table("shouting")["it_nouns"])
    return [
        Rule(_RUN, _say_run, ["AA"]),
        Rule(r"(?<=\bI )AM\b(?! radio)", "am", ["AM"]),
        Rule(
             rf"(\b(?:do|did|get|got|make|made|give|said|say|love|hate|want|need|is|was|that|believe|like|stop|see|know|take|took) )IT(?![\w-]| (?:{nouns})\b)", lambda m: f"{m[1]}it", ["IT"]),
    ]  # fmt: skip


def _say_run(match: re.Match[str]) -> str:
    """Writes a run of capitals in small letters where it is words, not names of letters."""
    lists = table("shouting")
    words = re.findall(_WORD, match[0])
    plain = [word for word in words if word not in lists["initialisms"]]
    sure = [word for word in plain if word in lists["common"] and word not in lists["ambiguous"]]
    doubtful = [word for word in plain if word in lists["ambiguous"] or word == "I"]
    told = any(len(word) > 2 for word in sure) or len(sure) + len(doubtful) >= len(plain)
    if not (sure and told) and not (len(doubtful) > 1 and len(doubtful) == len(words)):
        return match[0]
    said, last = [], ""
    for piece in re.split(rf"({_WORD})", match[0]):
        said.append(_lower(piece, last, match) if re.fullmatch(_WORD, piece) else piece)
        last = piece if re.fullmatch(_WORD, piece) else last
    return "".join(said)


def _lower(word: str, last: str, match: re.Match[str]) -> str:
    lists = table("shouting")
    if word in ("I", "A") or word.startswith("I'"):
        return "a" if word == "A" else word[0] + word[1:].lower()
    if word in lists["initialisms"]:
        return word
    if word == "US" and last not in lists["before_pronoun_us"]:
        return word
    return word.lower()
