"""What the documentation's pages say that can be checked: commands, paths and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tiny_models import REPOSITORY

PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "recipes/**/*.md",
        "benchmarks/*.md",
        "prompts/*.md",
        "affecttts/models/**/*.md",
    )
    for page in REPOSITORY.glob(pattern)
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OURS = re.compile(r"(affecttts [a-z]|python |accelerate |recipes/\S+\.sh)")
# What a page may tell somebody to run that is not ours to check.
OTHERS = ("pip", "pytest", "git", "ruff", "pyright", "pre-commit", "apt-get", "npm", "mkdir", "tar")
OTHERS += ("curl",)
SHELL = ("for", "do", "done")  # the words of loops over such commands
BOARDS = ("versa-score", "python3")  # the evaluation boards of docs/lab/codec_boards.md


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the fenced blocks in a language."""
    return [body for found, body in FENCE.findall(text(page)) if found == language]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text(page))


def shell_lines(page: Path) -> Iterator[str]:
    """Lines of bash blocks and of indented blocks that begin as a command of ours; a line that ends
    in a backslash is joined to the next.
    """
    for body in blocks(page, "bash"):
        yield from joined(body)
    for body in INDENTED.findall(prose(page)):
        yield from (line for line in joined(body) if OURS.match(line))


def joined(body: str) -> list[str]:
    lines = body.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def links(page: Path) -> list[str]:
    """Targets of the links of a page, those inside code left out."""
    return LINK.findall(SPAN.sub("", prose(page)))


def spans(page: Path) -> list[str]:
    """Code inside the text."""
    return SPAN.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
