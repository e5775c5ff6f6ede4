"""Markup that strays into text: HTML, Markdown, terminal and forum codes."""

import functools
import html
import re

from affecttts.text.rules.rule import Rule, Rules, any_of
from affecttts.text.tables import table

_LINK_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?: +\"[^\"\n]*\")? *\)"


def remove_markup(text: str) -> str:
    """Returns the text without its markup; blocks become paragraphs, table cells commas."""
    return _rules().apply(text, set(text))


@functools.cache
def _rules() -> Rules:
    return Rules([*_html_rules(), *_markdown_rules()])


def _html_rules() -> list[Rule]:
    tags = table("markup")
    return [
        Rule(r"<((?:https?://|mailto:)?[^<>\s@]{0,64}[@:][^<>\s]+\.[^<>\s]+)>", r"\1", "<"),
        Rule(r"<!--[^<>]*-->|<!--|-->|<!\[CDATA\[|\]\]>", " ", "<"),
        Rule(r"(?i)<(script|style)\b[^<>]*>[^<]*</\1\s*>", " ", "<"),
        Rule(rf"(?i)</?{any_of(tags['cells'])}\b[^<>]*>", ", ", "<"),
        Rule(rf"(?i)</?{any_of(tags['blocks'])}\b[^<>]*>", "\n\n", "<"),
        Rule(rf"(?i)<[/!?]?{any_of(tags['tags'])}\b[^<>]*>", "", "<"),
        Rule(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", _unescape, "&"),
        Rule(r"(?i)\[/?(?:b|i|u|s|url|img|quote|code|color|size)(?:=[^\[\]\n]*)?\]", "", "["),
    ]


def _markdown_rules() -> list[Rule]:
    return [
        Rule(r"(?m)^[ \t]*(?:```|~~~)[^\n`~]*$", "", "`~"),
        Rule(r"(?m)^[ \t]*(?:[-*_=~+#][ \t]*){3,}$", "\n", "-*_=~+#"),
        Rule(r"(?m)^[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$", "", "|"),
        Rule(
            r"(?m)^[ \t]*\|([^\n]*)\|[ \t]*$", lambda m: "\n" + m[1].replace("|", ",") + "\n", "|"
        ),
        Rule(r"(?m)^[ \t]*(?:>[ \t]?)+(?=[^\s\d])", "", ">"),
        Rule(r"(?m)^[ \t]*#{1,6}[ \t]+(?=[^\d\s])([^\n#]*)#*[ \t]*$", r"\n\1\n\n", "#"),
        Rule(rf"!\[([^\[\]]*)\]{_LINK_TARGET}", r" \1", "!"),
        Rule(rf"\[([^\[\]]*)\]{_LINK_TARGET}", r"\1", "["),
        Rule(r"\[([^\[\]]+)\]\[[^\[\]]*\]", r"\1", "["),
        Rule(r"\[(?<=[a-z.,;:!?)\"']\[)(?:[1-9]\d{0,2}|\^\w{1,16}|citation needed)\]", "", "["),
        Rule(r"\*\*(?<=\d\*\*)(?=\d)", "^", "*"),
        Rule(r"\*\*(?<=\b[a-z]\*\*)(?=[a-z\d(])", "^", "*"),
        Rule(r"\*\*+|~~+|_(?<!\w_)_+(?=\w)|_(?<=\w_)_+(?!\w)", "", "*~_"),
        Rule(r"\*(?=[^\s*\d])(?<![\d)]\*)|\*(?<=[^\s*\d(]\*)(?![\d(])", "", "*"),
    ]


def _unescape(match: re.Match[str]) -> str:
    said = html.unescape(match[0])
    return " " if said == "\xa0" else said
