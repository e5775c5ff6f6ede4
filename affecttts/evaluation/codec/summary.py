"""From values per clip to a report: means with intervals, comparisons, codebooks, emotions one by
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affecttts.data.manifest import Utterance
from affecttts.evaluation.codec.emotion_retention import DIMENSIONS
from affecttts.evaluation.codec.metric import EMOTION, Metric
from affecttts.evaluation.codec.systems import System
from affecttts.evaluation.stats.bootstrap import Interval, ends, ratio_interval, resamples
from affecttts.evaluation.stats.paired import Comparison, compare
from affecttts.evaluation.stats.summary import markdown_table, show

CEILING, FLOOR = "perfect copy", "another clip"
FEWEST_FOR_CORRELATION = 10


@dataclass(frozen=True)
class Measured:
    """Values of clips and systems."""

    rows: list[Utterance]
    items: dict[tuple[str, str], dict]  # (clip, system) -> {"values": .., "codes": ..}
    systems: list[str]

    def scores(
        self, system: str, metric: str, emotion: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What is counted and over what [N], one per clip, not-a-number where unknown."""
        clips = [row.id for row in self.rows if emotion in (None, row.emotion)]
        values = [self.items[clip, system]["values"][metric] for clip in clips]
        pairs = [
            (np.nan, 1.0) if v is None else v if isinstance(v, list) else (v, 1.0) for v in values
        ]
        return tuple(np.array(pairs, dtype=float).reshape(-1, 2).T)


def summarize(measured: Measured, metrics: Sequence[Metric], systems: Sequence[System]) -> dict:
    """The numbers of a report; a system that declares its bitrate keeps it where none was
    measured.
    """
    everyone = [CEILING, *measured.systems, FLOOR]
    table = {
        system: {m.name: _mean(*measured.scores(system, m.name)) for m in metrics}
        for system in everyone
    }
    emotions = sorted({row.emotion for row in measured.rows if row.emotion})
    broken_down = [metric for metric in metrics if metric.by_emotion]
    return {
        "n": len(measured.rows),
        "systems": table,
        "bitrates": {
            system.name: table[system.name].get("bitrate", {}).get("mean", system.bitrate)
            for system in systems
        },
        "units": {metric.name: metric.unit for metric in metrics},
        "higher is better": {metric.name: metric.higher_is_better for metric in metrics},
        "groups": {metric.name: metric.group for metric in metrics},
        "comparisons": _comparisons(measured, metrics),
        "losses": _losses(measured, metrics),
        "by emotion": {
            m.name: {
                s: {e: _mean(*measured.scores(s, m.name, e)) for e in emotions}
                for s in measured.systems
            }
            for m in broken_down
        },
        "correlations": {
            m.name: _correlations(measured, m.name)
            for m in metrics
            if m.higher_is_better is None and m.group == EMOTION
        },
        "codebooks": {
            system.name: books for system in systems if (books := _codebooks(measured, system))
        },
    }


def _mean(top: np.ndarray, bottom: np.ndarray) -> dict:
    known = np.isfinite(top) & (bottom > 0)
    if not known.any():
        return {"n": 0}
    return {**ratio_interval(top[known], bottom[known])._asdict(), "n": int(known.sum())}


def _comparisons(measured: Measured, metrics: Sequence[Metric]) -> dict:
    """Every further system minus the first, on the same clips."""
    if len(measured.systems) < 2:
        return {}
    first, *others = measured.systems
    judged = [metric.name for metric in metrics if metric.higher_is_better is not None]
    table: dict[str, dict] = {}
    for other in others:
        found = {}
        for name in judged:
            result = _paired(measured, other, first, name)
            if result.n:
                found[name] = result._asdict()
        table[other] = found
    return {"reference": first, "systems": table}


def _losses(measured: Measured, metrics: Sequence[Metric]) -> dict:
    """Copies minus originals, clip by clip, by what hears a copy alone."""
    return {
        system: {
            metric.name: result._asdict()
            for metric in metrics
            if metric.of_copy
            for result in [_paired(measured, system, CEILING, metric.name)]
            if result.n
        }
        for system in measured.systems
    }


def _paired(measured: Measured, system: str, base: str, metric: str) -> Comparison:
    """System minus base on the clips of which both are known over the same count."""
    (top, weight), (other, weight_of_other) = (
        measured.scores(name, metric) for name in (system, base)
    )
    return compare(top, other, np.where(weight == weight_of_other, weight, 0))


def _correlations(measured: Measured, metric: str) -> dict:
    """Of what a judge hears in copies with what it hears in the originals, and with the manifest's
    labels.
    """
    original = measured.scores(CEILING, metric)[0]
    axis = DIMENSIONS.index(metric.split(",")[0])
    labels = np.array([row.vad[axis] if row.vad else np.nan for row in measured.rows])
    of = {"original": original, "label": labels}
    return {
        s: {name: _correlation(measured.scores(s, metric)[0], x) for name, x in of.items()}
        for s in measured.systems
    }


def _correlation(a: np.ndarray, b: np.ndarray) -> dict:
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < FEWEST_FOR_CORRELATION or not a.std() or not b.std():
        return {"n": 0}
    with np.errstate(invalid="ignore"):
        drawn = [np.corrcoef(a[pick], b[pick])[0, 1] for pick in resamples(len(a))]
    low, high = ends(drawn)
    return {
        "mean": float(np.corrcoef(a, b)[0, 1]),
        "low": low,
        "high": high,
        "n": len(a),
    }


def _codebooks(measured: Measured, system: System) -> list[dict]:
    """Of each codebook the entries used, %, and the perplexity of its codes; few frames use few
    entries.
    """
    coded = [measured.items[row.id, system.name]["codes"] for row in measured.rows]
    if system.codebook_size is None or any(codes is None for codes in coded):
        return []
    books = []
    for codes in np.concatenate([np.array(codes) for codes in coded], axis=1):
        counts = np.bincount(codes, minlength=system.codebook_size)
        shares = counts[counts > 0] / len(codes)
        perplexity = float(np.exp(-(shares * np.log(shares)).sum()))
        books.append(
            {
                "used, %": 100 * float((counts > 0).mean()),
                "perplexity": perplexity,
                "frames": len(codes),
            }
        )
    return books


def cell(values: dict, with_n: int | None = None) -> str:
    """A value with its interval; n is told where it is not `with_n`."""
    if not values.get("n"):
        return ""
    text = show(Interval(values["mean"], values["low"], values["high"]))
    return text if values["n"] == with_n else f"{text} (n={values['n']})"


def _difference(values: dict) -> str:
    """A cell of a comparison."""
    return cell(values | {"mean": values["difference"]}, values["n"]) if values else ""


def titled(report: dict, metric: str) -> str:
    """Name of a metric with its unit and an arrow to the better side."""
    arrow = {True: " ↑", False: " ↓", None: ""}[report["higher is better"][metric]]
    return metric + (f", {report['units'][metric]}" if report["units"][metric] else "") + arrow


def render(report: dict) -> str:
    """The report as a Markdown table."""
    systems = report["systems"]
    rows = [
        [titled(report, name), *(cell(systems[s][name], report["n"]) for s in systems)]
        for name in report["units"]
    ]
    rows += [
        [f"{titled(report, name)}, copy - original", "", *map(_difference, losses), ""]
        for name in report["units"]
        if any(losses := [report["losses"][s].get(name, {}) for s in report["losses"]])
    ]
    rows += [
        [name, cure, *[""] * (len(systems) - 1)]
        for name, cure in (report["missing"] | report["absent"]).items()
    ]
    return markdown_table([f"n = {report['n']}", *systems], rows)
