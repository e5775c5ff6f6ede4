"""Codes of a corpus on disk: safetensors shards with an index each, keyed by utterance and codec.

A shard holds `codes` uint16 [K, sum of frames]; its index holds one row per utterance: id, SHA-256
of the audio file, first frame and number of frames, and for the shard the fingerprint of the codec
and whose latents it quantised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.atomic import atomic_file
from codec.errors import CheckpointError
from codec.files import read_json, write_json
from codec.inputs import door

ENCODER, ANALYSIS = "encoder", "analysis"  # whose latents are quantised


@dataclass(frozen=True)
class CodeRow:
    """Codes of one utterance."""

    id: str
    audio_sha256: str  # first 16 hex digits
    codes: np.ndarray  # uint16 [K,F]


def audio_digest(path: str | Path, start: float | None = None, seconds: float | None = None) -> str:
    """SHA-256 of an audio file and, for a part of it as in `load_audio`, of its place; first 16 hex
    digits.
    """
    place = b"" if start is None else f"{start} {seconds}".encode()
    return door.file_digest(path, door.AUDIO_BYTES, place)[:16]


def shard_path(folder: str | Path, index: int, count: int) -> Path:
    """Where shard `index` of `count` lies; its JSON index has the same name with another suffix."""
    return Path(folder) / f"tokens-{index:05d}-of-{count:05d}.safetensors"


def shard_count(folder: str | Path) -> int:
    """Of how many shards the set in a folder is, some of which may be missing.

    Raises:
        CheckpointError: no shards, or shards of sets of different sizes.
    """
    counts = {
        int(path.stem.rsplit("-", 1)[1]) for path in Path(folder).glob("tokens-*-of-*.safetensors")
    }
    if not counts:
        raise CheckpointError(f"{folder}: no token shards; run recipes/encode_corpus.py first")
    if len(counts) > 1:
        raise CheckpointError(
            f"{folder}: sets of {' and '.join(map(str, sorted(counts)))} "
            "shards; remove all but one of them"
        )
    return counts.pop()


def index_path(path: Path) -> Path:
    """The JSON index of a shard."""
    return path.with_suffix(".json")


def write_shard(
    path: Path, rows: list[CodeRow], codec_fingerprint: str, latents: str = ENCODER
) -> None:
    """Write one shard; an earlier index goes first and the new one comes last, so a shard with an
    index is complete.
    """
    from safetensors.numpy import save_file

    starts = np.cumsum([0] + [row.codes.shape[1] for row in rows])
    codes = (
        np.concatenate([row.codes for row in rows], axis=1) if rows else np.zeros((1, 0), np.uint16)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    index_path(path).unlink(missing_ok=True)
    with atomic_file(path) as temporary:
        save_file({"codes": np.ascontiguousarray(codes)}, str(temporary))
        digest = file_digest(temporary)
    entries = [
        {
            "id": row.id,
            "audio_sha256": row.audio_sha256,
            "start": int(start),
            "frames": row.codes.shape[1],
        }
        for row, start in zip(rows, starts)
    ]
    write_json(
        index_path(path),
        {"codec": codec_fingerprint, "latents": latents, "sha256": digest, "rows": entries},
    )


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, first 16 hex digits."""
    return door.file_digest(path, door.WEIGHTS_BYTES)[:16]


def read_shard(path: Path) -> tuple[list[CodeRow], str]:
    """The rows of a shard and the fingerprint of its codec.

    Raises:
        CheckpointError: incomplete, truncated or corrupt.
    """
    index, codes = read_json(index_path(path)), _read_codes(path)
    rows = [
        CodeRow(r["id"], r["audio_sha256"], codes[:, r["start"] : r["start"] + r["frames"]])
        for r in index["rows"]
    ]
    return rows, index["codec"]


def _read_codes(path: Path) -> np.ndarray:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(str(path))["codes"]
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path}: truncated or no token shard ({error}); remove it and encode again"
        ) from error


def shard_latents(path: Path) -> str:
    """Whose latents the codes of a shard are of: ENCODER or ANALYSIS."""
    return read_json(index_path(path)).get("latents", ENCODER)


def shard_is_current(
    path: Path, keys: list[tuple[str, str]], codec_fingerprint: str, latents: str = ENCODER
) -> bool:
    """Whether the shard holds exactly these (id, audio hash) pairs, encoded by this codec from such
    latents.
    """
    if not (path.exists() and index_path(path).exists()):
        return False
    index = read_json(index_path(path))
    return (
        index["codec"] == codec_fingerprint
        and index.get("latents", ENCODER) == latents
        and [(r["id"], r["audio_sha256"]) for r in index["rows"]] == keys
    )


class CodeStore:
    """All shards of a folder: `store[id]` is uint16 [K,F].

    Raises:
        CheckpointError: no shards, shards missing from the set, of different sets, or of different
            codecs.
    """

    def __init__(self, folder: str | Path) -> None:
        count = shard_count(folder)
        paths = [shard_path(folder, index, count) for index in range(count)]
        complete = [path for path in paths if path.exists() and index_path(path).exists()]
        if len(complete) != count:
            raise CheckpointError(
                f"{folder}: {len(complete)} of {count} shards are complete; run "
                "encode_corpus.py again"
            )
        self.codes: dict[str, np.ndarray] = {}
        fingerprints = {self._add(path) for path in paths}
        if len(fingerprints) != 1:
            raise CheckpointError(
                f"{folder}: shards of different codecs {sorted(fingerprints)}; "
                "encode into an empty folder"
            )
        self.codec_fingerprint = fingerprints.pop()

    def _add(self, path: Path) -> str:
        rows, fingerprint = read_shard(path)
        self.codes |= {row.id: row.codes for row in rows}
        return fingerprint

    @property
    def num_codebooks(self) -> int:
        """K."""
        return next(iter(self.codes.values())).shape[0]

    def __getitem__(self, utterance_id: str) -> np.ndarray:
        return self.codes[utterance_id]

    def __contains__(self, utterance_id: str) -> bool:
        return utterance_id in self.codes

    def ids(self) -> Iterable[str]:
        """Ids of all utterances."""
        return self.codes.keys()
