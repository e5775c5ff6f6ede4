"""Tables of variations of one codec training: their configs, sizes and runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.config import load_config, merged
from affecttts.training.schema import Changes
from codec.files import read_json

Cell = Changes[CodecTrainingConfig]


@dataclass(frozen=True)
class AblationConfig:
    """A table of variations."""

    base: str  # config of train_codec.py that all cells share, relative to this file's folder
    cells: dict[str, Cell]  # changes; a mapping joins that of `set` and replaces that of the base
    reference: str  # the cell that the others are compared with
    set: Cell = field(default_factory=Changes)  # changes to the base in all cells
    seeds: tuple[int, ...] = (0,)
    clips: int = 60  # held-out clips that are scored
    probe_clips: int = 400  # utterances that the probes read; 0 = no probes
    # cell -> figures of a publication, printed beside ours
    published: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strangers = sorted({self.reference, *self.published} - {*self.cells})
        if strangers:
            raise ValueError(f"no such cells: {strangers}; there are {list(self.cells)}")

    def only(self, wanted: set[str]) -> AblationConfig:
        """The table with some of its cells.

        Raises:
            RequestError: it has no such cell.
        """
        if strangers := sorted(wanted - {*self.cells}):
            raise RequestError(f"no such cells: {strangers}; there are {list(self.cells)}")
        cells, published = (
            {name: value for name, value in part.items() if name in wanted}
            for part in (self.cells, self.published)
        )
        return replace(self, cells=cells, published=published)


@dataclass(frozen=True)
class SizeConfig:
    """How large and long the cells of any table are, in place of what the table says itself."""

    set: Cell = field(default_factory=Changes)  # joins the table's
    seeds: tuple[int, ...] = ()
    clips: int | None = None
    probe_clips: int | None = None

    def applied(self, config: AblationConfig) -> AblationConfig:
        """The table at this size."""
        numbers = {
            name: value
            for name in ("seeds", "clips", "probe_clips")
            if (value := getattr(self, name)) not in ((), None)
        }
        return replace(config, set=merged(config.set, self.set), **numbers)


@dataclass(frozen=True)
class Run:
    """One cell with one seed."""

    cell: str
    seed: int
    changes: dict[str, Any]
    folder: Path

    @property
    def overrides(self) -> list[str]:
        """The changes as train_codec.py takes them after --set."""
        return [f"{key}={json.dumps(value)}" for key, value in self.changes.items()]


def plan(config: AblationConfig, base: Path, output: Path) -> list[Run]:
    """All runs: seed by seed, so that an early stop leaves whole comparisons.

    Args:
        base: the config that all cells share.

    Raises:
        RequestError: a cell is impossible, or OUTPUT holds a run of the same name with other
            changes.
    """
    runs = []
    for seed in config.seeds:
        for cell, changes in config.cells.items():
            folder = output / "cells" / cell / f"seed{seed}"
            runs.append(Run(cell, seed, merged(config.set, changes) | {"seed": seed}, folder))
    for run in runs:
        load_config(CodecTrainingConfig, base, run.overrides)
        known = run.folder / "changes.json"
        if known.exists() and read_json(known) != json.loads(json.dumps(run.changes)):
            raise RequestError(
                f"{run.folder}: was made with other changes; choose another "
                "--output or remove that folder"
            )
    return runs
