"""Codecs' copies of a manifest's clips against the originals, beside a perfect copy and a wrong
one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.codec.judges import CodecPanel
from affecttts.evaluation.codec.metric import Metric, Pair, missing
from affecttts.evaluation.codec.summary import CEILING, FLOOR, Measured, summarize
from affecttts.evaluation.codec.systems import Absent, Aligned, Coded, System
from affecttts.evaluation.judges.declarations import declared
from codec.atomic import append_line, sweep, whole_lines
from codec.audio import load_audio
from codec.files import write_json

ITEMS_NAME, REPORT_NAME, PAGE_NAME = "items.jsonl", "report.json", "report.html"
# Hz at which everything is compared; a codec of another rate resamples, and pays for the band it
# lacks
RATE = 24000
PROBES = 2  # clips on which a codec's delay is measured
SAMPLE = 3  # clips of the page


def chosen(manifest: Path, limit: int) -> list[Utterance]:
    """At most `limit` clips of the test split, of all splits where there is none, spread evenly.

    Raises:
        RequestError: no manifest, or fewer than two clips, of which none could stand for the other.
    """
    rows = list(read_manifest(manifest))
    rows = [row for row in rows if row.split == "test"] or rows
    if min(len(rows), limit) < 2:
        raise RequestError(
            f"{manifest}: fewer than two clips to evaluate; give more rows and "
            "--limit of at least 2"
        )
    return [rows[i] for i in _spread(len(rows), limit)]


def _spread(count: int, limit: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, limit)).round().astype(int).tolist()


def unlike(rows: list[Utterance], place: int) -> Utterance:
    """The next clip that another speaker says in other words, the nearest to that where there is
    none.
    """
    own, others = rows[place], rows[place + 1 :] + rows[:place]
    return max(
        others,
        key=lambda row: (row.speaker != own.speaker) + (row.text is None or row.text != own.text),
    )


@dataclass(frozen=True)
class Clips:
    """The originals."""

    manifest: Path
    rows: list[Utterance]

    def audio(self, row: Utterance) -> np.ndarray:
        """float32 [T] at RATE."""
        return load_audio(audio_path(self.manifest, row), RATE, row.start, row.seconds).samples

    @cached_property
    def probes(self) -> list[np.ndarray]:
        """Originals for measuring delays."""
        return [self.audio(row) for row in self.rows[:PROBES]]


def evaluate_codec(
    manifest: Path,
    systems: Sequence[System | Absent],
    limit: int,
    folder: Path,
    progress: Callable[[list], Iterable] = iter,
    panel: CodecPanel | None = None,
) -> dict:
    """Measure clip by clip, keeping each in `folder`, and write report and page; goes on where it
    was interrupted.

    Systems may be added to a report later, and so may packages that metrics need and judges. Other
    systems are compared with the first.

    Raises:
        RequestError: no clips, two systems of one name, or the folder holds another evaluation.
    """
    clips = Clips(manifest, chosen(manifest, limit))
    present = _present(systems)
    panel = panel or CodecPanel()
    usable = [metric for metric in panel.metrics if not missing(metric)]
    folder.mkdir(parents=True, exist_ok=True)
    identities = {CEILING: "", FLOOR: ""} | {system.name: system.identity for system in present}
    source = {"manifest": str(manifest), "clips": [row.id for row in clips.rows]}
    items = Items(folder / ITEMS_NAME, source, identities)
    aligned = {system.name: Aligned(system, clips.probes, RATE) for system in present}
    for place in progress(list(range(len(clips.rows)))):
        _measure(clips, place, aligned, usable, items)
    measured = Measured(clips.rows, items.values, [system.name for system in present])
    report = source | summarize(measured, usable, present)
    report["delay, ms"] = {name: 1000 * system.delay_seconds for name, system in aligned.items()}
    report["missing"] = {
        metric.name: missing(metric) for metric in panel.metrics if missing(metric)
    }
    report |= {"judges": declared(panel.cards), "alarms": list(panel.alarms)}
    report["absent"] = {
        system.name: system.cure for system in systems if isinstance(system, Absent)
    }
    write_json(folder / REPORT_NAME, report)
    _write_page(folder / PAGE_NAME, report, clips, aligned)
    return report


def _present(systems: Sequence[System | Absent]) -> list[System]:
    names = [system.name for system in systems]
    if len(set(names)) < len(names):
        raise RequestError(
            f"two codecs are named {max(names, key=names.count)}; give one another "
            "name: --codec NAME=DIR"
        )
    return [system for system in systems if not isinstance(system, Absent)]


def _measure(
    clips: Clips, place: int, aligned: dict[str, Aligned], metrics: list[Metric], items: Items
) -> None:
    """All that is not yet known of one clip."""
    row, wanted = clips.rows[place], {metric.name for metric in metrics}
    todo = [name for name in (CEILING, *aligned, FLOOR) if not wanted <= items.known(row.id, name)]
    if not todo:
        return
    audio = clips.audio(row)
    for name in todo:
        started = time.perf_counter()
        if name in aligned:
            coded, elapsed = aligned[name].code(audio, RATE), time.perf_counter() - started
        else:
            wrong = (
                audio
                if name == CEILING
                else np.resize(clips.audio(unlike(clips.rows, place)), len(audio))
            )
            coded, elapsed = Coded(wrong), None
        pair = Pair(audio, coded.audio, RATE, row, coded.bits, elapsed)
        values = {metric.name: _finite(metric.measure(pair)) for metric in metrics}
        items.add(row.id, name, values, None if coded.codes is None else coded.codes.tolist())


def _finite(score: float | tuple[float, float]) -> float | list[float] | None:
    if isinstance(score, tuple):
        return list(score)
    return score if math.isfinite(score) else None


class Items:
    """What was measured, a line for each clip and system; a line cut off by a kill is dropped."""

    def __init__(self, path: Path, settings: dict, identities: dict[str, str]) -> None:
        self._path, self._identities = path, identities
        # (clip, system) -> {"values": .., "codes": ..}
        self.values: dict[tuple[str, str], dict] = {}
        sweep(path.parent)
        head, lines = json.dumps(settings), whole_lines(path)
        if not lines:
            append_line(path, head)
        elif lines[0] != head:
            raise RequestError(
                f"{path.parent}: holds the evaluation of other clips; give another --report"
            )
        for item in map(json.loads, lines[1:]):
            if identities.get(item["system"], item["identity"]) != item["identity"]:
                reason = f"holds the evaluation of another codec under the name {item['system']}"
                raise RequestError(
                    f"{path.parent}: {reason}; give another --report, or another "
                    "name: --codec NAME=DIR"
                )
            self.values[item["id"], item["system"]] = item

    def known(self, clip: str, system: str) -> set[str]:
        """Names of the metrics measured."""
        return set(self.values.get((clip, system), {"values": ()})["values"])

    def add(self, clip: str, system: str, values: dict, codes: list | None) -> None:
        """Keep one line."""
        item = {
            "id": clip,
            "system": system,
            "identity": self._identities[system],
            "values": values,
            "codes": codes,
        }
        append_line(self._path, json.dumps(item))
        self.values[clip, system] = item


def _write_page(path: Path, report: dict, clips: Clips, aligned: dict[str, Aligned]) -> None:
    from affecttts.evaluation.codec.page import Sample, write_codec_page

    rows = [clips.rows[i] for i in _spread(len(clips.rows), SAMPLE)]
    originals = [clips.audio(row) for row in rows]
    copies = [
        {name: system.code(audio, RATE).audio for name, system in aligned.items()}
        for audio in originals
    ]
    sample = [
        Sample(row, {CEILING: audio} | copy)
        for row, audio, copy in zip(rows, originals, copies, strict=True)
    ]
    write_codec_page(path, report, sample, RATE)
