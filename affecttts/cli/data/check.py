"""`affecttts data check`: open every file of a manifest and report."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import add_json, add_workers, check_output, print_json
from affecttts.errors import OutputError, RequestError

if TYPE_CHECKING:
    from affecttts.data.checking.check import Verdict
    from affecttts.data.checking.summary import Summary
    from affecttts.data.manifest import Utterance

CACHE_SUFFIX = ".checked"
REPORT_NAME = "report.json"
EXAMPLE = (
    "example: affecttts data check corpus/manifest.jsonl --report report --kept corpus/clean.jsonl"
)


def add_to(actions) -> None:
    """Add the action to `affecttts data`."""
    parser = actions.add_parser(
        "check",
        help="open every file of a manifest and report",
        epilog=EXAMPLE,
        allow_abbrev=False,
        description="Exit code 3 where rows are rejected. Run again after an interruption, it "
        "goes on where it stopped.",
    )
    parser.add_argument("manifest", type=Path, help="JSONL manifest")
    parser.add_argument(
        "--report",
        metavar="DIR",
        type=Path,
        help="write report.json, report.txt and plots into a folder",
    )
    parser.add_argument(
        "--kept", metavar="M", type=Path, help="write the rows that are not rejected as a manifest"
    )
    add_workers(parser)
    parser.add_argument(
        "--cache",
        metavar="FILE",
        type=Path,
        help=f"what is measured so far (default: MANIFEST{CACHE_SUFFIX})",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_json(parser, "the report, instead of the table")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check; returns the exit code."""
    from affecttts.data.checking.check import judge_manifest
    from affecttts.data.checking.fact_store import FactStore
    from affecttts.data.checking.report import check_plots, render
    from affecttts.data.checking.summary import Summary

    if not arguments.manifest.is_file():
        raise RequestError(f"{arguments.manifest}: no such file; give a JSONL manifest")
    if arguments.kept:
        check_output(str(arguments.kept), arguments.force)
    if arguments.report:
        check_plots()
        if (arguments.report / REPORT_NAME).exists():
            check_output(str(arguments.report / REPORT_NAME), arguments.force)
    cache = arguments.cache or arguments.manifest.with_name(arguments.manifest.name + CACHE_SUFFIX)
    summary, started = Summary(), time.perf_counter()
    store = FactStore(cache)
    try:
        verdicts = judge_manifest(arguments.manifest, store, max(1, arguments.workers))
        _summarise(arguments, _with_bar(verdicts, arguments, summary))
    finally:
        store.close()
    report = {"manifest": str(arguments.manifest), **summary.to_dict()}
    _write_report(arguments, report)
    if arguments.json:
        print_json(report)
    elif not arguments.quiet:
        print(render(report), flush=True)
    if not arguments.quiet:
        elapsed = max(time.perf_counter() - started, 1e-9)
        print(f"{report['hours'] / elapsed * 3600:.0f} hours of audio per hour", file=sys.stderr)
    return 3 if report["rejected"] else 0


def _with_bar(
    verdicts: Iterable[Verdict], arguments: argparse.Namespace, summary: Summary
) -> Iterator[Verdict]:
    """Count every verdict; a bar over the bytes of the manifest, whose rows nobody has counted
    yet.
    """
    from tqdm import tqdm

    hidden = arguments.quiet or not sys.stderr.isatty()
    with tqdm(
        total=arguments.manifest.stat().st_size,
        desc="check",
        unit="B",
        unit_scale=True,
        disable=hidden,
    ) as bar:
        for verdict in verdicts:
            summary.add(verdict)
            bar.update(verdict.row.size)
            bar.set_postfix(rows=summary.rows, hours=f"{summary.seconds / 3600:.2f}", refresh=False)
            yield verdict


def _summarise(arguments: argparse.Namespace, verdicts: Iterable[Verdict]) -> None:
    """Run through the verdicts, writing the kept rows where they are asked for."""
    from affecttts.data.manifest import moved, write_manifest

    kept: Iterator[Utterance] = (
        verdict.row.utterance
        for verdict in verdicts
        if not verdict.reason and verdict.row.utterance
    )
    if arguments.kept is None:
        for _ in kept:
            pass
        return
    write_manifest(
        arguments.kept, (moved(utterance, arguments.manifest, arguments.kept) for utterance in kept)
    )


def _write_report(arguments: argparse.Namespace, report: dict) -> None:
    from affecttts.data.checking.report import plot, render
    from codec.atomic import write_text
    from codec.files import write_json

    if arguments.report is None:
        return
    try:
        arguments.report.mkdir(parents=True, exist_ok=True)
        write_text(arguments.report / "report.txt", render(report) + "\n")
        plot(report, arguments.report)
        write_json(arguments.report / REPORT_NAME, report)  # last: where it is, all is
    except OSError as error:
        raise OutputError(f"{error.filename}: cannot be written ({error.strerror})") from error
