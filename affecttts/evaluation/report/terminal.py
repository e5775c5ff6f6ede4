"""Tables of numbers for a terminal and a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from affecttts.evaluation.report.plain import to_plain
from affecttts.evaluation.stats.bootstrap import Interval
from affecttts.evaluation.stats.summary import show
from codec.atomic import write_text

Item = TypeVar("Item")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table under its title: intervals as 'mean [low, high]', floats with three
    significant digits, the rest as it is.
    """
    cells = [list(columns)] + [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    print(f"\n{title}\n\n" + "\n".join([lines[0], rule, *lines[1:]]))


def _cell(value: Any) -> str:
    return show(value) if isinstance(value, (Interval, float)) else str(value)


def write_numbers(path: Path | None, numbers: Any) -> None:
    """Write `numbers` as JSON where a path is given; intervals become objects."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_plain(numbers), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(path, text + "\n")


def progress(items: Sequence[Item], label: str) -> Iterable[Item]:
    """`items` under a progress bar, where stderr is a terminal."""
    from tqdm import tqdm

    return tqdm(items, desc=label, file=sys.stderr, disable=not sys.stderr.isatty())
