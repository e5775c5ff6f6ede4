"""Verify the shards of encode_corpus.py as one set, and export them.

    python recipes/merge_tokens.py --manifest corpus/manifest.jsonl --tokens runs/tokens
    python recipes/merge_tokens.py ... --rehash --parquet tokens.parquet --webdataset tokens-tar

Counts, ids, order, hashes of the shards and the codec must agree; --rehash compares every audio
file too. What is wrong is named with the shard to encode again; TOKENS/merged.json lists a set that
is right.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.codes.encode import Item
from affecttts.data.codes.merge import export_parquet, export_webdataset, merge_shards


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--tokens", type=Path, required=True, help="folder of the shards")
    parser.add_argument(
        "--rehash", action="store_true", help="compare the hash of every audio file"
    )
    parser.add_argument(
        "--parquet", type=Path, metavar="FILE", help="export everything into one Parquet file"
    )
    parser.add_argument(
        "--webdataset",
        type=Path,
        metavar="DIR",
        help="export everything into a folder of tar files",
    )
    arguments = parser.parse_args()
    for target in filter(None, (arguments.parquet, arguments.webdataset)):
        if target.exists():
            parser.error(f"{target} exists; remove it or give another name")
    with tqdm(desc="merge", unit="clip", disable=not sys.stderr.isatty()) as bar:
        merged = merge_shards(
            arguments.tokens, arguments.manifest, arguments.rehash, lambda item: bar.update()
        )
    counts = f"{merged['rows']} utterances, {merged['hours']:.2f} hours, {merged['frames']} frames"
    print(f"{arguments.tokens}: {counts}, codec {merged['codec']}")
    _export("parquet", export_parquet, arguments, arguments.parquet)
    _export("webdataset", export_webdataset, arguments, arguments.webdataset)


def _export(name: str, export, arguments: argparse.Namespace, target: Path | None) -> None:
    if target is None:
        return

    def advance(item: Item) -> None:
        bar.update()

    with tqdm(desc=name, unit="clip", disable=not sys.stderr.isatty()) as bar:
        rows = export(arguments.tokens, arguments.manifest, target, advance)
    print(f"{target}: {rows} utterances")


if __name__ == "__main__":
    sys.exit(run_script(main))
