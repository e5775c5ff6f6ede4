"""A codec's copies of a manifest's clips against the originals, beside a perfect copy and a wrong one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.fidelity import (
    HOP_SECONDS, compare_pitch, level_correlation, log_spectral_distance_db, mel_distance_db, pesq_wide_band, si_sdr_db, stoi,
)  # fmt: skip
from affecttts.evaluation.intervals import Interval, interval
from affecttts.evaluation.pitch import track_f0
from affecttts.evaluation.summary import markdown_table, show
from codec import Codec
from codec.audio import load_audio
from codec.serialization import fingerprint, write_json

ITEMS_NAME, REPORT_NAME = "items.jsonl", "report.json"
CEILING, FLOOR, CODEC = "perfect copy", "another clip", "codec"
INSTALL = "pip install 'affecttts[eval]'"


@dataclass(frozen=True)
class Metric:
    """One column of the report; `needs` are packages."""

    name: str
    unit: str
    higher_is_better: bool
    needs: tuple[str, ...]
    measure: Callable[[np.ndarray, np.ndarray, int], float]  # of original [T], copy [T] and Hz


def _pitch(part: int) -> Callable[[np.ndarray, np.ndarray, int], float]:
    return lambda a, b, rate: compare_pitch(_f0(a.tobytes(), rate), _f0(b.tobytes(), rate))[part]


@lru_cache(maxsize=4)  # three metrics ask for the tracks of the same two signals
def _f0(audio: bytes, sample_rate: int) -> np.ndarray:
    return track_f0(np.frombuffer(audio, dtype=np.float32), sample_rate)


METRICS = (
    Metric("PESQ-WB", "", True, ("pesq",), pesq_wide_band),
    Metric("STOI", "", True, ("pystoi",), stoi),
    Metric("ESTOI", "", True, ("pystoi",), lambda a, b, rate: stoi(a, b, rate, extended=True)),
    Metric("SI-SDR", "dB", True, (), lambda a, b, rate: si_sdr_db(a, b)),
    Metric("mel distance", "dB", False, ("librosa",), mel_distance_db),
    Metric("log spectral distance", "dB", False, (), lambda a, b, rate: log_spectral_distance_db(a, b)),
    Metric("log-F0 correlation", "", True, (), _pitch(0)),
    Metric("F0 error", "cents", False, (), _pitch(1)),
    Metric("voicing errors", "%", False, (), _pitch(2)),
    Metric("level correlation", "", True, (), lambda a, b, rate: level_correlation(a, b, round(HOP_SECONDS * rate))),
)


def missing(metric: Metric) -> str:
    """How to install what the metric lacks; empty where nothing is."""
    return INSTALL if any(find_spec(package) is None for package in metric.needs) else ""


def chosen(manifest: Path, limit: int) -> list[Utterance]:
    """At most `limit` clips of the test split, of all splits where there is none, spread evenly.

    Raises:
        RequestError: no manifest, or fewer than two clips, of which none could stand for the other.
    """
    rows = list(read_manifest(manifest))
    rows = [row for row in rows if row.split == "test"] or rows
    if min(len(rows), limit) < 2:
        raise RequestError(f"{manifest}: fewer than two clips to evaluate; give more rows and --limit of at least 2")
    return [rows[i] for i in np.linspace(0, len(rows) - 1, min(limit, len(rows))).round().astype(int)]


def unlike(rows: list[Utterance], place: int) -> Utterance:
    """The next clip that another speaker says in other words, the nearest to that where there is none."""
    own, others = rows[place], rows[place + 1 :] + rows[:place]
    return max(others, key=lambda row: (row.speaker != own.speaker) + (row.text is None or row.text != own.text))


def evaluate_codec(
    manifest: Path, codec_folder: Path, limit: int, folder: Path, progress: Callable[[list], Iterable] = iter
) -> dict:
    """Measure clip by clip, keeping each in `folder`, and write the report; goes on where it was interrupted.

    Raises:
        RequestError: no clips, or the folder holds another evaluation.
    """
    rows = chosen(manifest, limit)
    settings = {"manifest": str(manifest), "codec": fingerprint(codec_folder, decoder=True), "clips": [row.id for row in rows]}
    folder.mkdir(parents=True, exist_ok=True)
    done = _resume(folder / ITEMS_NAME, settings)
    codec = Codec.from_pretrained(codec_folder)
    usable = [metric for metric in METRICS if not missing(metric)]
    with open(folder / ITEMS_NAME, "a", encoding="utf-8") as file:
        for place in progress([i for i, row in enumerate(rows) if row.id not in done]):
            values = _item(codec, manifest, rows[place], unlike(rows, place), usable)
            done[rows[place].id] = values
            file.write(json.dumps({"id": rows[place].id, "values": values}) + "\n")
            file.flush()
    report = {**settings, "n": len(rows), "systems": _summary(list(done.values()))}
    report["missing"] = {metric.name: missing(metric) for metric in METRICS if missing(metric)}
    report["units"] = {metric.name: metric.unit for metric in METRICS} | {"bitrate": "kbit/s", "real-time factor": ""}
    write_json(folder / REPORT_NAME, report)
    return report


def _resume(path: Path, settings: dict) -> dict[str, dict]:
    """Items measured so far; a line cut off by a kill is dropped."""
    head = json.dumps(settings) + "\n"
    if not path.exists() or "\n" not in (text := path.read_text(encoding="utf-8")):
        path.write_text(head, encoding="utf-8")
        return {}
    if not text.startswith(head):
        raise RequestError(f"{path.parent}: holds the evaluation of another codec or other clips; give another --report")
    whole = text[: text.rindex("\n") + 1]
    path.write_text(whole, encoding="utf-8")
    return {item["id"]: item["values"] for item in map(json.loads, whole.splitlines()[1:])}


def _item(codec: Codec, manifest: Path, row: Utterance, other: Utterance, metrics: list[Metric]) -> dict[str, dict]:
    import torch

    rate = codec.config.sample_rate
    audio, wrong = (load_audio(audio_path(manifest, u), rate, u.start, u.seconds).samples for u in (row, other))
    started = time.perf_counter()
    with torch.no_grad():
        codes = codec.encode(torch.from_numpy(audio)[None, None])
        copy = codec.decode(codes.codes, codes.num_samples)[0, 0].numpy()
    seconds = len(audio) / rate
    elapsed = (time.perf_counter() - started) / seconds
    copies = {CEILING: audio, CODEC: copy, FLOOR: np.resize(wrong, len(audio))}
    scores = {name: {m.name: _finite(m.measure(audio, x, rate)) for m in metrics} for name, x in copies.items()}
    bits = codes.codes.numel() * math.log2(codec.config.codebook_size)
    scores[CODEC] |= {"bitrate": bits / seconds / 1000, "real-time factor": elapsed}
    return scores


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _summary(items: list[dict]) -> dict[str, dict]:
    table = {}
    for system in (CEILING, CODEC, FLOOR):
        table[system] = {}
        for name in items[0][system]:
            values = [item[system][name] for item in items if item[system][name] is not None]
            table[system][name] = {**interval(values)._asdict(), "n": len(values)} if values else {"n": 0}
    return table


def render(report: dict) -> str:
    """The report as a Markdown table."""
    systems, rows = report["systems"], []
    for name, unit in report["units"].items():
        if name in report["missing"]:
            rows.append([name, report["missing"][name], "", ""])
            continue
        rows.append([f"{name}, {unit}" if unit else name, *(_cell(systems[s].get(name, {})) for s in (CEILING, CODEC, FLOOR))])
    return markdown_table([f"n = {report['n']}", CEILING, CODEC, FLOOR], rows)


def _cell(values: dict) -> str:
    return f"{show(Interval(values['mean'], values['low'], values['high']))} (n={values['n']})" if values.get("n") else ""
