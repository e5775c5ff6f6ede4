"""What the evaluations share on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from affecttts.cli.output import add_json, print_json
from affecttts.errors import RequestError


def add_showing(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--quiet`."""
    add_json(parser, "the report, instead of the tables")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no tables")


def add_judges(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options that choose judges.

    Args:
        default: which ones judge emotion where none are named.
    """
    parser.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="NAME",
        help="of emotion, may be given again: acoustic, relative, spectral, a folder, "
        f"transformers:MODEL or emotion2vec:MODEL (default: {default})",
    )
    parser.add_argument(
        "--without-judge",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out words, whisper_base, voice, sound, distillmos or a judge of emotion",
    )
    parser.add_argument(
        "--force-judges",
        action="store_true",
        help="let in judges that taught what they judge; the report warns in red",
    )


def show(arguments: argparse.Namespace, report: Any, render: Callable[[Any], str]) -> None:
    """Print a report as JSON or as tables, as the user asked."""
    if arguments.json:
        from affecttts.evaluation.report.plain import to_plain

        print_json(to_plain(report))
    elif not arguments.quiet:
        print(render(report))


def check_file(path: Path) -> None:
    """Raises:
    RequestError: there is no such file.
    """
    if not path.is_file():
        raise RequestError(f"{path}: no such file; give a JSONL file")


def progress_bar(quiet: bool) -> Callable[[Iterable, str], Iterable]:
    """Wraps an iterable, given with a label, in a bar on a terminal."""

    def bar(items: Iterable, label: str) -> Iterable:
        from tqdm import tqdm

        return tqdm(items, desc=label, disable=quiet or not sys.stderr.isatty())

    return bar
