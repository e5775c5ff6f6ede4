"""Drawings of a codec report."""

from __future__ import annotations

from typing import Any

import numpy as np

from affecttts.evaluation.codec.summary import CEILING, FLOOR, titled
from affecttts.evaluation.signal.pitch import CEILING_HZ, FLOOR_HZ, FRAMES_PER_SECOND, f0_numpy

PLOTTED = (
    "PESQ-WB",
    "ViSQOL",
    "DNSMOS",
    "ESTOI",
    "mel distance",
    "log-F0 correlation",
    "F0 error",
    "word errors",
    "speaker cosine",
)
PLOTTED_OF_JUDGES = ("emotion agreement", "emotion degradation")
RATES_KBPS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
PITCHES_HZ = (75, 150, 300, 600)
COLUMNS = 3
DEPTH_DB = 80.0
SPECTRUM_SIZE, SPECTRUM_HOP = 512, 192


def _panels(count: int, height: float) -> tuple[Any, list]:
    from matplotlib.figure import Figure

    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(11, height * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, list(axes[:count])


def plotted(report: dict) -> list[str]:
    """Metrics that are known of a system whose bitrate is."""
    known = [report["systems"][system] for system, rate in report["bitrates"].items() if rate]
    names = [
        name for name in report["units"] if name in PLOTTED or name.startswith(PLOTTED_OF_JUDGES)
    ]
    return [name for name in names if any(values[name]["n"] for values in known)]


def against_bitrate(report: dict) -> Any:
    """A panel for each metric of `plotted`, which must be some; settings of one codec are joined by
    a line.
    """
    table, names = report["systems"], plotted(report)
    families: dict[str, list[str]] = {}
    for system in sorted(
        (s for s, rate in report["bitrates"].items() if rate), key=report["bitrates"].get
    ):
        families.setdefault(system.rsplit(" ", 1)[0], []).append(system)
    figure, axes = _panels(len(names), 2.8)
    for name, panel in zip(names, axes, strict=True):
        for family, members in families.items():
            _line(panel, family, [m for m in members if table[m][name]["n"]], name, report)
        for end, style in ((CEILING, "--"), (FLOOR, ":")):
            if table[end][name]["n"]:
                panel.axhline(table[end][name]["mean"], color="grey", linestyle=style, linewidth=1)
        panel.set(title=titled(report, name), xscale="log", xlabel="kbit/s")
        _ticks(panel.xaxis, RATES_KBPS)
    axes[0].legend(fontsize="x-small")
    return figure


def _ticks(axis: Any, values: tuple[float, ...]) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator(values))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def _line(panel: Any, family: str, members: list[str], name: str, report: dict) -> None:
    rates = [report["bitrates"][m] for m in members]
    means, lows, highs = (
        np.array([report["systems"][m][name][part] for m in members])
        for part in ("mean", "low", "high")
    )
    panel.errorbar(
        rates,
        means,
        [means - lows, highs - means],
        marker="o",
        markersize=4,
        capsize=2,
        label=family,
    )


def spectrograms(audio: dict[str, np.ndarray], sample_rate: int) -> Any:
    """A panel for each signal [T], all on the first one's scale."""
    figure, axes = _panels(len(audio), 2.0)
    top = None
    for (name, signal), panel in zip(audio.items(), axes, strict=True):
        frames = np.lib.stride_tricks.sliding_window_view(
            np.pad(signal, (0, SPECTRUM_SIZE)), SPECTRUM_SIZE
        )[::SPECTRUM_HOP]
        decibels = (
            10 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(SPECTRUM_SIZE))) ** 2 + 1e-10).T
        )
        top = decibels.max() if top is None else top
        panel.imshow(
            decibels,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - DEPTH_DB,
            vmax=top,
            extent=(0, len(signal) / sample_rate, 0, sample_rate / 2000),
        )
        panel.set(title=name, xlabel="s", ylabel="kHz")
    return figure


def pitch_contours(audio: dict[str, np.ndarray], sample_rate: int) -> Any:
    """A panel for each signal [T], over the first one's contour."""
    figure, axes = _panels(len(audio), 1.8)
    tracks = {name: f0_numpy(signal, sample_rate) for name, signal in audio.items()}
    original = next(iter(tracks.values()))
    for (name, track), panel in zip(tracks.items(), axes, strict=True):
        for f0, style in (
            (original, {"color": "silver", "linewidth": 4}),
            (track, {"color": "C0", "linewidth": 1.3}),
        ):
            panel.plot(
                np.arange(len(f0)) / FRAMES_PER_SECOND, np.where(f0 > 0, f0, np.nan), **style
            )
        panel.set(title=name, xlabel="s", ylabel="Hz", ylim=(FLOOR_HZ, CEILING_HZ), yscale="log")
        _ticks(panel.yaxis, PITCHES_HZ)
    return figure
