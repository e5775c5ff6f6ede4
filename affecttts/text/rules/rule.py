"""A rule: what it looks for and what it writes instead."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import cached_property

Say = str | Callable[[re.Match[str]], str]

_DIGITS = frozenset("0123456789")
_WORDS = re.compile(r"[A-Za-z]{2,}")
_CAPITALS = re.compile(r"[A-Z]{2}")
_FIRST = re.compile(r"[^\W\d_]+|[^\w\s]")
_AFTER_NUMBER = re.compile(rf"\d+( ?-?)({_FIRST.pattern}|\d)")
_BESIDE_LETTER = re.compile(r"\d[^\W\d_]|[^\W\d_]-?\d")
_LONG_NUMBER = re.compile(r"\d{5}")
_INITIAL = re.compile(r"\.(?<=\b[A-Za-z]\.)")
_INNER_STOP = re.compile(r"\.\w")
_PLAIN_END = re.compile(r"[a-z]{5,}\.$")


class Rule:
    """A pattern and what is said for it.

    Every pattern must take time in proportion to the text: a repetition is
    bounded, or nothing it repeats over can begin another match.

    Args:
        source: The regular expression, compiled when first needed.
        say: The replacement, as for `re.sub`.
        needs: The rule is skipped unless the text has one feature of each of
            these; see `features`. A string is a collection of characters.
    """

    def __init__(self, source: str, say: Say, *needs: Collection[str]) -> None:
        self.source = source
        self.say = say
        self.needs = sorted(
            (frozenset(one_of_these) for one_of_these in needs if one_of_these), key=_commonness
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.source)


class Rules:
    """Rules to apply in order, found quickly by what a text has."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = list(rules)
        self._always = {place for place, rule in enumerate(self._rules) if not rule.needs}
        self._by_feature: dict[str, list[int]] = {}
        for place, rule in enumerate(self._rules):
            for feature in rule.needs[0] if rule.needs else ():
                self._by_feature.setdefault(feature, []).append(place)

    def apply(self, text: str, present: set[str] | None = None) -> str:
        """Writes out each match of each rule; `present` are the features, if known."""
        present = features(text) if present is None else present
        found = set(self._always)
        for feature in present & self._by_feature.keys():
            found.update(self._by_feature[feature])
        for place in sorted(found):
            rule = self._rules[place]
            for one_of_these in rule.needs[1:]:
                if one_of_these.isdisjoint(present):
                    break
            else:
                text = rule.pattern.sub(rule.say, text)
        return text


def _commonness(one_of_these: frozenset[str]) -> int:
    """Ranks a need by how many texts meet it: a digit or a word few, a letter nearly all."""
    if one_of_these == {"0"} or all(len(feature) > 1 for feature in one_of_these):
        return 0
    return 2 if any(feature.isalpha() and len(feature) == 1 for feature in one_of_these) else 1


def features(text: str) -> set[str]:
    """Returns what rules may need of a text.

    These are its characters, "0" for any digit, and its words of two and more
    letters; "A" for a capital past the first character, "AA" for two in a row;
    ".x" for a stop right before a letter or a digit, "x." for one after a letter alone. For numbers see `_features_of_numbers`.
    A stop after a last word of five and more small letters does not count.
    """
    present = set(text[:-1] if _PLAIN_END.search(text) else text)
    present.update(_WORDS.findall(text))
    if not present.isdisjoint(_DIGITS):
        present |= _features_of_numbers(text)
    if "." in present and _INNER_STOP.search(text):
        present.add(".x")
    if "." in present and _INITIAL.search(text):
        present.add("x.")
    if text[1:].lower() != text[1:]:
        present.add("A")
        if _CAPITALS.search(text):
            present.add("AA")
    return present


def _features_of_numbers(text: str) -> set[str]:
    """Returns what rules may need of a text with digits.

    "0"; "0km" and "0%" for the word or the sign after a number, a space or a hyphen between or
    not; "0 0", "0-0" for two numbers side by side; "0_" for a digit beside a letter, a hyphen
    between or not; "00" and "00000" for so many zeros or digits in a row.
    """
    present = {"0"}
    for between, following in _AFTER_NUMBER.findall(text):
        present.add(f"0{between}0" if following.isdigit() else f"0{following}")
    if _BESIDE_LETTER.search(text):
        present.add("0_")
    if "00" in text:
        present.add("00")
    if _LONG_NUMBER.search(text):
        present.add("00000")
    return present


def after_number(words: Iterable[str]) -> set[str]:
    """Returns the features of texts with one of these words or signs after a number."""
    return {f"0{_FIRST.match(word)[0]}" for word in words}


def any_of(words: Iterable[str]) -> str:
    """Returns a source that matches any of the words, the longest first."""
    return (
        "(?:" + "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word)))) + ")"
    )


def phrase_end(match: re.Match[str]) -> str:
    """Returns the stop of an abbreviation that also ends its sentence.

    Args:
        match: A match whose last character may be the abbreviation's stop.
    """
    if not match[0].endswith("."):
        return ""
    following = match.string[match.end() : match.end() + 24]
    bare = following.lstrip("\"')] ")
    if not bare:
        return "."
    if not following[0].isspace() or not bare[0].isupper():
        return ""
    return "." if STARTERS.match(bare) else ""


STARTERS = re.compile(
    r"(?:The|This|That|These|Those|There|Then|They|He|She|It|We|You|I|My|His|Her|Its|Our|Your|Their|"
    r"A|An|But|And|So|Or|Yet|If|When|While|Where|What|Who|Why|How|After|Before|Since|Because|"
    r"Although|Though|However|In|On|At|As|For|From|With|Without|To|By|No|Not|Yes|Now|Once|One|"
    r"Some|Many|Most|All|Each|Every|Both|Later|Today|Tomorrow|Yesterday|Here|Let|Please|Do|Does|"
    r"Did|Is|Are|Was|Were|Will|Would|Can|Could|Should|Have|Has|Had|Nobody|Everyone|Everybody|"
    r"Someone|Nothing|Everything|Never|Maybe|Perhaps|Come|Go|Call|See|Stop|Wait|Thanks|Well|Oh|"
    r"Finally|Suddenly|Meanwhile|Instead|Also|Even|Only|Just|Sometimes|Soon|Still|Another|Other)\b"
)
"""Words that with a capital most often begin a sentence."""
