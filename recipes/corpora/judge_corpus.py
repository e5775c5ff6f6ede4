"""How good does a corpus sound? DistillMOS and DNSMOS of its clips by emotion, or by speaker.

    python recipes/corpora/judge_corpus.py --manifest corpus/emotive/manifest.jsonl

The same clips are drawn every time. Words: `affecttts evaluate tts --manifest M`, whose report has
those of the recordings too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from affecttts.cli.script import run_script, script_parser
from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.report.terminal import print_table, progress
from affecttts.evaluation.stats.bootstrap import interval
from codec.audio import read_samples

LEAST_SECONDS = 1.0  # shorter clips tell the judges too little


def drawn(rows: list[Utterance], by: str, limit: int) -> dict[str, list[Utterance]]:
    """Up to `limit` clips of every emotion or speaker.

    Raises:
        RequestError: no row has it.
    """
    groups: dict[str, list[Utterance]] = {}
    for row in rows:
        if (group := getattr(row, by)) and row.seconds >= LEAST_SECONDS:
            groups.setdefault(group, []).append(row)
    if not groups:
        raise RequestError(f"no clip of {LEAST_SECONDS:g} s or more names its {by}")
    return {
        group: [found[i] for i in np.random.default_rng(0).permutation(len(found))[:limit]]
        for group, found in sorted(groups.items())
    }


def parse() -> argparse.Namespace:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", type=Path, required=True, metavar="M", help="of the corpus")
    parser.add_argument("--by", choices=("emotion", "speaker"), default="emotion")
    parser.add_argument("--limit", type=int, default=24, help="clips a group (default 24)")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    groups = drawn(list(read_manifest(arguments.manifest)), arguments.by, arguments.limit)
    judges = (NaturalnessJudge(), SoundJudge())
    table = []
    for group, rows in groups.items():
        scores: list[tuple[float, ...]] = []
        for row in progress(rows, group):
            path = audio_path(arguments.manifest, row)
            audio, rate = read_samples(path, row.start, row.seconds)
            scores.append(tuple(judge(audio.mean(axis=1), rate) for judge in judges))
        table.append([group, len(rows), *map(interval, zip(*scores, strict=True))])
    print_table(
        f"{arguments.manifest}, 95 % intervals",
        [arguments.by, "n", *(judge.name for judge in judges)],
        table,
    )


if __name__ == "__main__":
    sys.exit(run_script(main))
