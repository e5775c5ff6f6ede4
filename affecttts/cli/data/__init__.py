"""`affecttts data`: check and align a manifest, import a corpus, list the corpora."""

from __future__ import annotations

from affecttts.cli.data import align, check, corpora, import_corpus


def add_to(commands) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser(
        "data", help="check and align manifests, import corpora", allow_abbrev=False
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in (check, align, import_corpus, corpora):
        module.add_to(actions)
