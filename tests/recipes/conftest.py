"""What tiny runs of the trainers start from."""

from __future__ import annotations

import numpy as np
import pytest

from affecttts.data.audio_cache import build_cache
from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from codec.files import fingerprint
from tiny_models import DATA, tiny_codes


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")


@pytest.fixture(scope="module")
def codec_dir(tiny_codec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codecs") / "codec"
    tiny_codec.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tokens(utterances, codec_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    draw = np.random.default_rng(0).integers
    rows = [
        CodeRow(u.id, "0" * 16, draw(0, 64, (4, round(u.seconds * 25))).astype(np.uint16))
        for u in utterances
    ]
    write_shard(shard_path(folder, 0, 1), rows, fingerprint(codec_dir))
    tiny_codes(*(u.speaker for u in utterances), "zoe", "abe").save(folder / "voices.json")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Decoded audio of the clips, made once."""
    folder = tmp_path_factory.mktemp("audio") / "cache"
    build_cache([DATA / "manifest.jsonl"], folder, 24_000, 240)
    return folder
