"""What a tiny run of the LM starts from."""

from __future__ import annotations

import numpy as np
import pytest

from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from codec.files import fingerprint


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
    return folder
