"""A tiny model that can learn voices, and voices that were never taught anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from affecttts.adaptation.replay import write_replay
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.data.manifest import read_manifest
from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import CONFIG_NAME, PREFIX, PROJECTIONS, WEIGHTS_NAME
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.voices import CARD_NAME, VoiceCard, describe_base
from codec import Codec
from codec.audio import load_audio
from codec.files import fingerprint, save_weights, write_json
from tiny_models import DATA

TINY = {
    "minimum_seconds": 4.0,
    "epochs": 2.0,
    "rank": 4,
    "batch_tokens": 600,
    "warmup_steps": 2,
    "checkpoint_every": 2,
    "log_every": 1,
    "mixed_precision": "no",
    "codec_steps": 3,
    "codec_batch_size": 2,
    "codec_crop_seconds": 0.4,
    "learning_rate": 0.02,
}


def add_replay(model: Path) -> Path:
    """Give a model folder the clips of tests/data as base data."""
    codec, utterances = (
        Codec.from_pretrained(model / "codec"),
        list(read_manifest(DATA / "manifest.jsonl")),
    )
    tokens = model.parent / "replay_tokens"
    rows = []
    for utterance in utterances:
        audio = torch.from_numpy(
            load_audio(DATA / utterance.path, codec.config.sample_rate).samples
        )[None, None]
        rows.append(
            CodeRow(utterance.id, "", codec.encode(audio).codes[0].numpy().astype(np.uint16))
        )
    write_shard(shard_path(tokens, 0, 1), rows, fingerprint(model / "codec"))
    write_replay(model, utterances, CodeStore(tokens))
    shutil.rmtree(tokens)
    return model


def write_random_voice(
    folder: Path, model: Path, name: str, seed: int = 0, strength: float = 0.3, rank: int = 3
) -> Path:
    """A voice of random weights for a model folder."""
    lm, (path, info) = load_lm(model / "lm"), read_model_info(model)
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, weight in lm.tensors.items():
        if key.split(".")[-2] in PROJECTIONS:
            stem = PREFIX + key.removesuffix(".weight")
            tensors[f"{stem}.lora_A.weight"] = (
                torch.randn(rank, weight.shape[1], generator=generator) * strength
            )
            tensors[f"{stem}.lora_B.weight"] = (
                torch.randn(weight.shape[0], rank, generator=generator) * strength
            )
    folder.mkdir(parents=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 6.0,
        "target_modules": list(PROJECTIONS),
        "bias": "none",
    }
    write_json(folder / CONFIG_NAME, config)
    save_weights(folder / WEIGHTS_NAME, {key: tensor.half() for key, tensor in tensors.items()})
    code = bytes(torch.randint(0, 16, (16,), generator=generator).tolist())
    card = VoiceCard(name, describe_base(path, info, lm.layout), code.hex(), info.voices[0])
    write_json(folder / CARD_NAME, card.to_dict())
    return folder
