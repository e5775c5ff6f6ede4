"""Align a manifest in shards, by many processes: resumable, and in bounded memory.

A row's shard follows from its id alone, as for codes. A shard's file holds the finding on each of
its rows under the row's key; a second run aligns only rows that are new or have changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from affecttts.data.alignment.rows import MisfitError, RowAligner
from affecttts.data.codes.encode import Item, ShardPlan, shard_of
from affecttts.data.manifest import Utterance, format_row, parse_row, read_manifest
from codec.atomic import atomic_file, recover
from codec.errors import AudioError

SHARD_SECONDS = 600.0  # of audio, about
MOST_SHARDS = 512


@dataclass(frozen=True)
class Finding:
    """A row with durations, or why it has none."""

    key: str  # of the row, its audio and the aligner
    row: Utterance | None
    reason: str = ""
    message: str = ""

    def to_json(self) -> str:
        """One line."""
        row = self.row and format_row(self.row)
        values = {"key": self.key, "row": row, "reason": self.reason, "message": self.message}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Finding:
        """What `to_json` made."""
        values = json.loads(line)
        return cls(**(values | {"row": values["row"] and parse_row(values["row"])}))


def shard_count(seconds: float) -> int:
    """How many shards so much audio is divided into."""
    return int(min(MOST_SHARDS, 1 + seconds // SHARD_SECONDS))


def shard_file(work: Path, index: int, count: int) -> Path:
    """Where the findings of a shard lie."""
    return work / f"aligned-{index:05d}-of-{count:05d}.jsonl"


def align_shard(
    aligner: RowAligner,
    items: Iterable[Item],
    path: Path,
    progress: Callable[[Item], object] = lambda item: None,
) -> int:
    """Bring the shard at `path` up to date; returns how many rows were aligned now."""
    recover(path)
    known = {finding.key: finding for finding in _findings(path)} if path.exists() else {}
    findings, fresh = [], 0
    for item in items:
        key = _key(item, aligner.name)
        if key not in known:
            known[key], fresh = _find(aligner, item, key), fresh + 1
        findings.append(known[key])
        progress(item)
    if fresh or not path.exists() or len(findings) != len(known):
        with atomic_file(path) as temporary:
            text = "".join(finding.to_json() + "\n" for finding in findings)
            temporary.write_text(text, encoding="utf-8")
    return fresh


def _key(item: Item, aligner: str) -> str:
    try:
        audio = item.key()[1]
    except (OSError, AudioError, ValueError):
        audio = "missing"
    named = f"{aligner}\0{format_row(item.utterance)}\0{audio}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def _find(aligner: RowAligner, item: Item, key: str) -> Finding:
    try:
        return Finding(key, aligner(item.utterance, item.audio(aligner.sample_rate)))
    except MisfitError as error:
        return Finding(key, None, error.reason, str(error))
    except AudioError as error:
        return Finding(key, None, f"audio {error.kind}", f"{item.utterance.id}: {error}")


def _findings(path: Path) -> Iterator[Finding]:
    with path.open(encoding="utf-8") as lines:
        yield from map(Finding.from_json, lines)


# -- many processes
_HERE: dict[str, RowAligner] = {}  # of a worker process


def _start(folder: Path) -> None:
    import torch

    torch.set_num_threads(1)
    _HERE["aligner"] = RowAligner.load(folder)


def _work(items: list[Item], path: Path) -> int:
    return align_shard(_HERE["aligner"], items, path)


def align_shards(
    plan: ShardPlan, shards: Iterable[int], folder: Path, work: Path, workers: int
) -> Iterator[tuple[int, int]]:
    """Bring shards up to date; yields each one's number and how many of its rows were aligned now.

    Args:
        folder: of a saved `RowAligner`.
        work: folder of the shards.
        workers: processes.
    """
    if workers == 1:
        aligner = RowAligner.load(folder)
        for index in shards:
            yield (
                index,
                align_shard(aligner, plan.items(index), shard_file(work, index, plan.count)),
            )
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(folder,)) as pool:
        waiting = {
            pool.submit(_work, list(plan.items(index)), shard_file(work, index, plan.count)): index
            for index in shards
        }
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def merged(manifest: Path, work: Path, count: int) -> Iterator[Finding]:
    """The findings on the rows of a manifest, in its order; all shards are up to date."""
    with ExitStack() as stack:
        shards = [_findings(shard_file(work, index, count)) for index in range(count)]
        for shard in shards:
            stack.callback(shard.close)
        for utterance in read_manifest(manifest):
            yield next(shards[shard_of(utterance.id, count)])


def sample(plan: ShardPlan, most: int, seed: int = 0) -> list[Item]:
    """At most so many rows of a plan, at random but the same each time."""
    sizes = [plan.size(index) for index in range(plan.count)]
    total = sum(sizes)
    chosen = set(np.random.default_rng(seed).permutation(total)[:most].tolist())
    numbered = (item for index in range(plan.count) for item in plan.items(index))
    return [item for number, item in enumerate(numbered) if number in chosen]
