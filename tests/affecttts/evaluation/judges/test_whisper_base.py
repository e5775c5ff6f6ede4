"""Whisper base is joined from its two packages, once and whole."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.judges import whisper_base
from affecttts.evaluation.judges.declarations import WHISPER_BASE
from affecttts.evaluation.judges.whisper_base import whisper_base_folder
from affecttts.evaluation.judges.words import BASE, WordJudge
from codec.audio import load_audio
from tiny_models import DATA

HALVES = (b"the first half ", b"and the second")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two packages with small halves; returns their data folders."""
    folders = []
    for number, (name, half) in enumerate(zip(whisper_base.PACKAGES, HALVES), 1):
        data = tmp_path / "packages" / name / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("")
        (data / f"model.bin.part{number}").write_bytes(half)
        folders.append(data)
        sys.modules.pop(name, None)
    for name in whisper_base.BESIDE:
        (folders[0] / name).write_text(name)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    whole = b"".join(HALVES)
    monkeypatch.setattr(whisper_base, "WEIGHTS_BYTES", len(whole))
    monkeypatch.setattr(whisper_base, "WEIGHTS_SHA256", hashlib.sha256(whole).hexdigest())
    return folders


def test_the_halves_are_joined_once(packages, tmp_path):
    folder = whisper_base_folder(tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == b"".join(HALVES)
    assert all((folder / name).read_text() == name for name in whisper_base.BESIDE)
    for data in packages:
        for path in data.iterdir():
            path.unlink()
    assert whisper_base_folder(tmp_path / "cache") == folder, "nothing is read again"


def test_a_file_cut_short_is_joined_again(packages, tmp_path):
    folder = whisper_base_folder(tmp_path / "cache")
    (folder / "model.bin").write_bytes(b"the fir")
    assert (whisper_base_folder(tmp_path / "cache") / "model.bin").stat().st_size == len(
        b"".join(HALVES)
    )
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_other_weights_are_refused_and_nothing_is_left(packages, tmp_path):
    (packages[1] / "model.bin.part2").write_bytes(b"and the SECOND")
    with pytest.raises(RequestError, match="other weights.*version 1.0.0"):
        whisper_base_folder(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_is_the_users_and_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AFFECTTTS_CACHE", str(tmp_path / "mine"))
    assert whisper_base.user_cache() == tmp_path / "mine"
    monkeypatch.delenv("AFFECTTTS_CACHE")
    assert whisper_base.user_cache().name == "affecttts"


def test_it_hears_the_words_of_a_recording():
    if WHISPER_BASE.missing:
        pytest.skip(WHISPER_BASE.missing)
    judge = WordJudge(1, BASE)
    clip = load_audio(DATA / "clips" / "00058_heart_neutral.opus", 24000)
    counts = judge(clip.samples, clip.sample_rate, "I won't stand for this kind of behavior!")
    assert judge.name == "Whisper base" and counts.errors == 0 and counts.words >= 8
    assert judge.transcribe(np.zeros(0, dtype=np.float32), 24000) == ""
