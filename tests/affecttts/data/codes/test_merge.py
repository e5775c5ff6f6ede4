"""Shards verified as one set, and exported."""

import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from affecttts.data.codes.encode import ShardPlan
from affecttts.data.codes.merge import MERGED_NAME, export_parquet, export_webdataset, merge_shards
from affecttts.data.codes.store import (
    CodeRow,
    CodeStore,
    file_digest,
    index_path,
    read_shard,
    shard_path,
    write_shard,
)
from affecttts.data.lineage import Lineage, trace
from affecttts.data.manifest import read_manifest
from codec.errors import CheckpointError
from tiny_models import DATA

MANIFEST = str(DATA / "manifest.jsonl")
CODEC = "c" * 16
COUNT = 3


@pytest.fixture
def tokens(tmp_path):
    """Shards of the test clips with codes drawn at random."""
    draw = np.random.default_rng(0).integers
    plan = ShardPlan([MANIFEST], COUNT)
    for index in range(COUNT):
        shapes = [(item, (4, round(item.utterance.seconds * 25))) for item in plan.items(index)]
        rows = [
            CodeRow(*item.key(), draw(0, 1024, shape).astype(np.uint16)) for item, shape in shapes
        ]
        write_shard(shard_path(tmp_path / "tokens", index, COUNT), rows, CODEC)
    return tmp_path / "tokens"


def rewrite(tokens, index, change, codec=CODEC):
    """Write a shard anew with changed rows."""
    path = shard_path(tokens, index, COUNT)
    write_shard(path, change(read_shard(path)[0]), codec)


def test_a_set_that_is_right_is_listed(tokens):
    seen = []
    merged = merge_shards(tokens, [MANIFEST], rehash=True, progress=seen.append)
    assert json.loads((tokens / MERGED_NAME).read_text()) == merged and len(seen) == 12
    store = CodeStore(tokens)
    assert (merged["codec"], merged["rows"]) == (CODEC, 12)
    assert merged["frames"] == sum(store[name].shape[1] for name in store.ids())
    assert [shard["sha256"] for shard in merged["shards"]] == [
        file_digest(shard_path(tokens, i, COUNT)) for i in range(COUNT)
    ]
    assert Lineage.from_dict({"manifests": merged["lineage"]["manifests"]}) == trace([MANIFEST])


FAULTS = {
    "missing": (lambda t: index_path(shard_path(t, 1, COUNT)).unlink(), "missing or incomplete"),
    "lost": (lambda t: rewrite(t, 1, lambda rows: rows[1:]), "utterances"),
    "doubled": (lambda t: rewrite(t, 1, lambda rows: [rows[0], *rows]), "utterances"),
    "exchanged": (lambda t: rewrite(t, 1, lambda rows: rows[::-1]), "where the manifests have"),
    "other audio": (
        lambda t: rewrite(t, 1, lambda rows: [replace(row, audio_sha256="0" * 16) for row in rows]),
        "has changed",
    ),
    "flipped byte": (lambda t: flip(shard_path(t, 1, COUNT)), "not those that were written"),
}


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("break_it, named", FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_named_with_the_shard_to_encode_again(tokens, break_it, named):
    break_it(tokens)
    with pytest.raises(CheckpointError, match=named) as caught:
        merge_shards(tokens, [MANIFEST], rehash=True)
    assert "--shard 1/3" in str(caught.value) and not (tokens / MERGED_NAME).exists()


def test_another_codec_is_refused(tokens):
    rewrite(tokens, 1, lambda rows: rows, "d" * 16)
    with pytest.raises(CheckpointError, match="different codecs"):
        merge_shards(tokens, [MANIFEST])


def test_two_sets_in_one_folder_are_refused(tokens):
    write_shard(shard_path(tokens, 0, 8), [], CODEC)
    with pytest.raises(CheckpointError, match="sets of 3 and 8"):
        merge_shards(tokens, [MANIFEST])


def test_parquet(tokens, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert export_parquet(tokens, [MANIFEST], tmp_path / "t.parquet") == 12
    rows = {row["id"]: row for row in parquet.read_table(tmp_path / "t.parquet").to_pylist()}
    store = CodeStore(tokens)
    for utterance in read_manifest(MANIFEST):
        row = rows[utterance.id]
        np.testing.assert_array_equal(np.array(row["codes"], np.uint16), store[utterance.id])
        assert all(
            row[name] == getattr(utterance, name)
            for name in ("text", "emotion", "split", "speaker", "seconds")
        )
        assert row["codec"] == CODEC
        assert row["durations"] == pytest.approx(utterance.durations) and row[
            "vad"
        ] == pytest.approx(utterance.vad)


def test_webdataset(tokens, tmp_path):
    assert export_webdataset(tokens, [MANIFEST], tmp_path / "tars") == 12
    store, seen = CodeStore(tokens), set()
    with tarfile.open(tmp_path / "tars" / "tokens-000000.tar") as tar:
        members = tar.getnames()
        for codes_name, row_name in zip(members[::2], members[1::2], strict=True):
            assert codes_name.removesuffix(".npy") == row_name.removesuffix(".json")
            row = json.loads(tar.extractfile(row_name).read())
            codes = np.lib.format.read_array(io.BytesIO(tar.extractfile(codes_name).read()))
            np.testing.assert_array_equal(codes, store[row["id"]])
            seen.add(row["id"])
    assert seen == set(store.ids())
