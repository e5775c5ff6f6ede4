"""Training state that resumes exactly: modules, optimisers, random numbers and loop counters.

A checkpoint is a folder of safetensors and JSON. It is written last: what a run exports lies beside
it and is at least as new, or a rerun writes it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from affecttts.data.lineage import Lineage, save_lineage
from codec.atomic import atomic_folder, sweep
from codec.errors import CheckpointError
from codec.files import load_weights, read_json, save_weights, write_json

STATE_NAME = "state.json"
CHECKPOINT_NAME = "checkpoint"
# name of a folder beside the checkpoint -> what fills it
Exports = Mapping[str, Callable[[Path], None]]


def save_run(
    folder: Path,
    exports: Exports,
    modules: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    state: dict[str, Any],
) -> None:
    """Write the exports, then the checkpoint that vouches for them."""
    digests = {name: _export(folder / name, fill) for name, fill in exports.items()}
    save_checkpoint(folder / CHECKPOINT_NAME, modules, optimizers, state | {"exports": digests})


def finish_run(folder: Path, exports: Exports) -> None:
    """Write anew those exports that are not what the checkpoint of a finished run vouches for."""
    known = read_json(folder / CHECKPOINT_NAME / STATE_NAME)["state"].get("exports", {})
    for name, fill in exports.items():
        if not (folder / name).is_dir() or _digest(folder / name) != known.get(name):
            _export(folder / name, fill)


def with_lineage(save: Callable[[Path], None], lineage: Lineage) -> Callable[[Path], None]:
    """An export of what `save` writes with its lineage beside it."""

    def fill(folder: Path) -> None:
        save(folder)
        save_lineage(folder, lineage)

    return fill


def _export(folder: Path, fill: Callable[[Path], None]) -> str:
    with atomic_folder(folder) as temporary:
        fill(temporary)
        return _digest(temporary)


def _digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def save_checkpoint(
    folder: str | Path,
    modules: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    state: dict[str, Any],
) -> None:
    """Write everything needed to go on; `state` holds JSON values (step, config, ..)."""
    with atomic_folder(folder) as temporary:
        for name, module in modules.items():
            save_weights(temporary / f"{name}.safetensors", module.state_dict())
        groups = {}
        for name, optimizer in optimizers.items():
            tensors, groups[name] = _flatten(optimizer.state_dict())
            save_weights(temporary / f"optimizer_{name}.safetensors", tensors)
        save_weights(temporary / "rng.safetensors", {"cpu": torch.get_rng_state()})
        write_json(temporary / STATE_NAME, {"state": state, "optimizers": groups})


def load_checkpoint(
    folder: str | Path, modules: dict[str, nn.Module], optimizers: dict[str, torch.optim.Optimizer]
) -> dict[str, Any]:
    """Restore what `save_checkpoint` wrote and return its `state`.

    Raises:
        CheckpointError: the folder is incomplete or made for other modules.
    """
    folder = Path(folder)
    saved = read_json(folder / STATE_NAME)
    for name, module in modules.items():
        try:
            module.load_state_dict(load_weights(folder / f"{name}.safetensors"))
        except RuntimeError as error:
            raise CheckpointError(
                f"{folder}: {name} was saved with another config ({str(error)[:200]})"
            ) from error
    for name, optimizer in optimizers.items():
        tensors = load_weights(folder / f"optimizer_{name}.safetensors")
        optimizer.load_state_dict(_unflatten(tensors, saved["optimizers"][name]))
    torch.set_rng_state(load_weights(folder / "rng.safetensors")["cpu"])
    return saved["state"]


def has_checkpoint(folder: str | Path) -> bool:
    """Whether a complete checkpoint lies there; what kills left in the run's folder is cleared
    away.
    """
    sweep(Path(folder).parent)
    return (Path(folder) / STATE_NAME).exists()


def _flatten(state: dict[str, Any]) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Optimiser state -> tensors named `index/key`, and the parameter groups as JSON values."""
    tensors = {
        f"{index}/{key}": value if isinstance(value, Tensor) else torch.tensor(value)
        for index, entry in state["state"].items()
        for key, value in entry.items()
    }
    return tensors, state["param_groups"]


def _unflatten(tensors: dict[str, Tensor], groups: list[dict[str, Any]]) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = value
    return {"state": state, "param_groups": groups}
