"""`affecttts data`: check a manifest, import a corpus, list the corpora."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import check_output
from affecttts.errors import OutputError, RequestError
from affecttts.machine import usable_cpus

if TYPE_CHECKING:
    from affecttts.data.checking.check import Verdict
    from affecttts.data.checking.summary import Summary
    from affecttts.data.corpora.importer import ImportResult
    from affecttts.data.corpora.reading import Reading
    from affecttts.data.corpora.spec import Corpus
    from affecttts.data.manifest import Utterance

CACHE_SUFFIX = ".checked"
REPORT_NAME = "report.json"
OWN_OPTIONS = ("table", "speaker", "language", "licence")
IMPORT_EXAMPLE = "example: affecttts data import crema-d CREMA-D --output crema-d.jsonl"
CHECK_EXAMPLE = (
    "example: affecttts data check corpus/manifest.jsonl --report report --kept corpus/clean.jsonl"
)


def add_to(commands) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("data", help="check manifests, import corpora", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_check(actions)
    _add_import(actions)
    _add_corpora(actions)


# -- check
def _add_check(actions) -> None:
    parser = actions.add_parser(
        "check",
        help="open every file of a manifest and report",
        epilog=CHECK_EXAMPLE,
        allow_abbrev=False,
        description="Exit code 3 where rows are rejected. Run again after an interruption, it "
        "goes on where it stopped.",
    )
    parser.add_argument("manifest", type=Path, help="JSONL manifest")
    parser.add_argument("--json", metavar="OUT", type=Path, help="write the report as JSON")
    parser.add_argument(
        "--report",
        metavar="DIR",
        type=Path,
        help="write report.json, report.txt and plots into a folder",
    )
    parser.add_argument(
        "--kept", metavar="M", type=Path, help="write the rows that are not rejected as a manifest"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=usable_cpus(),
        help="processes (default: all cores)",
    )
    parser.add_argument(
        "--cache",
        metavar="FILE",
        type=Path,
        help=f"what is measured so far (default: MANIFEST{CACHE_SUFFIX})",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no table")
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from affecttts.data.checking.check import judge_manifest
    from affecttts.data.checking.fact_store import FactStore
    from affecttts.data.checking.report import check_plots, render
    from affecttts.data.checking.summary import Summary

    if not arguments.manifest.is_file():
        raise RequestError(f"{arguments.manifest}: no such file; give a JSONL manifest")
    for target in (arguments.json, arguments.kept):
        if target:
            check_output(str(target), arguments.force)
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
    _write_reports(arguments, report)
    if not arguments.quiet:
        print(render(report), flush=True)
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
        verdict.row.utterance for verdict in verdicts if not verdict.reason
    )
    if arguments.kept is None:
        for _ in kept:
            pass
        return
    write_manifest(
        arguments.kept, (moved(utterance, arguments.manifest, arguments.kept) for utterance in kept)
    )


def _write_reports(arguments: argparse.Namespace, report: dict) -> None:
    from affecttts.data.checking.report import plot, render
    from codec.atomic import atomic_file
    from codec.files import write_json

    try:
        if arguments.json:
            write_json(arguments.json, report)
        if arguments.report:
            arguments.report.mkdir(parents=True, exist_ok=True)
            with atomic_file(arguments.report / "report.txt") as temporary:
                temporary.write_text(render(report) + "\n", encoding="utf-8")
            plot(report, arguments.report)
            # last: a report that is there is whole
            write_json(arguments.report / REPORT_NAME, report)
    except OSError as error:
        raise OutputError(f"{error.filename}: cannot be written ({error.strerror})") from error


# -- import
def _add_import(actions) -> None:
    parser = actions.add_parser(
        "import",
        help="write the manifest of a corpus on your disk",
        epilog=IMPORT_EXAMPLE,
        allow_abbrev=False,
        description="Nothing is downloaded; `affecttts data corpora` says where to ask. Exit code "
        "3 where files are rejected.",
    )
    parser.add_argument(
        "corpus",
        metavar="NAME",
        help="see `affecttts data corpora`; `folder` for audio of your own",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the corpus lies")
    parser.add_argument("--output", metavar="M", type=Path, required=True, help="manifest to write")
    parser.add_argument(
        "--labels",
        metavar="FILE",
        type=Path,
        help="YAML or JSON: labels -> emotions, over those built in",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    own = parser.add_argument_group("for NAME folder alone")
    own.add_argument(
        "--table",
        metavar="FILE",
        type=Path,
        help="CSV, TSV or JSONL with a path column (default: metadata.*)",
    )
    own.add_argument("--speaker", help="speaker where neither table nor folders name one")
    own.add_argument("--language", help="language of the texts, such as en (default)")
    own.add_argument("--licence", help="licence of the recordings, an SPDX name")
    parser.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from affecttts.data.corpora import import_corpus
    from affecttts.data.corpora.spec import read_labels

    corpus, reading = _corpus(arguments)
    check_output(str(arguments.output), arguments.force)
    labels = read_labels(arguments.labels) if arguments.labels else None
    hidden = arguments.quiet or not sys.stderr.isatty()
    with tqdm(desc=corpus.name, unit="file", disable=hidden) as bar:
        result = import_corpus(
            corpus, arguments.folder, arguments.output, labels, reading, bar.update
        )
    _tell(arguments, corpus, result)
    return 3 if result.rejected else 0


def _corpus(arguments: argparse.Namespace) -> tuple[Corpus, Reading]:
    """The corpus and how to read it, with the options for a folder of one's own."""
    from dataclasses import replace

    from affecttts.data.corpora.reading import Reading
    from affecttts.data.corpora.spec import OWN_FOLDER, get_corpus

    corpus = get_corpus(arguments.corpus)
    given = {name: value for name in OWN_OPTIONS if (value := getattr(arguments, name)) is not None}
    if given and corpus.name != OWN_FOLDER:
        raise RequestError(
            f"--{next(iter(given))} is for `import {OWN_FOLDER}` alone; "
            f"{corpus.name} says it itself"
        )
    reading = Reading(
        arguments.table, **({"speaker": arguments.speaker} if arguments.speaker else {})
    )
    return replace(
        corpus, **{name: given[name] for name in ("language", "licence") if name in given}
    ), reading


def _tell(arguments: argparse.Namespace, corpus: Corpus, result: ImportResult) -> None:
    from affecttts.cli.output import print_json
    from affecttts.data.lineage import forbids_commerce

    commercial = not forbids_commerce(corpus.licence)
    if arguments.json:
        values = vars(result) | {
            "speakers": len(result.speakers),
            "licence": corpus.licence,
            "commercial_use": commercial,
        }
        print_json(values)
    elif not arguments.quiet:
        hours, speakers = result.seconds / 3600, len(result.speakers)
        print(
            f"{arguments.output}: {result.rows} rows, {hours:.2f} hours, {speakers} speakers, "
            f"{result.texts} texts"
        )
        print(f"  emotions: {_listed(result.emotions)}\n  splits: {_listed(result.splits)}")
        print(
            f"  licence: {corpus.licence or 'unstated'}"
            + ("" if commercial else ", which forbids commercial use"),
            flush=True,
        )
        for reason, count in result.rejected.items():
            print(
                f"affecttts: {count} files rejected, {reason}: "
                f"{', '.join(result.examples[reason])}",
                file=sys.stderr,
            )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


# -- corpora
def _add_corpora(actions) -> None:
    parser = actions.add_parser(
        "corpora", help="list the corpora that can be imported", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.set_defaults(run=_corpora)


def _corpora(arguments: argparse.Namespace) -> int:
    from affecttts.cli.output import print_json
    from affecttts.data.corpora import load_corpora
    from affecttts.data.lineage import forbids_commerce

    rows = [
        {
            "name": corpus.name,
            "title": corpus.title,
            "ask": corpus.ask,
            "language": corpus.language,
            "layout": corpus.layout,
            "licence": corpus.licence,
            "commercial_use": corpus.licence and not forbids_commerce(corpus.licence),
        }
        for corpus in load_corpora().values()
    ]
    if arguments.json:
        print_json(rows)
        return 0
    for row in rows:
        use = "" if row["commercial_use"] in (True, None) else ", no commercial use"
        lines = (
            row["title"],
            f"{row['licence'] or 'your licence'}{use}; ask {row['ask']}",
            row["layout"],
        )
        print("\n".join(f"{name:<13}{line}" for name, line in zip((row["name"], "", ""), lines)))
    return 0
