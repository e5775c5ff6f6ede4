"""Drawings of a report: confusion matrices, and F0 contours of one text in all emotions."""

from __future__ import annotations

import numpy as np

from affecttts.evaluation.report.page import Figure, figure_svg
from affecttts.evaluation.signal.pitch import FRAMES_PER_SECOND, f0_numpy
from affecttts.evaluation.stats.confusion import Recognition


def confusion_figure(title: str, found: Recognition) -> Figure:
    """Rows = meant, columns = heard, shares of each row."""
    from matplotlib.figure import Figure as Canvas

    rows = [i for i in range(len(found.labels)) if found.counts[i].sum()]
    shares = found.counts[rows] / found.counts[rows].sum(axis=1, keepdims=True)
    canvas = Canvas(figsize=(1.8 + 0.6 * len(found.labels), 1.2 + 0.45 * len(rows)))
    axes = canvas.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(found.labels)), found.labels, rotation=40, ha="right")
    axes.set_yticks(
        range(len(rows)), [f"{found.labels[i]} ({found.counts[i].sum()})" for i in rows]
    )
    axes.set(xlabel="heard", ylabel="meant (clips)")
    for place, share in np.ndenumerate(shares):
        if share > 0:
            ink = "white" if share > 0.5 else "black"
            axes.text(place[1], place[0], f"{100 * share:.0f}", ha="center", va="center", color=ink)
    return Figure(title, figure_svg(canvas), f"Shares of each row in %, n = {found.n}.")


def contour_figure(title: str, clips: dict[str, tuple[np.ndarray, int]], note: str) -> Figure:
    """F0 over time, one small plot for each name: audio [T] and Hz; the first one stands behind all
    others in grey.
    """
    from matplotlib.figure import Figure as Canvas

    contours = {name: _semitones(*clip) for name, clip in clips.items()}
    columns = min(4, len(contours))
    lines = -(-len(contours) // columns)
    canvas = Canvas(figsize=(3 * columns, 2.1 * lines), layout="constrained")
    grid = canvas.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    first = next(iter(contours.values()))
    for axes, (name, contour) in zip(grid, contours.items()):
        axes.plot(np.arange(len(first)) / FRAMES_PER_SECOND, first, color="0.75")
        axes.plot(np.arange(len(contour)) / FRAMES_PER_SECOND, contour)
        axes.set_title(name, fontsize=10)
    for axes in grid[len(contours) :]:
        axes.set_visible(False)
    grid[0].set(xlabel="s", ylabel="semitones re 100 Hz")
    return Figure(title, figure_svg(canvas), note)


def _semitones(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    f0 = f0_numpy(audio, sample_rate)
    return np.where(f0 > 0, 12 * np.log2(np.maximum(f0, 1.0) / 100), np.nan)
