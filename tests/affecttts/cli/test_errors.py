"""All errors that a user can mend have one base, and one place ends a command with them."""

import ast
from importlib import import_module

import pytest

from affecttts.errors import (
    GenerationError,
    InputError,
    OutputError,
    RequestError,
    run_command,
    shown,
)
from codec.errors import AudioError, CheckpointError, UserError
from tiny_models import REPOSITORY

CODES = {
    RequestError: 2,
    InputError: 1,
    OutputError: 1,
    GenerationError: 4,
    AudioError: 1,
    CheckpointError: 1,
}


def own_errors():
    """Every class of ours whose name ends with Error."""
    for package in ("codec", "affecttts"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
                    yield getattr(import_module(module), node.name)


def raising(error):
    def command():
        raise error

    return command


def test_every_error_of_ours_has_the_one_base():
    found = set(own_errors())
    assert set(CODES) < found
    assert all(issubclass(error, UserError) for error in found)


@pytest.mark.parametrize("error", CODES, ids=lambda error: error.__name__)
def test_a_command_ends_with_one_line_and_the_error_s_code(error, capsys):
    assert run_command(raising(error("x.wav: broken\nin two ways")), "tool") == CODES[error]
    captured = capsys.readouterr()
    assert captured.err == "tool: x.wav: broken in two ways\n" and not captured.out


def test_an_interruption_ends_with_130(capsys):
    assert run_command(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "affecttts: interrupted\n"


def test_a_command_s_own_code_is_kept_and_a_defect_is_not_hidden():
    assert run_command(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


@pytest.mark.parametrize(
    "value",
    ["a" * 10_000, 10**5000, [0] * 1000, "two\nlines"],
    ids=["long", "an integer of 5000 digits", "a list", "two lines"],
)
def test_a_value_in_a_message_is_short_and_on_one_line(value):
    assert len(shown(value)) <= 60 and "\n" not in shown(value)
