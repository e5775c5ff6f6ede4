"""The first token layout goes on being read and spoken, until its model ships no more."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from affecttts.lm import layout_1
from affecttts.lm.model import LAYOUT_NAME, load_lm
from affecttts.synthesis.lora import CONFIG_NAME, ROWS_NAME, WEIGHTS_NAME, export_merged
from affecttts.synthesis.model_folder import SHIPPED, read_model_info
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import CARD_NAME, describe_base, read_card
from codec.errors import CheckpointError
from codec.files import load_weights, read_json, save_weights, write_json
from tiny_layout_1 import as_layout_1
from tiny_voices import write_random_voice


@pytest.fixture
def old_model(model_copy, pieces_model):
    """The tiny model as it was written before there were codes of voices."""
    return as_layout_1(model_copy, pieces_model)


def old_voice(folder, model):
    """A voice of the old model: with an embedding of its own, and the token of its slot."""
    write_random_voice(folder, model, "allison")
    hidden = load_lm(model / "lm").config["hidden_size"]
    tensors = load_weights(folder / WEIGHTS_NAME) | {ROWS_NAME: torch.ones(1, hidden).half()}
    save_weights(folder / WEIGHTS_NAME, tensors)
    config = read_json(folder / CONFIG_NAME)
    write_json(folder / CONFIG_NAME, config | {"trainable_token_indices": {"embed_tokens": [346]}})
    card = read_json(folder / CARD_NAME)
    del card["code"]
    write_json(folder / CARD_NAME, card | {"token": layout_1.VOICE_START + 2})
    return folder


def test_ids_of_the_shipped_layout_are_where_they_were():
    layout = load_lm(SHIPPED / "lm").layout
    assert layout.version == "layout-1"
    places = layout.phone_start, layout.emotion_start, layout.voice_start
    assert places == (10, 169, layout_1.VOICE_START)
    assert (layout.piece_start, layout.codec_start, layout.size) == (600, 1624, 4736)
    assert (
        layout.phone("ˈ", "a") == 10 + 53 + layout.phones.index("a") and layout.max_duration == 63
    )


def test_an_old_model_speaks_with_its_voices_and_with_an_adapted_one(old_model, tmp_path):
    synthesizer = Synthesizer.from_pretrained(old_model)
    assert synthesizer.codes == {"heart": b"\0", "fenrir": b"\1"}
    voice = old_voice(tmp_path / "allison", old_model)
    assert synthesizer.load_voice(voice) == "allison"
    said = {
        name: synthesizer.synthesize("Hello there.", voice=name, seed=3)
        for name in ("heart", "fenrir", "allison")
    }
    assert len({result.audio.tobytes() for result in said.values()}) == 3
    export_merged(*read_model_info(old_model), voice, tmp_path / "merged")
    merged = Synthesizer.from_pretrained(tmp_path / "merged")
    again = merged.synthesize("Hello there.", voice="allison", seed=3)
    assert np.array_equal(again.codes, said["allison"].codes)


@pytest.mark.parametrize("token", [layout_1.VOICE_START + 1, 7, "x"])
def test_a_slot_that_is_not_the_voice_s_is_refused(old_model, tmp_path, token):
    voice = old_voice(tmp_path / "allison", old_model)
    write_json(voice / CARD_NAME, read_json(voice / CARD_NAME) | {"token": token})
    with pytest.raises(CheckpointError):
        Synthesizer.with_voices(*read_model_info(old_model), [voice])


def test_an_adapter_of_the_old_layout_is_told_how_to_be_made_anew(
    old_model, tiny_model_dir, tmp_path
):
    voice = old_voice(tmp_path / "allison", old_model)
    with pytest.raises(CheckpointError, match="layout-1 .*layout-2; .*affecttts adapt"):
        Synthesizer.with_voices(*read_model_info(tiny_model_dir), [voice])


def test_an_old_model_takes_no_voice_from_a_clip(old_model, say, wav_file, tmp_path):
    refused = say("--voice-from", wav_file, "-o", tmp_path / "out.wav", model=old_model)
    assert refused.refused(2, "cannot take one from a clip", "affecttts adapt")


def test_another_inventory_is_refused(old_model):
    meta = read_json(old_model / "lm" / LAYOUT_NAME)
    meta["layout"]["inventory"] = "fr-1"
    (old_model / "lm" / LAYOUT_NAME).write_text(json.dumps(meta))
    with pytest.raises(CheckpointError, match="version that trained"):
        load_lm(old_model / "lm")


def test_a_card_keeps_what_it_says(old_model, tmp_path):
    card = read_card(old_voice(tmp_path / "allison", old_model))
    info = read_model_info(old_model)[1]
    assert card.code == "02"
    assert card.base == describe_base(old_model, info, load_lm(old_model / "lm").layout)
