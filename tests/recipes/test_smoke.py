"""The whole chain, from clips to speech, as a user runs it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.adaptation.replay import open_base_data
from affecttts.data.codes.store import CodeStore
from affecttts.data.manifest import read_manifest
from affecttts.synthesis.model_folder import read_model_info
from codec import Codec
from codec.files import fingerprint
from tiny_models import REPOSITORY

pytestmark = pytest.mark.slow


def run(folder):
    """recipes/smoke.sh, in a process of its own."""
    environment = os.environ | {
        "PYTHON": sys.executable,
        "PYTHONPATH": str(REPOSITORY),
        "ACCELERATE_USE_CPU": "true",
    }
    script = REPOSITORY / "recipes" / "smoke.sh"
    return subprocess.run(
        ["bash", script, folder], capture_output=True, text=True, env=environment, cwd=folder
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Output folder and last line of recipes/smoke.sh."""
    folder = tmp_path_factory.mktemp("smoke")
    done = run(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout.splitlines()[-1]


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_speech_is_written_and_described(smoke):
    folder, line = smoke
    values = json.loads(line)
    samples, rate = soundfile.read(folder / "speech.wav")
    assert rate == 24_000 and np.abs(samples).max() > 0
    assert (
        values["path"] == str(folder / "speech.wav")
        and values["finish_reason"] == "end"
        and values["seed"] == 1
    )
    assert values["seconds"] == pytest.approx(len(samples) / rate, abs=1e-3)


def test_all_clips_are_in_the_manifest_and_in_the_shards(smoke):
    folder, _ = smoke
    rows = list(read_manifest(folder / "manifest.jsonl"))
    assert len(rows) == 12 and all((folder / row.path).is_file() for row in rows)
    store = CodeStore(folder / "tokens")
    assert set(store.ids()) == {row.id for row in rows}
    assert (
        store.codec_fingerprint
        == fingerprint(folder / "codec_3_modules" / "codec")
        == fingerprint(folder / "model" / "codec")
    )
    assert all(store[row.id].shape == (4, -(-round(row.seconds * 24_000) // 960)) for row in rows)


STAGES = ("1_base", "2_distil", "3_modules", "4_tune", "5_cycle")


def test_metrics_of_every_stage(smoke):
    folder, _ = smoke
    first, *later = (metrics(folder / f"codec_{stage}") for stage in STAGES)
    assert [row["step"] for row in first if "loss/mel" in row] == [5, 10, 15, 20, 25, 30]
    assert any("valid/mel" in row for row in first)
    assert all(any("loss/mel" in row for row in rows) for rows in later)
    distil, modules, tune, cycle = later
    assert all("loss/relation" in row for row in distil if "loss/mel" in row)
    assert any("agreement/student/q1" in row for row in modules)
    assert all("loss/phones" in row for row in tune if "loss/mel" in row)
    assert all("loss/cycle" in row for row in cycle if "loss/mel" in row)
    lm = metrics(folder / "lm")
    losses = [row["loss/train"] for row in lm if "loss/train" in row]
    assert losses[-1] < 0.9 * losses[0] and any("valid/loss" in row for row in lm)


def test_the_last_stages_keep_the_codes(smoke):
    folder, _ = smoke
    third, *later = (
        Codec.from_pretrained(folder / f"codec_{stage}" / "codec") for stage in STAGES[2:]
    )
    audio = 0.1 * torch.randn(1, 1, 9600, generator=torch.Generator().manual_seed(0))
    codes = third.encode(audio).codes
    for codec in later:
        assert torch.equal(codes, codec.encode(audio).codes)
        assert not torch.equal(third.decode(codes), codec.decode(codes))


def test_what_is_finished_is_skipped(smoke):
    folder, _ = smoke
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = run(folder)
    assert done.returncode == 0 and done.stderr.count("finished before") == len(
        list((folder / "done").iterdir())
    )
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_packaged_model_says_what_it_can(smoke):
    _, info = read_model_info(smoke[0] / "model")
    assert (
        info.name == "affecttts-tiny"
        and set(info.voices) == {"heart", "fenrir"}
        and len(info.emotions) == 8
    )


def test_the_packaged_model_can_be_adapted(smoke):
    folder, _ = smoke
    base = open_base_data(
        folder / "model", ("heart", "fenrir"), fingerprint(folder / "model" / "codec")
    )
    assert base.utterances and {u.split for u in base.utterances} == {"train"}
    assert all(base.store[u.id].shape[0] == 4 for u in base.utterances)
