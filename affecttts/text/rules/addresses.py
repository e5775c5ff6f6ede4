"""Names for machines: addresses, domains, files, paths and code."""

import re

from affecttts.text.rules.rule import Rule, any_of
from affecttts.text.tables import table

_SIGNS = {
    ".": " dot ", "/": " slash ", "-": " dash ", "_": " underscore ", "@": " at ", "?": " question mark ",
    ":": " colon ", "#": " hash ", "~": " tilde ", "=": " equals ", "&": " and ", "%": " percent ", "+": " plus ",
    "\\": " backslash ", "*": " star ", "$": " dollar ",
}  # fmt: skip
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?"
_REST = r"[^\s<>\"`]*"
_VISIT = r"(?i:visit|see|at|on|to|from|via|site|website|url|open|browse|is)"
_ROOTS = (
    "etc usr home var tmp bin opt dev root mnt proc sys api Users Library Applications help".split()
)
_PLAIN_STEMS = (
    "README CHANGELOG LICENSE Makefile main lib index app test setup config server docker".split()
)


def rules() -> list[Rule]:
    """Returns the rules, in order."""
    return [*_address_rules(), *_file_rules(), *_code_rules()]


def _address_rules() -> list[Rule]:
    names = table("identifiers")
    every = any_of(names["domains"])
    wordlike = any_of(names["wordlike_domains"])
    safe = any_of(set(names["domains"]) - set(names["wordlike_domains"]))
    start, end = r"(?<![\w.@/-])", r"(?![\w@-]|\.[A-Za-z0-9])"
    return [
        Rule(rf"\b(?:https?|ftp|file|ssh|git|s3|hf)://{_REST}", _say_address, "/", ":"),
        Rule(r"\bwww\.[^\s<>\"`]+", _say_address, ["www"]),
        Rule(
            r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}",
            _say_address,
            "@",
        ),
        Rule(rf"\blocalhost(?::\d{{1,5}})?(?:/{_REST})?", _say_address, ["localhost"]),
        Rule(
            rf"{start}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d{{1,5}})?(?:/{_REST})?(?![\w-])",
            _say_ip,
            [".x"],
            "0",
        ),
        Rule(
            rf"{start}(?:{_LABEL}\.){{1,6}}{every}(?::\d{{2,5}})?/{_REST}",
            _say_address,
            "/",
            [".x"],
        ),
        Rule(
            rf"{start}(?:{_LABEL}\.){{1,6}}{safe}{end}",
            _say_address,
            [".x"],
            set(names["domains"]) - set(names["wordlike_domains"]),
        ),
        Rule(
            rf"{start}(?:[a-z0-9][a-z0-9-]{{1,62}}\.){{2,6}}[a-z]{{2,24}}{end}",
            _say_address,
            [".x"],
        ),
        Rule(
            rf"\b({_VISIT} )({_LABEL}\.{wordlike}){end}",
            lambda m: m[1] + _spoken(m[2]),
            [".x"],
            names["wordlike_domains"],
        ),
    ]


def _file_rules() -> list[Rule]:
    names = table("identifiers")
    every = any_of(names["extensions"])
    every_word = {*names["extensions"], "0"}
    safe_words = every_word - set(names["wordlike_extensions"])
    safe = any_of(safe_words - {"0"})
    known = any_of(
        set(names["extensions"]) - {"c", "h", "so", "go", "log"}
        | {"gitignore", "com", "org", "net", "NET"}
    )
    start, end = r"(?<![\w.@-])", r"(?![\w-]|\.\w)"
    stem = rf"(?:[A-Za-z0-9]{{0,64}}[_0-9-][\w-]{{0,64}}|{any_of(_PLAIN_STEMS)})"
    root = any_of(_ROOTS)
    return [
        Rule(rf"{start}(?:[\w-]{{1,64}}\.){{1,4}}{safe}{end}", _say_file, [".x"], safe_words),
        Rule(rf"{start}{stem}\.{every}{end}", _say_file, [".x"], every_word),
        Rule(
            rf"(?:(?<![\w.])|(?<=\bASP))\.{known}\b(?!\.\w)",
            _say_file,
            [".x"],
            every_word | {"gitignore", "com", "org", "net", "NET"},
        ),
        Rule(r"(?<![\w\\])[A-Za-z]:\\[^\s\"<>|]*", _say_file, "\\"),
        Rule(
            r"(?<![\w/.~<])(?:~|\.{1,2})?/(?:[\w.+-]{1,64}/){1,16}[\w.+-]{1,64}/?", _say_file, "/"
        ),
        Rule(rf"(?<![\w/.~<])(?:(?:~|\.{{1,2}})/[\w.+-]{{1,64}}|/{root}\b)/?", _say_file, "/"),
    ]


def _code_rules() -> list[Rule]:
    return [
        Rule(
            r"`([^`\n]{1,200})`", lambda m: re.sub(r"(?<![^\s])--?(?=[A-Za-z])", "dash ", m[1]), "`"
        ),
        Rule(r"`", "'", "`"),
        Rule(r"\b([A-Za-z_][\w.]{0,63})\(\)", lambda m: m[1].replace(".", " dot "), "(", ")"),
        Rule(r"\b(?:Ctrl|CTRL|ctrl)(?=[ +-])", "Control", ["Ctrl", "CTRL", "ctrl"]),
        Rule(r"(?<=\b[A-GJ])#(?!\w)", " sharp", "#"),
        Rule(r":(?<=[a-z]:):?(?=[A-Za-z]{2})|-(?<=[a-z]-)>(?=[a-z])", " ", ":>"),
    ]


def _say_address(match: re.Match[str]) -> str:
    address = re.sub(r"^([a-z0-9]+)://(?=[^\s.,;:!?/)'\"]|/\w)", "", match[0])
    bare = address.rstrip(".,;:!?/)'\"*]}")
    return _spoken(bare) + address[len(bare) :].lstrip("/")


def _say_ip(match: re.Match[str]) -> str:
    host, rest = re.match(r"([\d.]+)(.*)", match[0], re.DOTALL).groups()
    dots = " dot ".join(" ".join(part) for part in host.rstrip(".").split("."))
    return dots + ("." if host.endswith(".") else "") + _spoken(rest)


def _say_file(match: re.Match[str]) -> str:
    bare = match[0].rstrip(".") or match[0]
    return _spoken(bare).replace(" underscore ", " ") + match[0][len(bare) :]


def _spoken(address: str) -> str:
    """Says the signs; endings that are letters, not words, become capitals."""
    names = table("identifiers")
    spelled = set(names["spelled_domains"]) | set(names["spelled_extensions"]) - set(
        names["spoken_extensions"]
    )
    parts = re.split(r"([^\w]|_)", address)
    for index in range(2, len(parts), 2):
        if parts[index - 1] == "." and parts[index] in spelled:
            parts[index] = parts[index].upper()
    said = "".join(_SIGNS.get(part, part) for part in parts)
    return re.sub(r"\bwww(?= dot)", "WWW", said)
