"""Shards of codes made by many tasks as one verified set, and their export for other programs."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.data.codes.encode import Item, ShardPlan
from affecttts.data.codes.store import (
    CodeRow,
    file_digest,
    index_path,
    read_shard,
    shard_count,
    shard_path,
)
from affecttts.data.lineage import trace
from affecttts.errors import RequestError
from codec.atomic import atomic_file, atomic_folder
from codec.errors import CheckpointError
from codec.files import read_json, write_json

MERGED_NAME = "merged.json"
TAR_ROWS = 10_000  # rows of one WebDataset file
TEXT_COLUMNS = "id speaker split language text text_asr ipa emotion licence".split()
NUMBER_COLUMNS = "seconds offset intensity start".split()

Progress = Callable[[Item], object]


@dataclass(frozen=True)
class EncodedItem:
    """An utterance with its codes."""

    item: Item
    row: CodeRow
    codec: str


def merge_shards(
    folder: str | Path,
    manifests: list[str],
    rehash: bool = False,
    progress: Progress = lambda item: None,
) -> dict[str, Any]:
    """Verify every shard against the manifests and write merged.json, which lists them.

    Counts, ids and their order, the hash of every shard and its codec are verified; with `rehash`,
    also every audio file.

    Returns:
        The contents of merged.json.

    Raises:
        CheckpointError: a shard is missing, damaged, of another codec or of other utterances; the
            message names it.
    """
    count = shard_count(folder)
    plan, shards, codecs = ShardPlan(manifests, count), [], set()
    for index in range(count):
        path = shard_path(folder, index, count)
        frames, codec = _verify(path, plan, index, rehash, progress)
        codecs.add(codec)
        shards.append(
            {
                "file": path.name,
                "sha256": file_digest(path),
                "rows": plan.size(index),
                "frames": frames,
            }
        )
    if len(codecs) > 1:
        raise CheckpointError(
            f"{folder}: shards of different codecs {sorted(codecs)}; encode all of them with one"
        )
    totals = {name: sum(shard[name] for shard in shards) for name in ("rows", "frames")}
    hours, lineage = round(sum(plan.seconds) / 3600, 4), trace(manifests).to_dict()
    merged = {"codec": codecs.pop(), **totals, "hours": hours, "shards": shards, "lineage": lineage}
    write_json(Path(folder) / MERGED_NAME, merged)
    return merged


def _verify(
    path: Path, plan: ShardPlan, index: int, rehash: bool, progress: Progress
) -> tuple[int, str]:
    """Frames and codec of a shard.

    Raises:
        CheckpointError: see `merge_shards`.
    """
    again = f"encode it again with --shard {index}/{plan.count}"
    if not (path.exists() and index_path(path).exists()):
        raise CheckpointError(f"{path}: missing or incomplete; {again}")
    stored = read_json(index_path(path)).get("sha256")
    if stored is not None and stored != file_digest(path):
        raise CheckpointError(
            f"{path}: its bytes are not those that were written; remove it, then {again}"
        )
    rows, codec = read_shard(path)
    if len(rows) != plan.size(index):
        raise CheckpointError(
            f"{path}: {len(rows)} utterances, the manifests have {plan.size(index)}; {again}"
        )
    for row, item in zip(rows, plan.items(index)):
        if row.id != item.utterance.id:
            raise CheckpointError(
                f"{path}: has {row.id!r} where the manifests have {item.utterance.id!r}; {again}"
            )
        if rehash and (row.id, row.audio_sha256) != item.key():
            raise CheckpointError(f"{path}: the audio of {row.id!r} has changed since; {again}")
        progress(item)
    return sum(row.codes.shape[1] for row in rows), codec


# -- export
def encoded_items(folder: str | Path, manifests: list[str]) -> Iterator[EncodedItem]:
    """Every utterance with its codes, shard by shard; the shards must be merged."""
    count = shard_count(folder)
    plan = ShardPlan(manifests, count)
    for index in range(count):
        rows, codec = read_shard(shard_path(folder, index, count))
        for row, item in zip(rows, plan.items(index), strict=True):
            yield EncodedItem(item, row, codec)


def _values(encoded: EncodedItem) -> dict[str, Any]:
    """The row of the manifest, and which audio and codec the codes are of."""
    values = {
        name: value for name, value in asdict(encoded.item.utterance).items() if name != "path"
    }
    return values | {"audio_sha256": encoded.row.audio_sha256, "codec": encoded.codec}


def export_parquet(
    folder: str | Path,
    manifests: list[str],
    target: str | Path,
    progress: Progress = lambda item: None,
) -> int:
    """One Parquet file: the manifest's columns, and `codes` as K lists of frames.

    Returns:
        The number of rows.

    Raises:
        RequestError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RequestError('Parquet needs pyarrow: pip install "affecttts[data]"') from error
    numbers, codes = pa.list_(pa.float32()), pa.list_(pa.list_(pa.uint16()))
    columns = [(name, pa.string()) for name in TEXT_COLUMNS]
    columns += [(name, pa.float64()) for name in NUMBER_COLUMNS]
    columns += [("offset_estimated", pa.bool_()), ("durations", numbers), ("vad", numbers)]
    columns += [("audio_sha256", pa.string()), ("codec", pa.string()), ("codes", codes)]
    schema, total = pa.schema(columns), 0
    with (
        atomic_file(target) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for rows in _batches(encoded_items(folder, manifests), 1000):
            records = [_values(encoded) | {"codes": list(encoded.row.codes)} for encoded in rows]
            writer.write_table(pa.Table.from_pylist(records, schema))
            total += len(rows)
            for encoded in rows:
                progress(encoded.item)
    return total


def export_webdataset(
    folder: str | Path,
    manifests: list[str],
    target: str | Path,
    progress: Progress = lambda item: None,
) -> int:
    """A folder of WebDataset tar files: NNNNNNNNN.npy holds codes uint16 [K,F], .json the row.

    Returns:
        The number of rows.
    """
    total = 0
    with atomic_folder(target) as temporary:
        for number, rows in enumerate(_batches(encoded_items(folder, manifests), TAR_ROWS)):
            with tarfile.open(temporary / f"tokens-{number:06d}.tar", "w") as tar:
                for encoded in rows:
                    codes, values = io.BytesIO(), json.dumps(_values(encoded), ensure_ascii=False)
                    np.save(codes, encoded.row.codes)
                    _add(tar, f"{total:09d}.npy", codes.getvalue())
                    _add(tar, f"{total:09d}.json", values.encode())
                    total += 1
                    progress(encoded.item)
    return total


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _batches(items: Iterator[EncodedItem], size: int) -> Iterator[list[EncodedItem]]:
    batch: list[EncodedItem] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
