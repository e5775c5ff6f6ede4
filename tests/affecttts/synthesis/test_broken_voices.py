"""Voices that are broken, missing or of another base are refused and named."""

from __future__ import annotations

import json

import pytest
import torch

from affecttts.synthesis.lora import (
    CONFIG_NAME,
    DECODER_NAME,
    PREFIX,
    WEIGHTS_NAME,
    export_merged,
)
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.voices import CARD_NAME, VoiceShelf
from codec.errors import CheckpointError
from codec.files import fingerprint, load_weights, save_weights
from tiny_models import random_llama, tiny_codes, tiny_layout


def change_card(**changes):
    def change(folder):
        values = json.loads((folder / CARD_NAME).read_text()) | changes
        (folder / CARD_NAME).write_text(json.dumps(values))

    return change


def change_config(**changes):
    def change(folder):
        values = json.loads((folder / CONFIG_NAME).read_text()) | changes
        (folder / CONFIG_NAME).write_text(json.dumps(values))

    return change


def change_weights(edit):
    def change(folder):
        tensors = load_weights(folder / WEIGHTS_NAME)
        edit(tensors)
        save_weights(folder / WEIGHTS_NAME, tensors)

    return change


FIRST = f"{PREFIX}model.layers.0.self_attn.q_proj.lora_A.weight"


BROKEN = {
    "card is no JSON": lambda folder: (folder / CARD_NAME).write_text("{"),
    "card is a list": lambda folder: (folder / CARD_NAME).write_text("[]"),
    "card with unknown keys": change_card(colour="red"),
    "card with a path as its name": change_card(name="../../etc"),
    "card without a base": change_card(base=None),
    "a code that is none": change_card(code="seven"),
    "an empty code": change_card(code=""),
    "no weights": lambda folder: (folder / WEIGHTS_NAME).unlink(),
    "weights cut short": lambda folder: (folder / WEIGHTS_NAME).write_bytes(
        (folder / WEIGHTS_NAME).read_bytes()[:2000]
    ),
    "no config": lambda folder: (folder / CONFIG_NAME).unlink(),
    "config of another kind": change_config(peft_type="IA3"),
    "config with DoRA": change_config(use_dora=True),
    "config of rank 0": change_config(r=0),
    "NaN": change_weights(lambda t: t[FIRST].fill_(float("nan"))),
    "half of a pair": change_weights(lambda t: t.pop(FIRST.replace("lora_A", "lora_B"))),
    "another width": change_weights(
        lambda t: t.update({FIRST: torch.zeros(3, 5, dtype=torch.half)})
    ),
    "another rank": change_weights(
        lambda t: t.update({FIRST: torch.zeros(4, 32, dtype=torch.half)})
    ),
    "another layer": change_weights(
        lambda t: t.update(
            {FIRST.replace("layers.0", "layers.9"): torch.zeros(3, 32, dtype=torch.half)}
        )
    ),
    "a layer norm": change_weights(
        lambda t: t.update({f"{PREFIX}model.norm.weight": torch.zeros(32, dtype=torch.half)})
    ),
    "decoder of another codec": lambda folder: save_weights(
        folder / DECODER_NAME, {"stem.bias": torch.zeros(3)}
    ),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_broken_voices(say, voice_copy, tmp_path, damage):
    damage(voice_copy)
    assert say("--voice", voice_copy, "-o", tmp_path / "out.wav").refused(1)
    assert not (tmp_path / "out.wav").exists()


def test_no_voice_there(say, tmp_path):
    assert say("--voice", tmp_path / "none", "-o", tmp_path / "out.wav").refused(
        2, "no adapted voice there", "adapt"
    )
    assert say("--voice", "nobody", "-o", tmp_path / "out.wav").refused(
        2, "unknown voice", "known: "
    )


def test_another_base_is_refused_and_named(say, model_copy, tiny_model_dir, voice, tmp_path):
    from affecttts.lm.model import save_lm

    layout = tiny_layout()
    save_lm(
        model_copy / "lm",
        random_llama(layout, seed=7),
        layout,
        fingerprint(model_copy / "codec"),
        b"",
        tiny_codes(),
    )
    (model_copy / "lm" / "prompt_pieces.model").unlink()
    here, there = fingerprint(model_copy / "lm"), fingerprint(tiny_model_dir / "lm")
    refused = say("--voice", voice, "-o", tmp_path / "out.wav", model=model_copy)
    assert refused.refused(1, "allison", "belongs to the model tiny", here, there)
    with pytest.raises(CheckpointError, match="belongs to the model tiny"):
        export_merged(*read_model_info(model_copy), voice, tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_names_that_two_voices_share(tiny_model_dir, voice, voice_copy):
    shelf = VoiceShelf(read_model_info(tiny_model_dir)[1])
    assert (
        shelf.name(str(voice)) == shelf.name(str(voice)) == "allison"
        and shelf.name("heart") == "heart"
        and shelf.name(None) is None
    )
    with pytest.raises(ValueError, match="already"):
        shelf.name(str(voice_copy))
    change_card(name="heart")(voice_copy)
    with pytest.raises(ValueError, match="already"):
        VoiceShelf(read_model_info(tiny_model_dir)[1]).name(str(voice_copy))
