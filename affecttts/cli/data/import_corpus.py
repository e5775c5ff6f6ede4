"""`affecttts data import`: write the manifest of a corpus on disk."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import add_json, check_output, print_json
from affecttts.errors import RequestError

if TYPE_CHECKING:
    from affecttts.data.corpora.importer import ImportResult
    from affecttts.data.corpora.reading import Reading
    from affecttts.data.corpora.spec import Corpus

OWN_OPTIONS = ("table", "speaker", "language", "licence")
EXAMPLE = "example: affecttts data import crema-d CREMA-D --output crema-d.jsonl"


def add_to(actions) -> None:
    """Add the action to `affecttts data`."""
    parser = actions.add_parser(
        "import",
        help="write the manifest of a corpus on your disk",
        epilog=EXAMPLE,
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
    add_json(parser, "what was imported")
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
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import; returns the exit code."""
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
