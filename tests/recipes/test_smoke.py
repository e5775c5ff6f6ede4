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


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Output folder and last line of recipes/smoke.sh."""
    folder = tmp_path_factory.mktemp("smoke")
    environment = os.environ | {
        "PYTHON": sys.executable,
        "PYTHONPATH": str(REPOSITORY),
        "ACCELERATE_USE_CPU": "true",
    }
    script = REPOSITORY / "recipes" / "smoke.sh"
    done = subprocess.run(
        ["bash", script, folder], capture_output=True, text=True, env=environment, cwd=folder
    )
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
        == fingerprint(folder / "codec_gan" / "codec")
        == fingerprint(folder / "model" / "codec")
    )
    assert all(store[row.id].shape == (4, -(-round(row.seconds * 24_000) // 960)) for row in rows)


def test_metrics_of_every_stage(smoke):
    folder, _ = smoke
    codec, gan, lm = (metrics(folder / name) for name in ("codec", "codec_gan", "lm"))
    assert [row["step"] for row in codec if "loss/mel" in row] == [5, 10, 15, 20, 25, 30]
    assert any("valid/mel" in row for row in codec) and any("valid/loss" in row for row in lm)
    assert all("loss/discriminator" in row for row in gan if "loss/mel" in row)
    losses = [row["loss/train"] for row in lm if "loss/train" in row]
    assert losses[-1] < 0.9 * losses[0]


def test_the_second_stage_keeps_the_codes(smoke):
    folder, _ = smoke
    first, second = (
        Codec.from_pretrained(folder / name / "codec") for name in ("codec", "codec_gan")
    )
    audio = 0.1 * torch.randn(1, 1, 9600, generator=torch.Generator().manual_seed(0))
    codes = first.encode(audio).codes
    assert torch.equal(codes, second.encode(audio).codes)
    assert not torch.equal(first.decode(codes), second.decode(codes))


def test_the_packaged_model_says_what_it_can(smoke):
    _, info = read_model_info(smoke[0] / "model")
    assert (
        info.name == "smoke" and set(info.voices) == {"heart", "fenrir"} and len(info.emotions) == 8
    )


def test_the_packaged_model_can_be_adapted(smoke):
    folder, _ = smoke
    base = open_base_data(
        folder / "model", ("heart", "fenrir"), fingerprint(folder / "model" / "codec")
    )
    assert base.utterances and {u.split for u in base.utterances} == {"train"}
    assert all(base.store[u.id].shape[0] == 4 for u in base.utterances)
