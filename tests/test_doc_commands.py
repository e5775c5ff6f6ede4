"""The commands of README, docs and recipes are ones that the real parsers take.

Each runs up to the end of its parsing, where it is stopped: nothing is trained or spoken.
"""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

import affecttts.cli.main
from doc_pages import BOARDS, OTHERS, PAGES, SHELL, name, shell_lines, spans
from tiny_models import REPOSITORY

SEPARATORS = {"&&", "||", ";", "|"}
REDIRECTIONS = {">", ">>", "<"}
SCRIPT = re.compile(r"(recipes|benchmarks)/[\w/]+\.py")


class Parsed(Exception):
    """A command's options were read."""


def commands(line: str) -> list[list[str]]:
    """The commands of a shell line, without comments, redirections and variables set before."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word in SEPARATORS:
            parts.append([])
        elif word in REDIRECTIONS:
            next(words)
        else:
            parts[-1].append(word)
    return [part for part in map(without_variables, parts) if part]


def without_variables(words: list[str]) -> list[str]:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


def as_script(words: list[str]) -> list[str]:
    """`python X ..`, `accelerate launch .. X ..` and `affecttts ..` -> what runs and its words."""
    if words[0] == "accelerate":
        start = next(i for i, word in enumerate(words) if SCRIPT.fullmatch(word))
        return words[start:]
    if words[:2] == ["python", "-m"]:
        place = REPOSITORY.joinpath(*words[2].split("."))
        script = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
        return [str(script.relative_to(REPOSITORY)), *words[3:]]
    return words[1:] if words[0] == "python" else words


def loosen(parser: argparse.ArgumentParser) -> None:
    """Nothing is required any more: prose names a command without all of its options."""
    for group in parser._mutually_exclusive_groups:
        group.required = False
    for action in parser._actions:
        action.required = False
        if isinstance(action, argparse._SubParsersAction):
            for choice in action.choices.values():
                loosen(choice)


@pytest.fixture
def check(monkeypatch):
    """Parse the words of one command with the parser of the real program."""
    parse_args = argparse.ArgumentParser.parse_args

    def run(words: list[str], whole: bool = True) -> None:
        def stop(self, args=None, namespace=None):
            if not whole:
                loosen(self)
            parse_args(self, args, namespace)
            raise Parsed

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
        program, *options = as_script(words)
        try:
            if program == "affecttts":
                affecttts.cli.main.main(options)
            else:
                run_script(program, options, monkeypatch)
        except Parsed:
            return
        except SystemExit as error:
            assert error.code == 0, f"{shlex.join(words)} is refused, see stderr"

    return run


def run_script(program: str, options: list[str], monkeypatch) -> None:
    path = REPOSITORY / program
    assert path.is_file(), f"{program}: no such script"
    monkeypatch.setattr(sys, "argv", [program, *options])
    monkeypatch.setattr(sys, "path", [str(path.parent), str(REPOSITORY), *sys.path])
    known = set(sys.modules)
    try:
        runpy.run_path(str(path), run_name="__main__")
    except ModuleNotFoundError as error:
        pytest.skip(f"{program} needs {error.name}")
    finally:  # scripts import their neighbours by bare names
        for module in set(sys.modules) - known:
            file = getattr(sys.modules[module], "__file__", None)
            if file and Path(file).parent == path.parent:
                del sys.modules[module]


def check_paths(words: list[str]) -> None:
    """Files of the repository that a command reads are there."""
    for word in words:
        if word.split("/")[0] in ("recipes", "benchmarks", "tests", "prompts", "affecttts"):
            assert (REPOSITORY / word).exists(), f"{word}: no such file"


LINES = [(name(page), line) for page in PAGES for line in shell_lines(page)]
SPANS = [
    (name(page), span)
    for page in PAGES
    if page.name != "CHANGELOG.md"  # names what is gone
    for span in spans(page)
    if re.match(r"(affecttts \w|python (recipes|benchmarks)/)", span)
]


def test_there_are_commands_to_check():
    assert len(LINES) > 30 and len(SPANS) > 10


@pytest.mark.parametrize("page, line", LINES, ids=[f"{p}: {x[:60]}" for p, x in LINES])
def test_a_command_of_a_page_is_one_that_its_program_takes(page, line, check):
    for words in commands(line):
        if words[0] in (*OTHERS, *BOARDS, *SHELL):
            continue
        check_paths(words)
        if not words[0].endswith(".sh"):
            check(words)


@pytest.mark.parametrize("page, span", SPANS, ids=[f"{p}: {x[:60]}" for p, x in SPANS])
def test_a_command_in_the_text_has_only_options_that_its_program_knows(page, span, check):
    for words in commands(span):
        check_paths(words)
        check(words, whole=False)


def test_a_wrong_option_is_found(check):
    """The check itself can fail."""
    for words in (["affecttts", "list", "moods"], ["python", "recipes/train_lm.py", "--tempo"]):
        with pytest.raises(AssertionError):
            check(words)
    with pytest.raises(AssertionError):
        check(["affecttts", "synthesize", "--mood", "sad"], whole=False)
