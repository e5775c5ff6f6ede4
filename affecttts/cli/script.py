"""How the recipes' scripts start and end: the same as a command of `affecttts`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from affecttts.errors import InputError, RequestError, run_command
from codec.errors import UserError

OURS = ("affecttts", "codec", "recipes", "benchmarks")


class ScriptParser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(RequestError.exit_code, f"{self.prog}: {message} (see {self.prog} --help)\n")


def script_parser(description: str | None) -> ScriptParser:
    """A parser for a script whose docstring is its help."""
    return ScriptParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def training_parser(description: str | None) -> ScriptParser:
    """What every recipe that trains takes: config, --manifest, --output, --set."""
    parser = script_parser(description)
    parser.add_argument("config", help="YAML file, see recipes/configs")
    parser.add_argument(
        "--manifest",
        action="append",
        required=True,
        help="JSONL manifest; may be given several times",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one value of the config, such as loss_weights.mel=20",
    )
    return parser


def run_script(main: Callable[[], int | None]) -> int:
    """Run a script; returns its exit code (None of `main`: 0).

    A user's mistake ends it with one line on stderr: besides what `run_command` knows, a package
    that is not installed and a file that the system refuses.
    """
    return run_command(lambda: _run(main) or 0, Path(sys.argv[0]).name)


def _run(main: Callable[[], int | None]) -> int | None:
    try:
        return main()
    except (UserError, BrokenPipeError):
        raise
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] in OURS:
            raise
        raise UserError(
            f'{error.name} is not installed; pip install "affecttts[train]", or the extra that '
            "recipes/README.md names"
        ) from error
    except OSError as error:
        if not error.filename:
            raise
        raise InputError(f"{error.filename}: {error.strerror}") from error
