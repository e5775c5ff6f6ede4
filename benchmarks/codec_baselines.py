"""How does the codec compare with others at each bitrate? What `affecttts evaluate codec` measures,
as one table.

    python benchmarks/codec_baselines.py --corpus DIR
    python benchmarks/codec_baselines.py --corpus DIR --codec MODEL/codec \\
        --num-codebooks 1,2,4 --limit 20

The baselines are Opus and MP3 (libsndfile), and Codec2 and Speex where ffmpeg is there and has
them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import print_table, progress

from affecttts.evaluation.codec.judges import convene
from affecttts.evaluation.codec.page import by_bitrate
from affecttts.evaluation.codec.report import evaluate_codec
from affecttts.evaluation.codec.request import SHIPPED_NAME, CodecRequest, open_systems
from affecttts.evaluation.codec.summary import cell, titled

BASELINES = ("opus", "mp3", "codec2", "speex")
SHOWN = (
    "PESQ-WB",
    "STOI",
    "ViSQOL",
    "mel distance",
    "log-F0 correlation",
    "word errors",
    "speaker cosine",
    "emotion agreement, acoustic",
    "emotion agreement, spectral",
)


def rows_by_bitrate(report: dict) -> tuple[list[str], list[list[str]]]:
    """Columns, and a row for each codec from the lowest bitrate up."""
    names = [name for name in SHOWN if name in report["units"]]
    rows = []
    for system in by_bitrate(report):
        rate = report["bitrates"].get(system)
        cells = [cell(report["systems"][system][name], report["n"]) for name in names]
        rows.append([system, "" if rate is None else f"{rate:.3g}", *cells])
    return ["codec", "kbit/s", *(titled(report, name) for name in names)], rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder with emotive/manifest.jsonl"
    )
    parser.add_argument(
        "--codec", default=SHIPPED_NAME, help="codec folder (default: the shipped one)"
    )
    parser.add_argument(
        "--num-codebooks", default="", help="how many codebooks, as 1,2,4 (default: all)"
    )
    parser.add_argument("--limit", type=int, default=100, help="most clips (default 100)")
    parser.add_argument(
        "--report", type=Path, default=Path("codec_baselines"), help="folder of the report"
    )
    arguments = parser.parse_args(argv)
    depths = tuple(int(part) for part in arguments.num_codebooks.split(",") if part)
    systems = open_systems(CodecRequest((arguments.codec, *BASELINES), num_codebooks=depths))
    manifest = arguments.corpus / "emotive" / "manifest.jsonl"
    panel = convene(systems)
    report = evaluate_codec(
        manifest,
        systems,
        arguments.limit,
        arguments.report,
        lambda places: progress(places, "clips"),
        panel,
    )
    print_table(f"Codecs on {report['n']} clips", *rows_by_bitrate(report))
    for name, cure in report["absent"].items():
        print(f"{name}: {cure}")


if __name__ == "__main__":
    main()
