"""Adaptations that are interrupted, run again, or fail."""

from __future__ import annotations

import shutil

import pytest
import torch

from affecttts.adaptation import prepare
from affecttts.adaptation.training import VoiceTrainer
from affecttts.errors import OutputError, RequestError
from affecttts.synthesis.voices import read_card
from tiny_adaptations import Killed, files, made

pytestmark = pytest.mark.slow


def stop_at(monkeypatch, step):
    """Lose the process when so many steps are done."""
    original = VoiceTrainer.train_step

    def train_step(self):
        if self.step == step:
            raise Killed
        return original(self)

    monkeypatch.setattr(VoiceTrainer, "train_step", train_step)


def test_killed_and_resumed_is_the_same_adapter(
    run_adaptation, recordings, adapted, tmp_path, monkeypatch
):
    steps = read_card(adapted.output).training["steps"]
    assert steps > 4
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 3)
        run_adaptation(recordings, tmp_path / "allison")
    assert not (tmp_path / "allison").exists()
    torch.rand(7)
    counted = []
    original = VoiceTrainer.train_step
    monkeypatch.setattr(
        VoiceTrainer, "train_step", lambda self: counted.append(self.step) or original(self)
    )
    monkeypatch.setattr(prepare, "cut", lambda *_: pytest.fail("prepared again"))
    resumed = run_adaptation(recordings, tmp_path / "allison")
    assert counted == list(range(2, steps)), "from the checkpoint on"
    assert made(resumed.output) == made(adapted.output)


def test_other_settings_or_recordings_start_anew(run_adaptation, recordings, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 3)
        run_adaptation(recordings, tmp_path / "allison")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 0)
        run_adaptation(recordings, tmp_path / "allison", config={"rank": 5})
    fewer = shutil.copytree(recordings, tmp_path / "fewer")
    next(iter(sorted(fewer.glob("*.opus")))).unlink()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 0)
        run_adaptation(fewer, tmp_path / "allison")


def test_disk_full_leaves_nothing_half_written_and_can_go_on(
    run_adaptation, recordings, adapted, adaptable_model, tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = files(adaptable_model)
    for place in (
        "affecttts.adaptation.prepared.save_wav",
        "affecttts.adaptation.training.save_checkpoint",
        "affecttts.adaptation.adapter.save_weights",
    ):
        with (
            monkeypatch.context() as patch,
            pytest.raises(OutputError, match="No space left.*run the same command again"),
        ):
            patch.setattr(place, full)
            run_adaptation(recordings, tmp_path / "allison")
        assert {path.name for path in tmp_path.iterdir()} <= {".allison.adapting"}
    assert made(run_adaptation(recordings, tmp_path / "allison").output) == made(adapted.output)
    assert files(adaptable_model) == before


def test_a_failing_run_keeps_the_earlier_voice(
    run_adaptation, recordings, adapted, tmp_path, monkeypatch
):
    voice = shutil.copytree(adapted.output, tmp_path / "allison")
    with pytest.raises(RequestError, match="--force"):
        run_adaptation(recordings, voice)
    monkeypatch.setattr(
        "affecttts.adaptation.run.write_json",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(OutputError):
        run_adaptation(recordings, voice, force=True)
    assert files(voice) == files(adapted.output)
