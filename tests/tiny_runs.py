"""Tiny runs of the codec and LM trainers, seconds each."""

from __future__ import annotations

import json

import pytest
import torch

from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.trainer import Trainer
from affecttts.training.lm import trainer
from affecttts.training.lm.config import LMTrainingConfig
from affecttts.training.schema import build
from tiny_models import DATA

MANIFEST = str(DATA / "manifest.jsonl")
LM = {
    "num_codebooks": 4,
    "hidden_size": 64,
    "num_layers": 2,
    "num_heads": 2,
    "mlp_size": 64,
    "num_pieces": 300,
    "dropout": 0.1,
    "steps": 10,
    "batch_tokens": 700,
    "warmup_steps": 2,
    "prompt_dropout": 0.3,
    "free_text": 0.3,
    "joined": 0.3,
    "code_noise": 0.1,
    "weight_ema": 0.8,
    "mixed_precision": "no",
    "log_every": 1,
    "validate_every": 3,
    "checkpoint_every": 3,
}


def lm_trainer(
    monkeypatch, tokens, codec_dir, output, init=None, init_codec=None, manifest=MANIFEST, **changes
):
    # seconds, and no part of training
    monkeypatch.setattr(trainer, "speak", lambda *arguments: None)
    config = build(LMTrainingConfig, LM | changes)
    return trainer.Trainer(
        config, [str(manifest)], str(tokens), codec_dir, output, init, init_codec
    )


CODEC = {
    "preset": "tiny",
    "codec": {"quantizer_dropout": 0.5},
    "steps": 8,
    "batch_size": 2,
    "crop_seconds": 0.32,
    "warmup_steps": 2,
    "codebooks_start_batches": 2,
    "weight_ema": 0.8,
    "mixed_precision": "no",
    "log_every": 2,
    "validate_every": 3,
    "checkpoint_every": 4,
}
MODULES = {
    "codec": {
        "modulation": "xattn_pre",
        "modulation_dim": 16,
        "modulation_window": 6,
        "student_dim": 16,
        "student_layers": 1,
    },
    "gradient_ratios": {"relation": 0.3, "alignment": 0.5},
    "balanced_ramp_steps": 4,
    "student_ramp": 0.8,
    "balance_every": 3,
}


class Interrupted(Exception):
    pass


def codec_trainer(cache, output, init=None, init_discriminator=None, **changes):
    config = build(CodecTrainingConfig, CODEC | changes)
    return Trainer(config, cache, [MANIFEST], output, init, init_discriminator)


def run_interrupted(make, stop_after):
    """Run until `stop_after` steps are done, lose the process, disturb its random numbers,
    resume.
    """
    first = make()
    step = first.train_step

    def until():
        if first.step == stop_after:
            raise Interrupted
        return step()

    first.train_step = until
    with pytest.raises(Interrupted):
        first.run()
    second = make()
    torch.rand(11)
    second.resume()
    assert 0 < second.step < stop_after  # some steps are lost and done again
    second.run()
    return second


def assert_same(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


def logged(folder, name):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row[name] for row in rows if name in row]
