"""Token shards: what is stored comes back, and nothing is mispaired."""

import numpy as np
import pytest

from affecttts.data.codes.store import (
    CodeRow,
    CodeStore,
    audio_digest,
    shard_is_current,
    shard_path,
    write_shard,
)
from codec.errors import CheckpointError

CODEC = "c" * 16


def rows(names="abc", seed=0):
    generator = np.random.default_rng(seed)
    return [
        CodeRow(name, f"hash-{name}", generator.integers(0, 1024, (4, 3 + i)).astype(np.uint16))
        for i, name in enumerate(names)
    ]


def keys(made):
    return [(row.id, row.audio_sha256) for row in made]


def test_what_is_written_is_read(tmp_path):
    first, second = rows("abc"), rows("de", 1)
    write_shard(shard_path(tmp_path, 0, 2), first, CODEC)
    write_shard(shard_path(tmp_path, 1, 2), second, CODEC)
    store = CodeStore(tmp_path)
    assert sorted(store.ids()) == ["a", "b", "c", "d", "e"] and store.codec_fingerprint == CODEC
    for row in [*first, *second]:
        np.testing.assert_array_equal(store[row.id], row.codes)
        assert store[row.id].dtype == np.uint16
    assert "a" in store and "z" not in store


def test_an_empty_shard_among_full_ones(tmp_path):
    write_shard(shard_path(tmp_path, 0, 2), rows(), CODEC)
    write_shard(shard_path(tmp_path, 1, 2), [], CODEC)
    assert len(list(CodeStore(tmp_path).ids())) == 3


def test_only_the_same_audio_and_codec_are_current(tmp_path):
    path, made = shard_path(tmp_path, 0, 1), rows()
    assert not shard_is_current(path, keys(made), CODEC)
    write_shard(path, made, CODEC)
    assert shard_is_current(path, keys(made), CODEC)
    assert not shard_is_current(path, keys(made), "d" * 16)
    assert not shard_is_current(path, [*keys(made)[:-1], ("c", "other audio")], CODEC)
    assert not shard_is_current(path, keys(made)[:-1], CODEC)
    assert not shard_is_current(path, keys(made)[::-1], CODEC)
    path.with_suffix(".json").unlink()
    assert not shard_is_current(path, keys(made), CODEC)


def test_digest_follows_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    (tmp_path / "c").write_bytes(b"two")
    first, same, other = (audio_digest(tmp_path / name) for name in "abc")
    assert first == same != other and len(first) == 16


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="encode_corpus"):
        CodeStore(tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_missing_part_is_refused(tmp_path, suffix):
    for index in range(3):
        write_shard(shard_path(tmp_path, index, 3), rows(), CODEC)
    shard_path(tmp_path, 1, 3).with_suffix(suffix).unlink()
    with pytest.raises(CheckpointError, match="of 3 shards"):
        CodeStore(tmp_path)


def test_shards_of_two_splittings_are_refused(tmp_path):
    write_shard(shard_path(tmp_path, 0, 1), rows(), CODEC)
    write_shard(shard_path(tmp_path, 0, 2), rows(), CODEC)
    with pytest.raises(CheckpointError):
        CodeStore(tmp_path)


def test_mixed_codecs_are_refused(tmp_path):
    write_shard(shard_path(tmp_path, 0, 2), rows("ab"), CODEC)
    write_shard(shard_path(tmp_path, 1, 2), rows("cd"), "d" * 16)
    with pytest.raises(CheckpointError, match="different codecs"):
        CodeStore(tmp_path)


def test_a_truncated_shard_is_refused(tmp_path):
    path = shard_path(tmp_path, 0, 1)
    write_shard(path, rows(), CODEC)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError):
        CodeStore(tmp_path)
