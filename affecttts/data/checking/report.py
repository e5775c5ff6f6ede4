"""A manifest's report for people: a table for the terminal, plots for a folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from affecttts.data.manifest import SPLITS
from affecttts.errors import RequestError
from codec.atomic import atomic_file

TITLES = {
    "seconds": "length, seconds",
    "loudness": "loudness, LUFS",
    "peak": "peak, dB of full scale",
    "silence": "share of silent frames",
}
LISTED = {
    "languages": "languages",
    "licences": "licences",
    "sample_rates": "rates, Hz",
    "channels": "channels",
}
BAR = "█"
BAR_WIDTH = 30


def render(report: dict) -> str:
    """The report of `Summary.to_dict` as plain text."""
    parts = [
        _overview(report),
        _splits(report),
        _emotions(report),
        _distributions(report),
        _text(report),
        _leaks(report),
    ]
    for title, key in (("rejected", "rejected"), ("kept, but odd", "oddities")):
        parts.append(_reasons(title, report[key], report["examples"]))
    return "\n\n".join(part for part in parts if part)


def _overview(report: dict) -> str:
    listed = {
        name: ", ".join(f"{value} ({count})" for value, count in list(report[name].items())[:6])
        for name in LISTED
    }
    speakers = report["speakers"]["names"]
    first = (
        f"{report['rows']} rows, {report['kept']} kept, {report['hours']:.2f} hours, "
        f"{speakers} speakers"
    )
    return "\n".join(
        [first, *(f"  {title:<14}{listed[name]}" for name, title in LISTED.items() if listed[name])]
    )


def _splits(report: dict) -> str:
    rows = [
        [split, str(values["rows"]), f"{values['hours']:.2f}"]
        for split, values in report["splits"].items()
    ]
    return _table(["split", "rows", "hours"], rows)


def _emotions(report: dict) -> str:
    most = max((sum(counts.values()) for counts in report["emotions"].values()), default=0)
    rows = []
    for name, counts in report["emotions"].items():
        total = sum(counts.values())
        rows.append(
            [
                name,
                *(str(counts[split]) for split in SPLITS),
                BAR * max(1, round(BAR_WIDTH * total / most)),
            ]
        )
    return _table(["emotion", *SPLITS, ""], rows)


def _distributions(report: dict) -> str:
    columns = ["min", "p05", "median", "p95", "max"]
    rows = [
        [TITLES[name], *(f"{values[column]:.2f}" for column in columns)]
        for name, values in report["distributions"].items()
        if "mean" in values
    ]
    return _table(["", *columns], rows)


def _text(report: dict) -> str:
    characters, never = report["characters"], report["phones"]["never"]
    lines = []
    if characters:
        rare = sorted(characters, key=characters.get)[:20]
        lines.append(
            f"{len(characters)} different characters in the texts; the rarest: "
            f"{' '.join(map(repr, rare))}"
        )
    if report["phones"]["counts"]:
        lines.append(
            f"phones that never come: {' '.join(map(repr, never))}"
            if never
            else "every phone of the inventory comes"
        )
    return "\n".join(lines)


def _leaks(report: dict) -> str:
    lines = []
    for name in ("speakers", "sentences"):
        leaks = report[name]
        if leaks["in_several_splits"]:
            shown = ", ".join(example[:40] for example in leaks["examples"][:5])
            lines.append(
                f"{leaks['in_several_splits']} of {leaks['names']} {name} come in "
                f"several splits: {shown}"
            )
    return "\n".join(lines)


def _reasons(title: str, counts: dict, examples: dict) -> str:
    if not counts:
        return f"{title}: none"
    width = max(map(len, counts))
    lines = [
        f"  {reason:<{width}}  {count:>8}  {examples[reason][0]}"
        for reason, count in counts.items()
    ]
    return "\n".join([f"{title}:", *lines])


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Columns in line, numbers to the right."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ("  ".join(map(_padded, row, widths)).rstrip() for row in [header, *rows])
    return "\n".join(lines)


def _padded(cell: str, width: int) -> str:
    is_number = cell.lstrip("-").replace(".", "").isdigit()
    return cell.rjust(width) if is_number else cell.ljust(width)


def check_plots() -> None:
    """Refuse to begin what will end in plots.

    Raises:
        RequestError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise RequestError(
            'plots need matplotlib: pip install "affecttts[data]"; --json works without'
        )


def plot(report: dict, folder: str | Path) -> list[Path]:
    """Draw the distributions, the balance of emotions and the phones as PNG files; returns their
    paths.
    """
    from matplotlib.figure import Figure

    drawings = {
        "distributions": _draw_distributions,
        "emotions": _draw_emotions,
        "phones": _draw_phones,
    }
    paths = []
    for name, draw in drawings.items():
        figure = Figure(figsize=(10, 6), layout="constrained")
        draw(figure, report)
        paths.append(Path(folder) / f"{name}.png")
        with atomic_file(paths[-1]) as temporary:
            figure.savefig(temporary, dpi=100)
    return paths


def _draw_distributions(figure, report: dict) -> None:
    for axes, (name, values) in zip(figure.subplots(2, 2).flat, report["distributions"].items()):
        axes.stairs(values["counts"], values["edges"], fill=True)
        axes.set_xlabel(TITLES[name])
        axes.set_ylabel("rows")
        if name == "seconds":
            axes.set_xscale("symlog")


def _draw_emotions(figure, report: dict) -> None:
    axes, names = figure.subplots(), list(report["emotions"])
    below = [0] * len(names)
    for split in SPLITS:
        counts = [report["emotions"][name][split] for name in names]
        axes.bar(names, counts, bottom=below, label=split)
        below = [low + count for low, count in zip(below, counts)]
    axes.set_ylabel("rows")
    axes.legend()


def _draw_phones(figure, report: dict) -> None:
    axes, phones = figure.subplots(), report["phones"]
    counts = phones["counts"] | dict.fromkeys(phones["never"], 0)
    axes.bar([repr(symbol)[1:-1] for symbol in counts], counts.values())
    axes.set_yscale("symlog")
    axes.set_ylabel("phones")
