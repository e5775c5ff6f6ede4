"""Model folders: config.json + model.safetensors; pickles are refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codec.atomic import write_text
from codec.config import CodecConfig
from codec.errors import CheckpointError, InputError
from codec.inputs import json_text as inputs
from codec.inputs.door import JSON_BYTES, RECORD_BYTES, inside
from codec.inputs.weights import read_tensors, unstarted

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
SHARD_BYTES = 15_000_000


def member(folder: str | Path, name: str) -> Path:
    """A file or folder of a model folder, wherever no link leads out of it.

    Raises:
        CheckpointError: no path, or a link out of the folder.
    """
    try:
        return inside(folder, name)
    except InputError as error:
        raise CheckpointError(str(error)) from error


def read_json(path: str | Path, limit: int = RECORD_BYTES) -> Any:
    """Read a JSON file of at most `limit` bytes.

    Raises:
        CheckpointError: missing, unreadable or no JSON.
    """
    try:
        return inputs.read_json(path, limit)
    except InputError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        cure = "; is this the folder of a model?" if missing else ""
        raise CheckpointError(f"{error}{cure}") from error
    except ValueError as error:
        raise CheckpointError(
            f"{path}: not readable as JSON ({error}); fetch the model again"
        ) from error


def write_json(path: str | Path, values: Any) -> None:
    """Write indented UTF-8 JSON, atomically."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def save_weights(path: str | Path, tensors: dict[str, Any]) -> None:
    """Write tensors as safetensors."""
    from safetensors.torch import save_file

    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, str(path)
    )
    Path(path).chmod(0o644)  # safetensors makes files that their owner alone can read


def load_weights(path: str | Path) -> dict[str, Any]:
    """Read a safetensors file.

    Raises:
        CheckpointError: missing, truncated, corrupt, another format, or NaN or infinite weights.
    """
    return read_tensors(path)


def built(build: Callable[[], Any], tensors: dict[str, Any], source: str | Path) -> Any:
    """A network whose weights `load_strictly` is about to replace: not started at random, and never
    larger than the tensors that there are.

    Raises:
        CheckpointError: the config asks for more, or for what no network can be.
    """
    elements = sum(tensor.numel() for tensor in tensors.values())
    try:
        with unstarted(elements):
            return build()
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {CONFIG_NAME} {error}") from error
    except (ValueError, TypeError, ArithmeticError, RuntimeError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{source}: {CONFIG_NAME} describes no network ({reason})") from error


def load_strictly(module: Any, tensors: dict[str, Any], source: str | Path) -> None:
    """Load a state dict, every name and shape matching.

    Raises:
        CheckpointError: names or shapes differ; the first differences are listed.
    """
    own = module.state_dict()
    for name, tensor in tensors.items():
        if name in own and own[name].is_floating_point() != tensor.is_floating_point():
            raise CheckpointError(f"{source}: {name} holds {tensor.dtype}; fetch the model again")
    tensors = {
        name: tensor.to(own[name].dtype) if name in own else tensor
        for name, tensor in tensors.items()
    }
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"{source}: the weights do not fit {CONFIG_NAME} beside them ({reason})"
        ) from error


def save_model_weights(folder: str | Path, tensors: dict[str, Any]) -> None:
    """Write a model's tensors as transformers does: model.safetensors, or shards of `SHARD_BYTES`
    with an index.
    """
    shards: list[dict[str, Any]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    if len(shards) == 1:
        save_weights(Path(folder) / WEIGHTS_NAME, tensors)
        return
    names = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for name, shard in zip(names, shards):
        save_weights(Path(folder) / name, shard)
    places = {tensor: name for name, shard in zip(names, shards) for tensor in shard}
    total = sum(tensor.nbytes for tensor in tensors.values())
    write_json(Path(folder) / INDEX_NAME, {"metadata": {"total_size": total}, "weight_map": places})


def load_model_weights(folder: str | Path) -> dict[str, Any]:
    """Read what `save_model_weights` wrote.

    Raises:
        CheckpointError: a file is missing, truncated, corrupt or outside the folder.
    """
    if not os.path.lexists(member(folder, INDEX_NAME)):
        return load_weights(member(folder, WEIGHTS_NAME))
    places = _weight_map(folder)
    tensors: dict[str, Any] = {}
    for name in sorted(set(places.values())):
        shard = load_weights(member(folder, name))
        if set(shard) != {tensor for tensor, place in places.items() if place == name}:
            raise CheckpointError(
                f"{folder}/{name}: not the tensors that {INDEX_NAME} says; fetch the model again"
            )
        tensors |= shard
    return tensors


def _weight_map(folder: str | Path) -> dict[str, str]:
    """Tensor -> shard, of the index of a model folder."""
    index = read_json(member(folder, INDEX_NAME), JSON_BYTES)
    places = index.get("weight_map") if isinstance(index, dict) else None
    named = isinstance(places, dict) and all(
        isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name
        for name in places.values()
    )
    if not places or not named:
        raise CheckpointError(
            f"{folder}/{INDEX_NAME}: not an index of shards beside it; fetch the model again"
        )
    return places


def _object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object."""
    values = read_json(path, JSON_BYTES)
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: not a JSON object; fetch the model again")
    return values


def fingerprint(folder: str | Path, *, detail: bool = False, decoder: bool = False) -> str:
    """What a codec's codes mean: SHA-256 over its config, encoder and codebooks, first 16 hex
    digits.

    The decoder counts only on request (for what depends on how codes sound), since it may learn on
    after a language model has learned the codes. Nor does a detail layer, whose codes say what the
    decoder's copy lacks: with `detail` both count where there is one. The sharding never does, nor
    a field of the config that says what is the default anyway, so that later versions may add some.
    """
    import torch

    usual = json.loads(json.dumps(CodecConfig().to_dict()))
    shape = {
        name: value
        for name, value in _object(member(folder, CONFIG_NAME)).items()
        if value != usual.get(name)
    }
    whole = decoder or (detail and "detail_codebooks" in shape)
    if not whole:
        shape = {name: value for name, value in shape.items() if not name.startswith("detail_")}
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode())
    for name, tensor in sorted(load_model_weights(folder).items()):
        if not whole and name.startswith(("decoder.", "detail.")):
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        tensor = tensor + 0  # there is but one zero
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
