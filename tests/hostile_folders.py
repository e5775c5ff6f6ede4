"""Ways to spoil a model or voice folder, each named: what a stranger may hand over."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Spoil = Callable[[Path], None]
DEEP = "[" * 100_000 + "]" * 100_000
WIDE = "[" + "[]," * 2_000_000 + "[]]"


def replaced(name: str, data: bytes) -> Spoil:
    """The file holds something else."""
    return lambda folder: (folder / name).write_bytes(data) and None


def instead(name: str, make: Callable[[Path], object]) -> Spoil:
    """Something else lies in the place of the file."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


def linked_out(name: str) -> Spoil:
    """The file is a link to its own content, outside of the folder."""

    def spoil(folder: Path) -> None:
        path = folder / name
        outside = Path(str(folder) + "_outside.bin")
        os.replace(path, outside)
        path.symlink_to(outside)

    return spoil


def file_spoils(name: str) -> Iterator[tuple[str, Spoil]]:
    """What can become of any file."""
    for what, data in {
        "empty": b"",
        "zeros": b"\0" * 1000,
        "noise": bytes(range(256)) * 40,
        "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
    }.items():
        yield f"{name}: {what}", replaced(name, data)
    yield f"{name}: missing", instead(name, lambda path: None)
    yield f"{name}: a folder", instead(name, Path.mkdir)
    yield f"{name}: a pipe", instead(name, os.mkfifo)
    yield f"{name}: a device", instead(name, lambda path: path.symlink_to("/dev/zero"))
    yield f"{name}: a link to itself", instead(name, lambda path: path.symlink_to(path))
    yield f"{name}: a broken link", instead(name, lambda path: path.symlink_to("nowhere"))
    yield f"{name}: a link out", linked_out(name)


def json_spoils(name: str) -> Iterator[tuple[str, Spoil]]:
    """What can become of a JSON file as a whole."""
    yield from file_spoils(name)
    for what, text in {
        "null": "null",
        "a list": "[]",
        "a number": "1e999",
        "a text": '"x"',
        "an empty object": "{}",
        "deep": DEEP,
        "deep in an object": f'{{"a": {DEEP}}}',
        "wide": WIDE,
        "cut": '{"name": "x',
        "a long number": '{"name": ' + "9" * 6000 + "}",
        "a lone surrogate": '{"name": "\\ud800"}',
        "a surrogate as a key": '{"\\ud800": 1}',
    }.items():
        yield f"{name}: {what}", replaced(name, text.encode())
    yield f"{name}: UTF-16", replaced(name, "{}".encode("utf-16"))


def value_spoils(name: str, values: dict, wrong: dict[str, object]) -> Iterator[tuple[str, Spoil]]:
    """Every value of a JSON file, also inside its objects, replaced by each wrong one."""
    for path in _paths(values):
        for what, value in wrong.items():
            yield f"{name}: {'.'.join(map(str, path))} = {what}", _changed(name, path, value)


def _paths(values: dict, start: tuple = ()) -> Iterator[tuple]:
    for key, value in values.items():
        yield (*start, key)
        if isinstance(value, dict):
            yield from _paths(value, (*start, key))


def _changed(name: str, path: tuple, value: object) -> Spoil:
    def spoil(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        place = values
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        (folder / name).write_text(json.dumps(values))

    return spoil


WRONG = {
    "null": None,
    "word": "x",
    "minus": -1,
    "huge": 30_000_000,
    "hugest": 10**300,
    "list": [],
    "object": {},
    "truth": True,
}


def weight_spoils(name: str) -> Iterator[tuple[str, Spoil]]:
    """What can become of a safetensors file."""
    yield from file_spoils(name)
    for share in (0.1, 0.5, 0.9, 0.999):
        yield f"{name}: cut at {share}", _cut(name, share)
    for what, size in {"2^63": 2**63, "2^64-1": 2**64 - 1, "1e9": 10**9, "0": 0}.items():
        yield f"{name}: a header of {what}", _header(name, struct.pack("<Q", size))
    for what, entry in {
        "a shape of 2^60": {"dtype": "F32", "shape": [2**60], "data_offsets": [0, 4]},
        "a product that overflows": {"dtype": "F32", "shape": [2**33] * 2, "data_offsets": [0, 4]},
        "offsets backwards": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]},
        "an unknown type": {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]},
        "a negative shape": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        "no shape": {"dtype": "F32", "data_offsets": [0, 4]},
        "a text": "x",
    }.items():
        yield f"{name}: a tensor of {what}", _only(name, {"x": entry})
    yield f"{name}: a deep header", _only(name, None, DEEP)
    for what, change in {
        "NaN": lambda t: t.fill_(torch.nan) if t.is_floating_point() else t,
        "infinite": lambda t: t.fill_(torch.inf) if t.is_floating_point() else t,
        "one row less": lambda t: t[:-1].clone() if len(t) > 1 else t[:0].clone(),
        "one axis more": lambda t: t[None].clone(),
        "whole numbers": lambda t: t.to(torch.int32),
        "nothing": lambda t: t.flatten()[:0].clone(),
    }.items():
        for place in ("first", "last", "every"):
            yield f"{name}: {place} tensor {what}", _tensors(name, place, change)
    yield f"{name}: a tensor missing", _rewritten(name, lambda tensors: tensors.popitem())
    yield (
        f"{name}: a tensor too many",
        _rewritten(name, lambda tensors: tensors.update(extra=torch.zeros(3))),
    )
    yield f"{name}: no tensor", _rewritten(name, lambda tensors: tensors.clear())


def _cut(name: str, share: float) -> Spoil:
    def spoil(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * share)])

    return spoil


def _header(name: str, start: bytes) -> Spoil:
    return lambda folder: (
        (folder / name).write_bytes(start + (folder / name).read_bytes()[8:]) and None
    )


def _only(name: str, header: dict | None, text: str = "") -> Spoil:
    data = (text or json.dumps(header)).encode()
    return replaced(name, struct.pack("<Q", len(data)) + data + b"\0" * 8)


def _rewritten(name: str, change: Callable[[dict], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        tensors = {key: value.clone() for key, value in load_file(folder / name).items()}
        change(tensors)
        save_file(tensors, folder / name)

    return spoil


def _tensors(name: str, place: str, change: Callable) -> Spoil:
    def spoil(tensors: dict) -> None:
        names = sorted(tensors)
        chosen = {"first": names[:1], "last": names[-1:], "every": names}[place]
        for key in chosen:
            tensors[key] = change(tensors[key]).contiguous()

    return _rewritten(name, spoil)


def index_spoils(folder_name: str) -> Iterator[tuple[str, Spoil]]:
    """Indices of shards that say what is not so."""
    index, weights = f"{folder_name}/model.safetensors.index.json", "model.safetensors"

    def written(value: object) -> Spoil:
        def spoil(folder: Path) -> None:
            names = load_file(folder / folder_name / weights)
            filled = {n: value for n in names} if isinstance(value, (str, int)) else value
            (folder / index).write_text(json.dumps({"weight_map": filled}))

        return spoil

    for what, value in {
        "up": "../secret.safetensors",
        "absolute": "/etc/passwd",
        "a number": 3,
        "itself": "model.safetensors.index.json",
        "a missing shard": "model-00001-of-00002.safetensors",
        "a list": ["model.safetensors"],
        "null": None,
        "nothing": {},
        "a list inside": {"x": ["model.safetensors"]},
        "one tensor of many": {"x": "model.safetensors"},
        "a deep name": "a/" * 2000 + "x.safetensors",
        "a NUL": "a\0.safetensors",
    }.items():
        yield f"{index}: {what}", written(value)
