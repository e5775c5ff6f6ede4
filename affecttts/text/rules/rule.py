"""A rule: what it looks for and what it writes instead."""

import re
from collections.abc import Callable, Iterable
from functools import cached_property

Say = str | Callable[[re.Match[str]], str]

_KINDS = str.maketrans("123456789", "0" * 9)


class Rule:
    """A pattern and what is said for it.

    Every pattern must take time in proportion to the text: a repetition is
    bounded, or nothing it repeats over can begin another match.

    Args:
        source: The regular expression, compiled when first needed.
        say: The replacement, as for `re.sub`.
        needs: The rule is skipped unless the text has one of these characters;
            "0" stands for any digit and "A" for any capital. Empty: never skipped.
    """

    def __init__(self, source: str, say: Say, needs: str = "") -> None:
        self.source = source
        self.say = say
        self.needs = frozenset(needs)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.source)

    def apply(self, text: str, present: set[str]) -> str:
        """Writes out each match in `text`, whose characters are `present`."""
        if self.needs and self.needs.isdisjoint(present):
            return text
        return self.pattern.sub(self.say, text)


def kinds(text: str) -> set[str]:
    """Returns the characters of a text, any digit as "0", and "A" for any capital."""
    present = set(text.translate(_KINDS))
    if any(map(str.isupper, present)):
        present.add("A")
    return present


def any_of(words: Iterable[str]) -> str:
    """Returns a source that matches any of the words, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word)))) + ")"


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
