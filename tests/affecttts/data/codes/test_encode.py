"""Encoding in shards: planned the same everywhere, idempotent, and right however often it is
killed.
"""

import json
import os
import random
import signal
import time

import numpy as np
import pytest
import soundfile

from affecttts.data.codes.encode import Encoder, ShardPlan, encode_shard, shard_of
from affecttts.data.codes.store import CodeStore, index_path, read_shard, shard_path
from affecttts.data.manifest import read_manifest
from affecttts.errors import RequestError
from codec.errors import AudioError, CheckpointError

RATE = 8_000
SHARDS = 5


def fake_codes(samples):
    """Codes that tell their audio: [2, F], F by the length."""
    frames = np.array_split(samples, max(1, len(samples) // 80))
    return np.array(
        [
            [round(1000 * abs(part.sum())) % 1024 for part in frames],
            [len(samples) % 1024] * len(frames),
        ],
        np.uint16,
    )


ENCODER = Encoder(fake_codes, RATE, "c" * 16)


@pytest.fixture
def corpus(tmp_path):
    """Write a manifest of `count` clips of different sound and length; returns its path."""

    def write(count, folder="corpus"):
        (tmp_path / folder).mkdir(exist_ok=True)
        rows = []
        for i in range(count):
            length = 800 + 40 * i
            path = tmp_path / folder / f"{i}.wav"
            if not path.exists():
                soundfile.write(path, 0.3 * np.sin(np.arange(length) * (0.05 + 0.003 * i)), RATE)
            rows.append(
                {
                    "id": f"{folder}-{i}",
                    "path": path.name,
                    "speaker": "s",
                    "seconds": length / RATE,
                    "split": "train",
                }
            )
        manifest = tmp_path / folder / "m.jsonl"
        manifest.write_text("\n\n".join(map(json.dumps, rows)))
        return manifest

    return write


def encode_all(manifests, output, encoder=ENCODER, count=SHARDS):
    """Bring every shard up to date; returns how many utterances were encoded."""
    plan = ShardPlan(manifests, count)
    return sum(
        encode_shard(encoder, plan.items(i), shard_path(output, i, count)).encoded
        for i in range(count)
    )


def truth(manifest):
    return {
        u.id: fake_codes(soundfile.read(manifest.parent / u.path, dtype="float32")[0])
        for u in read_manifest(manifest)
    }


def assert_is(store, expected):
    assert sorted(store.ids()) == sorted(expected)
    for name, codes in expected.items():
        np.testing.assert_array_equal(store[name], codes)


# -- plan
def test_every_row_is_in_one_shard(corpus):
    first, second = corpus(40), corpus(25, "other")
    plan = ShardPlan([first, second], 7)
    items = [[(item.manifest, item.utterance) for item in plan.items(i)] for i in range(7)]
    assert sorted(u.id for shard in items for _, u in shard) == sorted(
        u.id for m in (first, second) for u in read_manifest(m)
    )
    assert [len(shard) for shard in items] == [plan.size(i) for i in range(7)] and min(
        map(len, items)
    ) > 0
    assert [sum(u.seconds for _, u in shard) for shard in items] == pytest.approx(plan.seconds)
    assert all(shard_of(u.id, 7) == i for i, shard in enumerate(items) for _, u in shard)


def test_an_id_that_comes_twice_is_refused(corpus):
    manifest = corpus(3)
    with pytest.raises(RequestError, match="'corpus-0' comes twice"):
        ShardPlan([manifest, manifest], 2)


def test_a_bad_line_is_named(corpus):
    manifest = corpus(2)
    manifest.write_text(manifest.read_text() + "\n{")
    with pytest.raises(RequestError, match=r"m\.jsonl:4"):
        ShardPlan([manifest], 2)


# -- shards
def test_tokens_of_every_utterance(corpus, tmp_path):
    manifest = corpus(12)
    assert encode_all([manifest], tmp_path / "tokens") == 12
    store = CodeStore(tmp_path / "tokens")
    assert_is(store, truth(manifest))
    assert store.codec_fingerprint == ENCODER.fingerprint


def test_a_second_run_writes_nothing(corpus, tmp_path):
    manifest = corpus(12)
    encode_all([manifest], tmp_path / "tokens")
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (tmp_path / "tokens").iterdir()
    }
    assert encode_all([manifest], tmp_path / "tokens") == 0
    assert before == {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (tmp_path / "tokens").iterdir()
    }


def test_only_what_changed_is_encoded_again(corpus, tmp_path):
    encode_all([corpus(12)], tmp_path / "tokens")
    manifest = corpus(15)
    soundfile.write(manifest.parent / "4.wav", 0.1 * np.sin(np.arange(960)), RATE)
    lines = manifest.read_text().split("\n\n")
    manifest.write_text("\n".join(lines[:2] + lines[3:]))  # number 2 is gone
    assert encode_all([manifest], tmp_path / "tokens") == 4
    assert_is(CodeStore(tmp_path / "tokens"), truth(manifest))


def test_another_codec_encodes_everything_again(corpus, tmp_path):
    manifest = corpus(12)
    encode_all([manifest], tmp_path / "tokens")
    assert encode_all([manifest], tmp_path / "tokens", Encoder(fake_codes, RATE, "d" * 16)) == 12
    assert CodeStore(tmp_path / "tokens").codec_fingerprint == "d" * 16


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_damaged_shard_is_made_again(corpus, tmp_path, suffix):
    manifest = corpus(12)
    encode_all([manifest], tmp_path / "tokens")
    shard_path(tmp_path / "tokens", 0, SHARDS).with_suffix(suffix).unlink()
    encode_all([manifest], tmp_path / "tokens")
    assert_is(CodeStore(tmp_path / "tokens"), truth(manifest))


def test_parts_of_one_file_have_their_own_tokens(corpus, tmp_path):
    manifest = corpus(1)
    part = {"path": "0.wav", "speaker": "s", "seconds": 0.04, "split": "train"}
    manifest.write_text(
        "\n".join(json.dumps(part | {"id": f"part{i}", "start": 0.01 * i}) for i in range(3))
    )
    assert encode_all([manifest], tmp_path / "tokens") == 3
    samples, _ = soundfile.read(manifest.parent / "0.wav", dtype="float32")
    assert_is(
        CodeStore(tmp_path / "tokens"),
        {f"part{i}": fake_codes(samples[80 * i : 80 * i + 320]) for i in range(3)},
    )


def test_bad_audio_is_named(corpus, tmp_path):
    manifest = corpus(3)
    (manifest.parent / "1.wav").write_bytes(b"no audio")
    with pytest.raises(AudioError, match=r"1\.wav"):
        encode_all([manifest], tmp_path / "tokens", count=1)


# -- killed
def run_and_kill(manifest, output, items, delay):
    """Encode in another process, which is killed `delay` seconds after it took up its `items`-th
    item.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(read_end)
        plan = ShardPlan([manifest], SHARDS)
        for index in range(SHARDS):
            encode_shard(
                ENCODER,
                plan.items(index),
                shard_path(output, index, SHARDS),
                lambda item: os.write(write_end, b"."),
            )
        os._exit(0)
    os.close(write_end)
    for _ in range(items):
        if not os.read(read_end, 1):
            break  # it was through
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read_end)


@pytest.mark.slow
def test_killed_25_times_nothing_is_lost_doubled_or_mispaired(corpus, tmp_path):
    draw, manifest, output = random.Random(0), corpus(20), tmp_path / "tokens"
    for attempt in range(25):
        if attempt == 12:
            manifest = corpus(40)  # the corpus has grown meanwhile
        run_and_kill(manifest, output, draw.randint(1, 25), draw.uniform(0, 0.01))
        expected = truth(manifest)
        for path in output.glob("tokens-*.safetensors"):
            if index_path(path).exists():
                rows, _ = read_shard(path)
                assert len({row.id for row in rows}) == len(rows)
                assert all(np.array_equal(row.codes, expected[row.id]) for row in rows)
    encode_all([manifest], output)
    assert_is(CodeStore(output), truth(manifest))
    assert encode_all([manifest], output) == 0
    assert {path.name for path in output.iterdir() if not path.name.startswith(".")} == {
        f"tokens-{i:05d}-of-{SHARDS:05d}{suffix}"
        for i in range(SHARDS)
        for suffix in (".json", ".safetensors")
    }


def test_incomplete_sets_are_refused(corpus, tmp_path):
    encode_all([corpus(12)], tmp_path / "tokens")
    index_path(shard_path(tmp_path / "tokens", 2, SHARDS)).unlink()
    with pytest.raises(CheckpointError, match="4 of 5 shards"):
        CodeStore(tmp_path / "tokens")
