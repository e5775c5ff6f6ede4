"""What an alignment found, for people: a table for the terminal, histograms for a folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from affecttts.data.alignment.units import PAUSE_MARKS, split_units
from affecttts.data.checking.summary import EXAMPLES, Distribution
from affecttts.data.manifest import Utterance
from codec.atomic import atomic_file

LEAST_PAUSE = 0.05  # seconds from which a space counts as a pause
EDGES = {
    "confidence": [i / 40 for i in range(41)],
    "phone": [i / 100 for i in range(41)],
    "rate": list(range(0, 31)),
    "pause": [i / 20 for i in range(1, 31)],
    "leading": [i / 20 for i in range(31)],
    "trailing": [i / 20 for i in range(31)],
}
TITLES = {
    "confidence": "confidence of a row",
    "phone": "length of a phone, seconds",
    "rate": "phones a second of speech",
    "pause": "pause between words, seconds",
    "leading": "leading silence, seconds",
    "trailing": "trailing silence, seconds",
}


class AlignmentSummary:
    """Adds up rows; `to_dict` is the report as JSON values."""

    def __init__(self) -> None:
        self.aligned = 0
        self.seconds = 0.0
        self.left_out: Counter[str] = Counter()
        self.examples: defaultdict[str, list[str]] = defaultdict(list)
        self.distributions = {name: Distribution(list(edges)) for name, edges in EDGES.items()}

    def leave_out(self, reason: str, message: str) -> None:
        """Count a row without durations."""
        self.left_out[reason] += 1
        if len(self.examples[reason]) < EXAMPLES:
            self.examples[reason].append(message)

    def add(self, row: Utterance) -> None:
        """Count a row with durations."""
        durations, place, silence, sounds = row.durations or (), 1, 0.0, 0
        self.aligned, self.seconds = self.aligned + 1, self.seconds + row.seconds
        for unit in split_units(row.ipa or ""):
            seconds = sum(durations[place : place + unit.width])
            place += unit.width
            if unit.symbol in PAUSE_MARKS:
                silence += seconds
                if seconds >= LEAST_PAUSE and place < len(durations) - 1:
                    self.distributions["pause"].add(seconds)
            else:
                sounds += 1
                self.distributions["phone"].add(seconds)
        speech = row.seconds - durations[0] - durations[-1] - silence
        values = {"leading": durations[0] - row.offset, "trailing": durations[-1]}
        if speech > 0:
            values["rate"] = sounds / speech
        if row.confidence is not None:
            values["confidence"] = row.confidence
        for name, value in values.items():
            self.distributions[name].add(value)

    def to_dict(self) -> dict:
        """Plain values."""
        return {
            "aligned": self.aligned,
            "hours": self.seconds / 3600,
            "left_out": dict(self.left_out.most_common()),
            "examples": dict(self.examples),
            "distributions": {name: d.to_dict() for name, d in self.distributions.items()},
        }


def render(report: dict) -> str:
    """The report of `AlignmentSummary.to_dict` as plain text."""
    lines = [f"{report['aligned']} rows aligned, {report['hours']:.2f} hours"]
    lines.append(f"{'':<30}{'p05':>8}{'median':>8}{'p95':>8}")
    for name, values in report["distributions"].items():
        if "mean" in values:
            numbers = "".join(f"{values[key]:>8.2f}" for key in ("p05", "median", "p95"))
            lines.append(f"{TITLES[name]:<30}{numbers}")
    lines.append("left out:" if report["left_out"] else "left out: none")
    for reason, count in report["left_out"].items():
        lines.append(f"  {reason:<32}{count:>6}  {report['examples'][reason][0]}")
    return "\n".join(lines)


def plot(report: dict, folder: Path) -> Path:
    """Draw the histograms into a PNG file; returns its path."""
    from matplotlib.figure import Figure

    figure, path = Figure(figsize=(12, 7), layout="constrained"), folder / "alignment.png"
    for axes, (name, values) in zip(figure.subplots(2, 3).flat, report["distributions"].items()):
        axes.stairs(values["counts"], values["edges"], fill=True)
        axes.set_xlabel(TITLES[name])
        axes.set_ylabel("phones" if name == "phone" else "pauses" if name == "pause" else "rows")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)
    return path
