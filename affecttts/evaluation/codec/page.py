"""The page of a codec report: tables by bitrate, plots against it, spectrograms, pitch contours and
sounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.data.manifest import Utterance
from affecttts.evaluation.codec.figures import (
    against_bitrate,
    envelope_by_quefrency,
    pitch_contours,
    plotted,
    spectrograms,
)
from affecttts.evaluation.codec.metric import ENVELOPE
from affecttts.evaluation.codec.metrics import ENVELOPE_MEASURES, envelope_name
from affecttts.evaluation.codec.summary import CEILING, FLOOR, cell, titled
from affecttts.evaluation.judges.declarations import EXTRA
from affecttts.evaluation.report.page import (
    Alarm,
    Clip,
    Figure,
    Players,
    Section,
    Table,
    figure_svg,
    write_page,
)
from affecttts.evaluation.signal.envelope import BANDS

ALIGNED = (
    "Copies are moved by each codec's constant delay before they are compared, and compared "
    "at 24 kHz."
)
ENDS = (
    f"“{CEILING}” is the original against itself, “{FLOOR}” another speaker's other words: the "
    "ends of each metric."
)
PAIRED = (
    "Differences on the same clips with 95 % bootstrap intervals; p by random flips of sign, "
    "two-sided, not corrected for "
    "the number of comparisons."
)
SHARPNESS = (
    "Of the log spectrum's cepstrum, loud frames, by quefrency in samples at 24 kHz. Spread: "
    "standard deviation of the copies over that of the originals; below 1 they are blurred, above "
    "1 rough. Change: the same of the difference between frames. 1 is best in all three."
)
ORIGINALS = (
    "The originals have scores of their own here; copies minus originals, on the same clips. "
)
LOSSES = (
    "Emotion loss: points of accuracy that the judge loses between the originals of that "
    "emotion and their copies."
)


@dataclass(frozen=True, eq=False)
class Sample:
    """One clip to look at and listen to."""

    row: Utterance
    audio: dict[str, np.ndarray]  # system -> float32 [T]; the perfect copy first


def write_codec_page(path: Path, report: dict, sample: Sequence[Sample], sample_rate: int) -> None:
    """Write the page of a report, atomically; without matplotlib it has no drawings and says so."""
    order = by_bitrate(report)
    drawn = find_spec("matplotlib") is not None
    sections = [Section("Results by bitrate", (*_alarms(report, drawn), *_tables(report, order)))]
    if drawn and plotted(report):
        figure = Figure(
            "Metrics against bitrate",
            figure_svg(against_bitrate(report)),
            "Bars: 95 % bootstrap intervals.",
        )
        sections.append(Section("Against bitrate", (figure,)))
    sections += _envelope(report, order, drawn)
    if any(report["losses"].values()):
        sections.append(Section("Copies and originals", tuple(_losses(report, order))))
    if report["comparisons"]:
        sections.append(Section("Paired comparisons", tuple(_comparisons(report, order))))
    sections += [Section(title, parts) for title, parts in _details(report, order) if parts]
    sections.append(Section("Judges", (_judges(report),)))
    parts = _sample(sample, order, report["bitrates"], sample_rate, drawn)
    sections.append(Section("A fixed sample", tuple(parts)))
    facts = {
        "Manifest": report["manifest"],
        "Clips": str(report["n"]),
        "Codecs": ", ".join(order[1:-1]) or "none",
    }
    write_page(path, "Codec evaluation", sections, facts)


def by_bitrate(report: dict) -> list[str]:
    """Systems from the lowest bitrate up, those of an unknown one last, between ceiling and
    floor.
    """
    rates = report["bitrates"]
    return [
        CEILING,
        *sorted(rates, key=lambda name: (rates[name] is None, rates[name] or 0)),
        FLOOR,
    ]


def _alarms(report: dict, drawn: bool) -> list[Alarm]:
    lacks = dict(report["missing"] | report["absent"]) | ({} if drawn else {"drawings": EXTRA})
    return [
        *map(Alarm, report["alarms"]),
        *(Alarm(f"Not measured: {name}. Cure: {cure}") for name, cure in lacks.items()),
    ]


def _rate(report: dict, system: str) -> str:
    rate = report["bitrates"].get(system)
    return "" if rate is None else f"{rate:.3g}"


def _tables(report: dict, order: list[str]) -> list[Table]:
    groups = [g for g in dict.fromkeys(report["groups"].values()) if g != ENVELOPE]
    tables = []
    for group in groups:
        names = [name for name, of in report["groups"].items() if of == group]
        rows = [
            (
                system,
                _rate(report, system),
                *(cell(report["systems"][system][name], report["n"]) for name in names),
            )
            for system in order
        ]
        columns = ("codec", "kbit/s", *(titled(report, name) for name in names))
        tables.append(
            Table(group.capitalize(), columns, tuple(rows), ALIGNED if group == groups[0] else "")
        )
    notes = (
        f"Means over n = {report['n']} clips with 95 % bootstrap intervals; another n is told "
        f"in the cell. {ENDS}"
    )
    return (
        [*tables[:-1], Table(tables[-1].title, tables[-1].columns, tables[-1].rows, notes)]
        if tables
        else []
    )


def _envelope(report: dict, order: list[str], drawn: bool) -> list[Section]:
    """A table for each measure of the envelope, by quefrency, and a drawing."""
    if ENVELOPE not in report["groups"].values():
        return []
    tables: list[Table | Figure] = []
    for measure in ENVELOPE_MEASURES:
        names = [envelope_name(measure, band) for band in BANDS]
        rows = [(s, *(cell(report["systems"][s][n], report["n"]) for n in names)) for s in order]
        note = SHARPNESS if measure == ENVELOPE_MEASURES[-1] else ""
        tables.append(Table(measure.capitalize(), ("codec", *BANDS), tuple(rows), note))
    if drawn:
        svg = figure_svg(envelope_by_quefrency(report))
        tables.append(Figure("By quefrency", svg, "Bars: 95 % bootstrap intervals."))
    return [Section("Sharpness of the envelope", tuple(tables))]


def _losses(report: dict, order: list[str]) -> list[Table]:
    losses = report["losses"]
    shown = [name for name in order if losses.get(name)]
    return [
        _differences(f"{system} minus the originals", report, losses[system], ORIGINALS + PAIRED)
        for system in shown
    ]


def _comparisons(report: dict, order: list[str]) -> list[Table]:
    compared = report["comparisons"]
    shown = [name for name in order if name in compared["systems"]]
    return [
        _differences(
            f"{system} minus {compared['reference']}", report, compared["systems"][system], PAIRED
        )
        for system in shown
    ]


def _differences(title: str, report: dict, found: dict, note: str) -> Table:
    rows = [
        (
            titled(report, name),
            f"{v['difference']:.3g} [{v['low']:.3g}, {v['high']:.3g}]",
            f"{v['p']:.2g}",
            str(v["n"]),
        )
        for name, v in found.items()
    ]
    return Table(title, ("metric", "difference", "p", "n"), tuple(rows), note)


def _details(report: dict, order: list[str]) -> list[tuple[str, tuple[Table, ...]]]:
    """Tables that only some reports have: emotions one by one, correlations of dimensions,
    codebooks.
    """
    emotions = []
    for metric, systems in report["by emotion"].items():
        names = list(next(iter(systems.values()), {}))
        rows = [(s, *(cell(systems[s][name]) for name in names)) for s in order if s in systems]
        if names and any(any(row[1:]) for row in rows):
            emotions.append(
                Table(
                    titled(report, metric),
                    ("codec", *names),
                    tuple(rows),
                    LOSSES if "loss" in metric else "",
                )
            )
    for metric, systems in report["correlations"].items():
        rows = [
            (s, cell(systems[s]["original"]), cell(systems[s]["label"]))
            for s in order
            if s in systems
        ]
        emotions.append(
            Table(
                f"Correlation of {metric}",
                ("codec", "with the original's", "with the label"),
                tuple(rows),
            )
        )
    rows = [
        (s, str(k + 1), f"{book['used, %']:.3g}", f"{book['perplexity']:.4g}", str(book["frames"]))
        for s in order
        for k, book in enumerate(report["codebooks"].get(s, []))
    ]
    note = "A codebook cannot use more entries than there were frames."
    books = Table(
        "Use of codebooks",
        ("codec", "codebook", "used, %", "perplexity", "frames"),
        tuple(rows),
        note,
    )
    return [("Emotions", tuple(emotions)), ("Codebooks", (books,) if rows else ())]


def _judges(report: dict) -> Table:
    shown = ("name", "measures", "licence", "provenance")
    rows = [
        (*(card[name] for name in shown), ", ".join(card["taught"]) or "nobody known")
        for card in report["judges"]
    ]
    return Table("Who judged", (*shown, "taught"), tuple(rows))


def _sample(
    sample: Sequence[Sample], order: list[str], asked: Iterable[str], sample_rate: int, drawn: bool
) -> list[Any]:
    shown = [name for name in order if name != FLOOR]
    parts: list[Any] = []
    for place, item in enumerate(sample):
        title = " · ".join(filter(None, (item.row.id, item.row.emotion, item.row.text)))
        parts.append(
            Players(title, tuple(Clip(name, item.audio[name], sample_rate) for name in shown))
        )
        if drawn:
            # all codecs of the first clip, of the others only the codec that was asked for first
            names = shown if place == 0 else [CEILING, *list(asked)[:1]]
            audio = {name: item.audio[name] for name in names}
            drawings = [
                ("Spectrograms", spectrograms, "Left the original, right its copy; 80 dB deep.")
            ]
            drawings += [("Pitch", pitch_contours, "Grey: the original.")] if place == 0 else []
            for what, draw, note in drawings:
                parts.append(
                    Figure(f"{what} of {item.row.id}", figure_svg(draw(audio, sample_rate)), note)
                )
    return parts
