"""The command line, run in this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from affecttts.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line left behind."""

    code: int
    out: bytes
    err: str

    def refused(self, code: int, *parts: str) -> bool:
        """Whether it ended with this code and exactly one line on stderr that holds the parts."""
        lines = self.err.splitlines()
        assert self.code == code, (self.code, self.err)
        assert (
            len(lines) == 1 and lines[0].startswith("affecttts: ") and "Traceback" not in self.err
        ), self.err
        assert len(lines[0]) < 600, "an error is one short line"
        assert not self.out
        assert all(part in lines[0] for part in parts), lines[0]
        return True


@pytest.fixture
def cli(capsysbinary):
    """Run `affecttts ARGUMENTS`."""

    def run(*arguments: object) -> Outcome:
        capsysbinary.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse
            code = exit.code
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out, captured.err.decode())

    return run


@pytest.fixture
def say(cli, tiny_model_dir):
    """Run `affecttts synthesize` with the tiny model, a short text and a seed where none is
    given.
    """

    def run(*arguments: object, model=tiny_model_dir) -> Outcome:
        given = set(arguments)
        text = () if given & {"--text", "--input", "--batch"} else ("--text", "Hello there.")
        seed = () if given & {"--seed", "--batch"} else ("--seed", 3)
        return cli("synthesize", "--model", model, *text, *seed, *arguments)

    return run
