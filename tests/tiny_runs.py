"""Tiny runs of the LM recipe, seconds each."""

from __future__ import annotations

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
