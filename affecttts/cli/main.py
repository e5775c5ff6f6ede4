"""The command line. Checks what can be checked before torch or any weights are loaded."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from affecttts import __version__
from affecttts.cli.command import OneLineParser, run_command

PROGRAM = "affecttts"
EXIT_CODES = """\
exit codes: 0 done, 1 unreadable input, unwritable output or broken model, 2 wrong request,
3 some batch items failed, 4 generation hit its cap, 130 interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: arguments.run(arguments), PROGRAM)


class _Parser(OneLineParser):
    program = PROGRAM


def _parser() -> argparse.ArgumentParser:
    from affecttts.cli import adapt, audio, data, evaluate, listing, synthesize, voices

    parser = _Parser(
        prog=PROGRAM,
        description="Emotional text-to-speech.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"affecttts {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (synthesize, audio, adapt, voices, data, evaluate, listing):
        module.add_to(commands)
    return parser
