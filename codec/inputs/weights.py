"""Safetensors of strangers: the header is checked before anything is allocated, then the values."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from codec.errors import CheckpointError, InputError
from codec.inputs.door import MEGABYTE, WEIGHTS_BYTES, open_file
from codec.inputs.json_text import parse_json

HEADER_BYTES = 8 * MEGABYTE
MAX_DIMENSIONS = 8
Shapes = dict[str, tuple[int, ...]]


def read_shapes(path: str | os.PathLike[str]) -> Shapes:
    """Names and shapes of the tensors of a safetensors file; no tensor is read.

    Raises:
        CheckpointError: missing, no regular file, or a header that makes no sense.
    """
    try:
        with open_file(path, WEIGHTS_BYTES) as file:
            size = struct.unpack("<Q", file.read(8))[0]
            if size > HEADER_BYTES:
                raise ValueError(f"a header of {size} bytes")
            header = parse_json(file.read(size))
        if not isinstance(header, dict):
            raise ValueError("the header is no object")
        return {name: _shape(name, v) for name, v in header.items() if name != "__metadata__"}
    except InputError as error:
        raise CheckpointError(
            f"{error}; only safetensors weights are read, never pickles"
        ) from error
    except (struct.error, ValueError) as error:
        raise CheckpointError(
            f"{path}: truncated or not a safetensors file ({str(error)[:100]}); fetch it again"
        ) from error


def _shape(name: str, entry: Any) -> tuple[int, ...]:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if (
        not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(length) is int and length >= 0 for length in shape)
    ):
        raise ValueError(f"{name[:60]!r} has no shape")
    return tuple(shape)


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: see `read_shapes`; truncated or corrupt; NaN or infinite values.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_shapes(path)
    try:
        tensors = load_file(str(path))
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError, UnicodeError) as error:
        raise CheckpointError(
            f"{path}: truncated or not a safetensors file ({str(error)[:200]}); fetch it again"
        ) from error
    check_finite(tensors, path)
    return tensors


def check_finite(tensors: dict[str, Any], source: str | os.PathLike[str]) -> None:
    """Raises:
    CheckpointError: a tensor holds NaN or infinite values.
    """
    for name, tensor in tensors.items():
        # A sum tells without a copy; where it overflows, every value is looked at.
        if tensor.is_floating_point() and not math.isfinite(float(tensor.float().sum())):
            if not bool(tensor.isfinite().all()):
                raise CheckpointError(
                    f"{source}: {name[:80]} holds NaN or infinite weights; fetch the model again"
                )


def count_elements(shapes: Shapes) -> int:
    """How many numbers the tensors hold."""
    return sum(math.prod(shape) for shape in shapes.values())


@contextmanager
def unstarted(elements: int) -> Iterator[None]:
    """Networks that are built here leave their weights as they lie in memory, since a file replaces
    them, and may hold no more than `elements` numbers in all besides small constants.

    Raises:
        CheckpointError: a network asks for more: its config does not belong to its weights.
    """
    from codec.inputs.building import Unstarted

    with Unstarted(elements):
        yield
