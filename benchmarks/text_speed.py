"""How fast is text read? Processor time of the front end on a megabyte, on 20,000 characters and on
one sentence, and of `affecttts explain` from a cold start.

    python benchmarks/text_speed.py
    python benchmarks/text_speed.py --text BOOK.txt --repeats 9

Without a text, the sentences of `peer_sentences.jsonl` are read, again and again. The megabyte is
written out and cut into pieces; the others get phones as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from affecttts.evaluation.report.terminal import print_table

SENTENCES = Path(__file__).parent / "peer_sentences.jsonl"
SENTENCE = "Dr. Lee paid $5.99 on 3/4/2025."


def prose(characters: int) -> str:
    """That many characters of the sentences of this repository, a paragraph for each."""
    lines = SENTENCES.read_text("utf-8").strip().split("\n")
    together = "".join(json.loads(line)["text"] + "\n\n" for line in lines)
    return (together * (characters // len(together) + 1))[:characters]


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Processor seconds of each of several runs, after one to warm up."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return taken


def cold_start(repeats: int) -> list[float]:
    """Processor seconds of `affecttts explain` as a process of its own."""
    command = [sys.executable, "-m", "affecttts", "explain", "--text", SENTENCE]
    taken = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return taken


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help="a text of a megabyte or less")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs of each")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    from affecttts.text import normalize, read, split_text

    options, load = parse(), os.getloadavg()[0]
    text = options.text.read_text("utf-8")[:1_000_000] if options.text else prose(1_000_000)
    page = text[:20_000]
    rows = {
        f"{len(text):,} characters, words and pieces": seconds(
            lambda: split_text(normalize(text)), options.repeats
        ),
        f"{len(page):,} characters, words, pieces and phones": seconds(
            lambda: read(page), options.repeats
        ),
        "a sentence of 31 characters, phones as well": seconds(
            lambda: read(SENTENCE), 10 * options.repeats
        ),
        "affecttts explain, cold": cold_start(options.repeats),
    }
    print_table(
        f"Processor time in ms, one thread; load average before {load:.1f} (should be near 0)",
        ["what", "n", "median", "least", "most"],
        [
            [
                what,
                len(taken),
                *(f"{1000 * t:.1f}" for t in (median(taken), min(taken), max(taken))),
            ]
            for what, taken in rows.items()
        ],
    )


if __name__ == "__main__":
    main()
