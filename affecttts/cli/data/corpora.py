"""`affecttts data corpora`: the corpora that can be imported."""

from __future__ import annotations

import argparse

from affecttts.cli.output import add_json, print_json


def add_to(actions) -> None:
    """Add the action to `affecttts data`."""
    parser = actions.add_parser(
        "corpora", help="list the corpora that can be imported", allow_abbrev=False
    )
    add_json(parser, "an array of the corpora")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
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
