"""Ablation of the codec: train, score and compare every cell of a table of variations.

    python recipes/experiments/ablate_codec.py recipes/experiments/ablation_modules.yaml \\
        --manifest corpus/manifest.jsonl --output runs/ablation
    # small and short
    python recipes/experiments/ablate_codec.py ... --size recipes/experiments/ablation_quick.yaml
    # on GPUs
    python recipes/experiments/ablate_codec.py ... --set steps=200000 --set preset=paper \\
        --launch "accelerate launch"
    # also what `affecttts evaluate codec` measures on a manifest
    python recipes/experiments/ablate_codec.py ... --quality-manifest corpus/manifest.jsonl

A cell is a run of train_codec.py per seed. Run it again with the same --output and it goes on where
it stopped. The results lie in OUTPUT: table.md, table.json and plot.png.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.cli.script import run_script, script_parser
from affecttts.data.audio_cache import AudioCache
from affecttts.evaluation.codec.judges import convene
from affecttts.evaluation.codec.reconstruction import (
    MEASURES,
    held_out_clips,
    reconstruction_scores,
)
from affecttts.evaluation.codec.report import evaluate_codec
from affecttts.evaluation.codec.request import CodecRequest, open_systems
from affecttts.evaluation.stats.summary import (
    Interval,
    markdown_table,
    over_clips,
    over_seeds,
    show,
)
from affecttts.evaluation.tokens.probes import probe_items, probe_scores
from affecttts.training.codec.ablation import AblationConfig, Run, SizeConfig, plan
from affecttts.training.config import load_config
from codec import Codec
from codec.atomic import atomic_file, write_text
from codec.errors import UserError
from codec.files import read_json, write_json

RECIPES = Path(__file__).parents[1]
QUALITY_NAME = "cell"  # of its codec in that evaluation


def train(run: Run, base: Path, arguments: argparse.Namespace) -> None:
    """Run or resume train_codec.py."""
    run.folder.mkdir(parents=True, exist_ok=True)
    write_json(run.folder / "changes.json", run.changes)
    launch = shlex.split(arguments.launch) if arguments.launch else [sys.executable]
    command = [*launch, str(RECIPES / "train_codec.py"), str(base), "--output", str(run.folder)]
    command += ["--cache", str(arguments.cache)]
    command += [word for manifest in arguments.manifest for word in ("--manifest", manifest)]
    command += [word for override in run.overrides for word in ("--set", override)]
    call(command, run.folder)


def call(command: list[str], folder: Path) -> None:
    """Run a command that says itself what goes wrong.

    Raises:
        UserError: it failed.
    """
    if subprocess.run(command).returncode:
        raise UserError(f"{folder}: {Path(command[1]).name} failed, see above")


def score(run: Run, config: AblationConfig, arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of a trained cell: lists hold one value per clip, single values are of the whole
    run.
    """
    codec = Codec.from_pretrained(run.folder / "codec")
    cache = AudioCache(
        arguments.manifest, arguments.cache, codec.config.sample_rate, codec.config.hop_length
    )
    scores: dict[str, Any] = reconstruction_scores(
        codec, cache, held_out_clips(cache, config.clips)
    )
    if config.probe_clips:
        scores |= probe_scores(probe_items(codec, cache, config.probe_clips))
    rows = [
        json.loads(line)
        for line in (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    agreements = [
        {k: 100 * v for k, v in row.items() if k.startswith("agreement/")} for row in rows
    ]
    scores |= next((row for row in reversed(agreements) if row), {})
    if arguments.quality_manifest:
        scores |= quality(run.folder, arguments)
    return scores


def quality(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """What `affecttts evaluate codec` says of a run's codec, means alone."""
    systems = open_systems(CodecRequest((f"{QUALITY_NAME}={folder / 'codec'}",)))
    report = evaluate_codec(
        arguments.quality_manifest,
        systems,
        arguments.quality_limit,
        folder / "quality",
        panel=convene(systems),
    )
    values = report["systems"][QUALITY_NAME]
    return {f"judge: {name}": value["mean"] for name, value in values.items() if value["n"]}


def summarise(
    scores: dict[str, list[dict]], reference: str
) -> dict[str, dict[str, dict[str, Interval]]]:
    """cell -> measure -> "value" and, for other cells than the reference, "difference" to it,
    paired by clip and seed.
    """
    summary: dict[str, dict[str, dict[str, Interval]]] = {}
    for cell, runs in scores.items():
        summary[cell] = {}
        for name in runs[0]:
            mine = np.array([run[name] for run in runs], dtype=float)
            average = over_clips if mine.ndim == 2 else over_seeds
            summary[cell][name] = {"value": average(mine)}
            theirs = [run[name] for run in scores[reference][: len(runs)] if name in run]
            if cell != reference and len(theirs) == len(runs):
                summary[cell][name]["difference"] = average(mine - np.array(theirs, dtype=float))
    return summary


def write_report(summary: dict, config: AblationConfig, output: Path) -> None:
    """table.md, table.json and plot.png."""
    names = list(dict.fromkeys(name for values in summary.values() for name in values))
    tables = [
        f"Seeds {list(config.seeds)}; brackets are 95 % intervals over held-out clips, or "
        "over seeds.\n"
    ]
    for title, kind in (("Values", "value"), (f"Differences to {config.reference}", "difference")):
        rows = []
        for cell, values in summary.items():
            found = [values.get(name, {}).get(kind) for name in names]
            rows.append([cell, *("" if value is None else show(value) for value in found)])
        tables.append(
            f"## {title}\n\n"
            + markdown_table(["cell", *names], [row for row in rows if any(row[1:])])
        )
    if config.published:
        columns = list(
            dict.fromkeys(name for figures in config.published.values() for name in figures)
        )
        rows = [
            [cell, *(str(figures.get(name, "")) for name in columns)]
            for cell, figures in config.published.items()
        ]
        tables.append(
            "## Published figures (other data, "
            "sizes and judges)\n\n" + markdown_table(["cell", *columns], rows)
        )
    write_text(output / "table.md", "# Ablation of the codec\n\n" + "\n".join(tables))
    write_json(output / "table.json", {"config": asdict(config), "cells": summary})
    plot(summary, config.reference, output / "plot.png")


def plot(summary: dict, reference: str, path: Path) -> None:
    """Differences to the reference with their intervals, one panel per measure; the better side is
    shaded.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cells = [cell for cell in summary if cell != reference]
    names = [
        name
        for name in MEASURES
        if any("difference" in summary[cell].get(name, {}) for cell in cells)
    ]
    if not names:
        return
    size = (3.2 * len(names), 1 + 0.35 * len(cells))
    figure, panels = pyplot.subplots(1, len(names), figsize=size, sharey=True, squeeze=False)
    for panel, name in zip(panels[0], names):
        for row, cell in enumerate(cells):
            mean, low, high = summary[cell][name]["difference"]
            panel.plot([low, high], [row, row], color="tab:blue")
            panel.plot(mean, row, "o", color="tab:blue")
        panel.axvline(0, color="black", linewidth=0.8)
        left, right = panel.get_xlim()
        panel.axvspan(
            *((0, max(right, 0)) if MEASURES[name] else (min(left, 0), 0)),
            color="tab:green",
            alpha=0.12,
        )
        panel.set_xlim(left, right)
        panel.set_title(name, fontsize=9)
        panel.set_yticks(range(len(cells)), cells)
    panels[0][0].invert_yaxis()
    figure.suptitle(f"Difference to {reference}; shaded: better", fontsize=10)
    figure.tight_layout()
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
    pyplot.close(figure)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("config", help="YAML file with the table, see recipes/experiments/ablation_*.yaml")
    manifest = "JSONL manifest; may be given several times"
    add("--manifest", action="append", required=True, help=manifest)
    add("--output", type=Path, required=True, help="folder of all runs and of the results")
    add("--cache", type=Path, help="folder of decoded audio and F0 (default: OUTPUT/cache)")
    change = "change one value in all cells"
    add("--set", action="append", default=[], metavar="KEY=VALUE", help=change)
    add("--cells", nargs="+", metavar="NAME", help="only these cells (and the reference)")
    size = "YAML file: how large and long the cells are, see experiments/ablation_quick.yaml"
    add("--size", metavar="FILE", help=size)
    seeds = "these seeds, not the config's"
    add("--seeds", nargs="+", type=int, default=(), metavar="N", help=seeds)
    probes = "utterances that the probes read, not as many as the config says"
    add("--probe-clips", type=int, metavar="N", help=probes)
    launch = 'what starts a run, e.g. "accelerate launch" (default: this Python)'
    add("--launch", help=launch)
    quality = "manifest for what `affecttts evaluate codec` measures"
    add("--quality-manifest", type=Path, metavar="M", help=quality)
    limit = "its number of clips (default 60)"
    add("--quality-limit", type=int, default=60, metavar="N", help=limit)
    return parser.parse_args()


def table(arguments: argparse.Namespace) -> AblationConfig:
    """The table as it is asked for."""
    overrides = [f"set.{override}" for override in arguments.set]
    config = load_config(AblationConfig, arguments.config, [])
    if arguments.size:
        config = load_config(SizeConfig, arguments.size, []).applied(config)
    config = load_config(SizeConfig, None, overrides).applied(config)
    seeds, probe_clips = tuple(arguments.seeds), arguments.probe_clips
    config = SizeConfig(seeds=seeds, probe_clips=probe_clips).applied(config)
    return config.only({config.reference, *arguments.cells}) if arguments.cells else config


def main() -> None:
    arguments = parse()
    config = table(arguments)
    arguments.cache = arguments.cache or arguments.output / "cache"
    base = Path(arguments.config).parent / config.base
    scores: dict[str, list[dict]] = {cell: [] for cell in config.cells}
    for run in plan(config, base, arguments.output):
        done = run.folder / "scores.json"
        if not done.exists():
            train(run, base, arguments)
            write_json(done, score(run, config, arguments))
        scores[run.cell].append(read_json(done))
    write_report(summarise(scores, config.reference), config, arguments.output)
    print((arguments.output / "table.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(run_script(main))
