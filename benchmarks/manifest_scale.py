"""Do checking and shard planning stay linear and small with a million rows? No audio is decoded:
what is found is made up.

    python benchmarks/manifest_scale.py --rows 1000000

Prints processor time and memory at a quarter of the rows and at all of them, each in a fresh
process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from affecttts.data.checking.check import Examined, Job, judge_manifest
from affecttts.data.checking.fact_store import FactStore
from affecttts.data.checking.measure import AudioFacts
from affecttts.data.checking.summary import Summary
from affecttts.data.codes.encode import ShardPlan

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "surprised", "disgusted")
PHONES = "ðɪs ɪz ðə sˈɛntəns." * 2
SHARDS = 64


def make_up(jobs: list[Job]) -> list[Examined]:
    """Facts that differ from row to row."""
    digests = [f"{round(job.start * 1000):016x}" for job in jobs]
    return [
        Examined(AudioFacts(24_000, 1, job.seconds, 0.5, 0.0, 0.1, -23.0, digest))
        for job, digest in zip(jobs, digests)
    ]


def write_rows(folder: Path, count: int) -> Path:
    """A manifest whose rows are parts of one file, with a sentence, phones and durations."""
    (folder / "a.wav").touch()
    with open(folder / "m.jsonl", "w", encoding="utf-8") as file:
        for i in range(count):
            row = {
                "schema": 2,
                "id": f"corpus-{i:08d}",
                "path": "a.wav",
                "speaker": f"speaker{i % 2000}",
                "seconds": 3.0,
                "start": i / 1000,
                "split": "train",
                "language": "en",
                "text": f"This is sentence {i} and no other.",
                "ipa": PHONES,
                "durations": [0.075] * (len(PHONES) + 2),
                "emotion": EMOTIONS[i % 8],
                "vad": [0.1, 0.2, 0.3],
                "licence": "CC0-1.0",
            }
            file.write(json.dumps(row) + "\n")
    return folder / "m.jsonl"


def measure(step: str, manifest: Path) -> dict[str, float]:
    """Processor seconds and peak memory of one step in this process."""
    started = time.process_time()
    if step == "plan":
        plan = ShardPlan([manifest], SHARDS)
        rows = sum(map(plan.size, range(SHARDS)))
    else:
        summary = Summary()
        for verdict in judge_manifest(
            manifest, FactStore(manifest.with_suffix(".checked")), examine=make_up
        ):
            summary.add(verdict)
        rows = summary.kept
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )
    return {"rows": rows, "seconds": time.process_time() - started, "megabytes": megabytes}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--step", nargs=2, metavar=("STEP", "MANIFEST"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(measure(arguments.step[0], Path(arguments.step[1]))))
        return
    print("| step | rows | seconds | microseconds a row | peak MB |\n|---|---|---|---|---|")
    for rows in (arguments.rows // 4, arguments.rows):
        with tempfile.TemporaryDirectory() as folder:
            manifest = write_rows(Path(folder), rows)
            for step in ("check", "check again", "plan"):
                command = [sys.executable, __file__, "--step", step, str(manifest)]
                found = json.loads(
                    subprocess.run(command, check=True, capture_output=True, text=True).stdout
                )
                assert found["rows"] == rows, "rows were lost"
                each = found["seconds"] / rows * 1e6
                print(
                    f"| {step} | {rows} | {found['seconds']:.0f} | {each:.0f} | "
                    f"{found['megabytes']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
