"""Codec tokens of a corpus on disk: safetensors shards beside a JSON index, keyed so that nothing can be mispaired.

A shard holds `codes` uint16 [K, sum of frames]; its index holds one row per utterance: id, SHA-256 of the audio file,
first frame and number of frames, and for the shard the fingerprint of the codec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.errors import CheckpointError
from codec.serialization import atomic_file, load_weights, read_json, write_json


@dataclass(frozen=True)
class TokenRow:
    """Codes of one utterance."""

    id: str
    audio_sha256: str  # first 16 hex digits
    codes: np.ndarray  # uint16 [K,F]


def audio_digest(path: str | Path, start: float | None = None, seconds: float | None = None) -> str:
    """SHA-256 of an audio file and, for a part of it as in `load_audio`, of its place; first 16 hex digits."""
    place = b"" if start is None else f"{start} {seconds}".encode()
    return hashlib.sha256(Path(path).read_bytes() + place).hexdigest()[:16]


def shard_path(folder: str | Path, index: int, count: int) -> Path:
    """Where shard `index` of `count` lies; its JSON index has the same name with another suffix."""
    return Path(folder) / f"tokens-{index:05d}-of-{count:05d}.safetensors"


def write_shard(path: Path, rows: list[TokenRow], codec_fingerprint: str) -> None:
    """Write one shard; the index comes last, so a shard with an index is complete."""
    from safetensors.numpy import save_file

    starts = np.cumsum([0] + [row.codes.shape[1] for row in rows])
    codes = np.concatenate([row.codes for row in rows], axis=1) if rows else np.zeros((1, 0), np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        save_file({"codes": np.ascontiguousarray(codes)}, str(temporary))
    entries = [
        {"id": row.id, "audio_sha256": row.audio_sha256, "start": int(start), "frames": row.codes.shape[1]}
        for row, start in zip(rows, starts)
    ]
    write_json(path.with_suffix(".json"), {"codec": codec_fingerprint, "rows": entries})


def shard_is_current(path: Path, keys: list[tuple[str, str]], codec_fingerprint: str) -> bool:
    """Whether the shard holds exactly these (id, audio hash) pairs, encoded by this codec."""
    if not (path.exists() and path.with_suffix(".json").exists()):
        return False
    index = read_json(path.with_suffix(".json"))
    return index["codec"] == codec_fingerprint and [(r["id"], r["audio_sha256"]) for r in index["rows"]] == keys


class TokenStore:
    """All shards of a folder: `store[id]` is uint16 [K,F].

    Raises:
        CheckpointError: no shards, shards missing from the set, or shards of different codecs.
    """

    def __init__(self, folder: str | Path) -> None:
        paths = sorted(Path(folder).glob("tokens-*.safetensors"))
        if not paths:
            raise CheckpointError(f"{folder}: no token shards; run recipes/encode_corpus.py first")
        count = int(paths[0].stem.rsplit("-", 1)[1])
        if len(paths) != count or not all(path.with_suffix(".json").exists() for path in paths):
            raise CheckpointError(f"{folder}: {len(paths)} of {count} shards are complete; run encode_corpus.py again")
        self.codes: dict[str, np.ndarray] = {}
        fingerprints = {self._add(path) for path in paths}
        if len(fingerprints) != 1:
            raise CheckpointError(f"{folder}: shards of different codecs {sorted(fingerprints)}; encode into an empty folder")
        self.codec_fingerprint = fingerprints.pop()

    def _add(self, path: Path) -> str:
        index, codes = read_json(path.with_suffix(".json")), load_weights(path)["codes"].numpy()
        for row in index["rows"]:
            self.codes[row["id"]] = codes[:, row["start"] : row["start"] + row["frames"]]
        return index["codec"]

    def __getitem__(self, utterance_id: str) -> np.ndarray:
        return self.codes[utterance_id]

    def __contains__(self, utterance_id: str) -> bool:
        return utterance_id in self.codes

    def ids(self) -> Iterable[str]:
        """Ids of all utterances."""
        return self.codes.keys()
