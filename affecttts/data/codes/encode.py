"""From audio to shards of codes: which rows belong to which shard, and how it is kept up to date.

A row's shard follows from its id alone, so rows added to a manifest change only the shards that get
them, and what a shard holds already is not encoded again. The encoder is a function; nothing here
knows torch.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affecttts.data.codes.store import (
    ENCODER,
    CodeRow,
    audio_digest,
    index_path,
    read_shard,
    shard_is_current,
    shard_latents,
    write_shard,
)
from affecttts.data.manifest import Utterance, audio_path, parse_row, scan_manifest, sound
from affecttts.data.seen import Seen
from affecttts.errors import RequestError
from codec.atomic import recover
from codec.audio import load_audio
from codec.errors import CheckpointError


@dataclass(frozen=True)
class Encoder:
    """A frozen codec."""

    encode: Callable[[np.ndarray], np.ndarray]  # float32 [T] at sample_rate -> uint16 [K,F]
    sample_rate: int  # Hz
    fingerprint: str
    latents: str = ENCODER  # whose are quantised: see store.py


@dataclass(frozen=True)
class Item:
    """An utterance and the manifest it is of."""

    manifest: Path
    utterance: Utterance

    @property
    def path(self) -> Path:
        """Its audio file."""
        return audio_path(self.manifest, self.utterance)

    def key(self) -> tuple[str, str]:
        """Id and audio hash."""
        return self.utterance.id, audio_digest(
            self.path, self.utterance.start, self.utterance.seconds
        )

    def audio(self, sample_rate: int) -> np.ndarray:
        """Its samples, float32 [T]."""
        return load_audio(
            self.path, sample_rate, self.utterance.start, self.utterance.seconds
        ).samples


class ShardPlan:
    """Which lines of the manifests belong to which of `count` shards, as places in the files.

    Raises:
        RequestError: a manifest that cannot be read, or an id that comes twice.
    """

    def __init__(self, manifests: Iterable[str | Path], count: int) -> None:
        self.manifests, self.count, self.seconds = (
            [Path(manifest) for manifest in manifests],
            count,
            [0.0] * count,
        )
        self._offsets = [[array("Q") for _ in self.manifests] for _ in range(count)]
        seen = Seen()
        for number, manifest in enumerate(self.manifests):
            for row in scan_manifest(manifest):
                utterance = sound(row, manifest)
                if not seen.add(utterance.id):
                    raise RequestError(
                        f"{manifest}: the id {utterance.id!r} comes twice; give "
                        "every utterance its own"
                    )
                shard = shard_of(utterance.id, count)
                self._offsets[shard][number].append(row.offset)
                self.seconds[shard] += utterance.seconds

    def size(self, shard: int) -> int:
        """Rows of a shard."""
        return sum(map(len, self._offsets[shard]))

    def items(self, shard: int) -> Iterator[Item]:
        """The rows of a shard, in the order of the manifests."""
        for manifest, offsets in zip(self.manifests, self._offsets[shard]):
            with manifest.open("rb") as file:
                for offset in offsets:
                    file.seek(offset)
                    yield Item(manifest, parse_row(file.readline()))


def shard_of(utterance_id: str, count: int) -> int:
    """The shard of an utterance."""
    return zlib.crc32(utterance_id.encode()) % count


@dataclass(frozen=True)
class ShardResult:
    """What bringing a shard up to date took."""

    rows: int
    encoded: int = 0  # rows; the others were there
    seconds: float = 0.0  # of audio that was encoded


def encode_shard(
    encoder: Encoder,
    items: Iterable[Item],
    path: Path,
    progress: Callable[[Item], object] = lambda item: None,
) -> ShardResult:
    """Bring the shard at `path` up to date: exactly these items, from their audio by this encoder.

    Idempotent, and atomic: a process that dies leaves the earlier shard, or one that is known to be
    incomplete.

    Raises:
        AudioError: a file that cannot be used; the message names it.
    """
    recover(path)
    recover(index_path(path))
    items = list(items)
    keys = [item.key() for item in items]
    if shard_is_current(path, keys, encoder.fingerprint, encoder.latents):
        for item in items:
            progress(item)
        return ShardResult(len(items))
    known, rows, fresh = _known_codes(path, encoder), [], []
    for item, key in zip(items, keys):
        codes = known.get(key)
        if codes is None:
            codes = encoder.encode(item.audio(encoder.sample_rate))
            fresh.append(item.utterance.seconds)
        rows.append(CodeRow(*key, codes))
        progress(item)
    write_shard(path, rows, encoder.fingerprint, encoder.latents)
    return ShardResult(len(items), len(fresh), sum(fresh))


def _known_codes(path: Path, encoder: Encoder) -> dict[tuple[str, str], np.ndarray]:
    """Codes of an earlier state of the shard by key; none where it is incomplete, broken or of
    another codec or other latents.
    """
    if not (path.exists() and index_path(path).exists()):
        return {}
    try:
        rows, codec = read_shard(path)
    except CheckpointError:
        return {}
    if (codec, shard_latents(path)) != (encoder.fingerprint, encoder.latents):
        return {}
    return {(row.id, row.audio_sha256): row.codes for row in rows}
