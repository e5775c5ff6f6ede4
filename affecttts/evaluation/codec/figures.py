"""Drawings of a codec report."""

from __future__ import annotations

from typing import Any

import numpy as np

from affecttts.evaluation.codec.metrics import ENVELOPE_MEASURES, envelope_name
from affecttts.evaluation.codec.summary import CEILING, FLOOR, titled
from affecttts.evaluation.signal.envelope import BANDS
from affecttts.evaluation.signal.pitch import CEILING_HZ, FLOOR_HZ, FRAMES_PER_SECOND, f0_numpy

PLOTTED = (
    "DistillMOS",
    "PESQ-WB",
    "ViSQOL",
    "DNSMOS",
    "ESTOI",
    "mel distance",
    "log-F0 correlation",
    "F0 error",
    "word errors",
    "word errors, Whisper base",
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
    """The first signal [T] beside each of the others, one row each, all on the first one's
    scale.
    """
    from matplotlib.figure import Figure

    (first, original), *copies = audio.items()
    figure = Figure(figsize=(11, 2.2 * max(1, len(copies))), layout="constrained")
    grid = figure.subplots(max(1, len(copies)), 2, squeeze=False, sharex=True, sharey=True)
    top = _decibels(original).max()
    for row, (name, copy) in zip(grid, copies or [(first, original)], strict=True):
        for title, signal, panel in ((first, original, row[0]), (name, copy, row[1])):
            panel.imshow(
                _decibels(signal),
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=top - DEPTH_DB,
                vmax=top,
                extent=(0, len(signal) / sample_rate, 0, sample_rate / 2000),
            )
            panel.set(title=title, xlabel="s", ylabel="kHz")
    return figure


def _decibels(signal: np.ndarray) -> np.ndarray:
    """Spectrogram [F,N] of a signal [T], dB."""
    padded = np.pad(signal, (0, SPECTRUM_SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, SPECTRUM_SIZE)[::SPECTRUM_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(SPECTRUM_SIZE))) ** 2
    return 10 * np.log10(power + 1e-10).T


def envelope_by_quefrency(report: dict) -> Any:
    """A panel for each measure of the envelope: a line for each system over the bands."""
    figure, axes = _panels(len(ENVELOPE_MEASURES), 2.8)
    systems = [name for name in report["systems"] if name != CEILING]
    for measure, panel in zip(ENVELOPE_MEASURES, axes, strict=True):
        names = [envelope_name(measure, band) for band in BANDS]
        for place, system in enumerate(systems):
            values = [report["systems"][system][name] for name in names]
            if all(value["n"] for value in values):
                means, lows, highs = (
                    np.array([value[end] for value in values]) for end in ("mean", "low", "high")
                )
                panel.errorbar(
                    np.arange(len(BANDS)) + 0.06 * place,
                    means,
                    [np.maximum(means - lows, 0), np.maximum(highs - means, 0)],
                    color="grey" if system == FLOOR else None,
                    marker="o",
                    markersize=3,
                    capsize=2,
                    label=system,
                )
        panel.axhline(1, color="grey", linestyle="--", linewidth=1)
        panel.set(title=measure, xlabel="quefrency, samples at 24 kHz")
        panel.set_xticks(range(len(BANDS)), BANDS, rotation=60, fontsize="x-small")
    axes[0].legend(fontsize="x-small")
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
