"""What the LM's trainer refuses, finishes and optimises with."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from codec.errors import CheckpointError
from tiny_models import random_codec
from tiny_runs import lm_trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]


def test_lm_of_another_codec_is_refused(monkeypatch, tokens, codec_dir, tmp_path):
    random_codec(seed=1).save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match="encoded by codec"):
        lm_trainer(monkeypatch, tokens, tmp_path / "other", tmp_path / "run")


def test_a_finished_run_does_nothing_more(monkeypatch, tokens, codec_dir, tmp_path):
    lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2, checkpoint_every=2).run()
    again = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2, checkpoint_every=2)
    again.resume()
    again.train_step = lambda: pytest.fail("trained on")
    again.run()
    assert again.step == 2


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_lm_optimizers(monkeypatch, tokens, codec_dir, tmp_path, optimizer):
    if optimizer == "sgd":
        with pytest.raises(ValueError, match="sgd.*adamw.*muon"):
            lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", optimizer=optimizer)
        return
    trainer = lm_trainer(
        monkeypatch, tokens, codec_dir, tmp_path / "a", optimizer=optimizer, steps=2
    )
    before = {name: value.clone() for name, value in trainer._llama().state_dict().items()}
    trainer.run()
    assert all(
        not torch.equal(value, before[name])
        for name, value in trainer._llama().state_dict().items()
    )
