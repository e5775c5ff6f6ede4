"""`affecttts data align`: phone durations for a manifest with transcripts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import add_json, add_workers, check_output, print_json
from affecttts.errors import RequestError

if TYPE_CHECKING:
    from affecttts.data.alignment.shards import Finding
    from affecttts.data.codes.encode import ShardPlan

WORK_SUFFIX = ".aligning"
NAMED = 20  # rows left out that are named on stderr
EXAMPLE = "example: affecttts data align clean.jsonl --output aligned.jsonl --report report"


def add_to(actions) -> None:
    """Add the action to `affecttts data`."""
    parser = actions.add_parser(
        "align",
        help="find the phones of the transcripts in the audio",
        epilog=EXAMPLE,
        allow_abbrev=False,
        description="Writes the rows with phone durations. Rows whose transcript does not fit are "
        "left out: exit code 3. Run again after an interruption, it goes on where it stopped.",
    )
    add_options(parser)
    add_workers(parser)
    add_json(parser, "the report, instead of the table")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the recipe has too."""
    parser.add_argument("manifest", type=Path, help="JSONL manifest with text or ipa")
    parser.add_argument("--output", metavar="M", type=Path, required=True, help="manifest to write")
    parser.add_argument(
        "--aligner",
        metavar="WHICH",
        default="shipped",
        help="shipped (default; English), flat-start (learns from this corpus alone, in any "
        "language), or the folder of an aligner from an earlier run",
    )
    parser.add_argument(
        "--model", metavar="DIR", type=Path, help="model folder whose phone classifier is used"
    )
    parser.add_argument(
        "--steps", metavar="N", type=int, default=300, help="of a flat start's first round (300)"
    )
    parser.add_argument(
        "--from-textgrids",
        metavar="DIR",
        type=Path,
        help="take the durations from DIR/ID.TextGrid, such as the Montreal Forced Aligner's",
    )
    parser.add_argument("--textgrids", metavar="DIR", type=Path, help="write TextGrids as well")
    parser.add_argument(
        "--report", metavar="DIR", type=Path, help="write the report and histograms into a folder"
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        help=f"what is aligned so far (default: OUTPUT{WORK_SUFFIX})",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")


def run(arguments: argparse.Namespace) -> int:
    """Align; returns the exit code."""
    check_options(arguments)
    started = time.perf_counter()
    findings = _findings(arguments)
    report = finish(arguments, findings)
    if arguments.json:
        print_json(report)
    elif not arguments.quiet:
        from affecttts.data.alignment.report import render

        print(render(report), flush=True)
        elapsed = max(time.perf_counter() - started, 1e-9)
        print(f"{report['hours'] / elapsed * 3600:.0f} hours of audio per hour", file=sys.stderr)
    return 3 if report["left_out"] else 0


def check_options(arguments: argparse.Namespace) -> None:
    """Refuse what cannot end well, before any work.

    Raises:
        RequestError, OutputError: an option that is wrong, or an output that exists.
    """
    from affecttts.data.alignment.textgrids import check_praatio
    from affecttts.data.alignment.writing import REPORT_NAME
    from affecttts.data.checking.report import check_plots

    if not arguments.manifest.is_file():
        raise RequestError(f"{arguments.manifest}: no such file; give a JSONL manifest")
    if arguments.steps < 1:
        raise RequestError(f"--steps is {arguments.steps}, must be at least 1")
    check_output(str(arguments.output), arguments.force)
    if arguments.from_textgrids or arguments.textgrids:
        check_praatio()
    if arguments.report:
        check_plots()
        if (arguments.report / REPORT_NAME).exists():
            check_output(str(arguments.report / REPORT_NAME), arguments.force)


def working_folder(arguments: argparse.Namespace) -> Path:
    """Where the aligner and the shards lie; it is made."""
    output = arguments.output
    work = arguments.work or output.with_name(output.name + WORK_SUFFIX)
    work.mkdir(parents=True, exist_ok=True)
    return work


def plan_of(manifest: Path) -> ShardPlan:
    """The shards of a manifest."""
    from affecttts.data.alignment.shards import shard_count
    from affecttts.data.codes.encode import ShardPlan
    from affecttts.data.manifest import read_manifest

    return ShardPlan([manifest], shard_count(sum(u.seconds for u in read_manifest(manifest))))


def prepare(arguments: argparse.Namespace, plan: ShardPlan, quiet: bool) -> Path:
    """Make the aligner; returns its folder."""
    from tqdm import tqdm

    from affecttts.data.alignment.making import prepare_aligner
    from affecttts.data.alignment.training import FlatStartConfig
    from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME, SHIPPED

    def progress(items: Iterable, label: str) -> Iterable:
        return tqdm(items, desc=label, disable=quiet or not sys.stderr.isatty())

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr)

    classifier = Path(arguments.model or SHIPPED) / PHONE_CLASSIFIER_NAME
    config = FlatStartConfig(steps=arguments.steps)
    return prepare_aligner(
        arguments.aligner, classifier, plan, working_folder(arguments), config, say, progress
    )


def _findings(arguments: argparse.Namespace) -> Iterable[Finding]:
    from affecttts.data.alignment.shards import align_shards, merged
    from affecttts.data.alignment.writing import from_textgrids

    if arguments.from_textgrids:
        return from_textgrids(arguments.manifest, arguments.from_textgrids)
    plan, work = plan_of(arguments.manifest), working_folder(arguments)
    folder = prepare(arguments, plan, arguments.quiet)
    done = align_shards(plan, range(plan.count), folder, work, max(1, arguments.workers))
    for _ in _with_bar(done, plan, arguments.quiet):
        pass
    return merged(arguments.manifest, work, plan.count)


def _with_bar(
    done: Iterable[tuple[int, int]], plan: ShardPlan, quiet: bool
) -> Iterator[tuple[int, int]]:
    """A bar over the seconds of audio."""
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    with tqdm(total=round(sum(plan.seconds), 1), desc="align", unit="s", disable=hidden) as bar:
        for index, fresh in done:
            bar.update(plan.seconds[index])
            yield index, fresh


def finish(arguments: argparse.Namespace, findings: Iterable[Finding]) -> dict:
    """Write the manifest, TextGrids and report; names rows that are left out on stderr."""
    from affecttts.data.alignment.writing import write_aligned, write_report

    told = iter(range(NAMED))

    def tell(line: str) -> None:
        if next(told, None) is not None:
            print(f"affecttts: {line}", file=sys.stderr)

    summary = write_aligned(
        findings, arguments.manifest, arguments.output, arguments.textgrids, tell
    )
    report = {"manifest": str(arguments.manifest), **summary.to_dict()}
    if arguments.report:
        write_report(report, arguments.report)
    return report
