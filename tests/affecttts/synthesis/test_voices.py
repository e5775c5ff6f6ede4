"""Adapted voices in synthesis: they change what is spoken, leave the base as it is, and are refused
where they do not belong.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from affecttts.lm.engine import Engine
from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import (
    CONFIG_NAME,
    DECODER_NAME,
    PREFIX,
    ROWS_NAME,
    WEIGHTS_NAME,
    export_merged,
    merged_tensors,
)
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import CARD_NAME, VoiceShelf, read_card
from codec import Codec
from codec.errors import CheckpointError
from codec.files import fingerprint, load_weights, save_weights
from tiny_models import random_codec, random_llama, tiny_layout
from tiny_voices import write_random_voice

TEXT = "Hello there."


@pytest.fixture(scope="module")
def voice(tiny_model_dir, tmp_path_factory):
    """Treat as read-only."""
    return write_random_voice(
        tmp_path_factory.mktemp("voices") / "allison", tiny_model_dir, "allison"
    )


@pytest.fixture
def voice_copy(voice, tmp_path):
    return shutil.copytree(voice, tmp_path / "allison")


def speak(synthesizer, voice, **more):
    return synthesizer.synthesize(TEXT, voice=voice, seed=3, **more)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_merged_tensors_are_what_peft_computes(tiny_model_dir, voice):
    peft = pytest.importorskip("peft")
    lm = load_lm(tiny_model_dir / "lm")
    model = peft.PeftModel.from_pretrained(lm.llama(), str(voice)).eval()
    ids = torch.tensor([[1, 3, read_card(voice).token, 40, 50, 60, 400, 500]])
    with torch.no_grad():
        expected = model(input_ids=ids).logits[0, -1]
        with model.disable_adapter():
            plain = model(input_ids=ids).logits[0, -1]
    engine = Engine(lm.config, merged_tensors(lm, voice, read_card(voice)), "float32")
    found = engine.logits(engine.forward(ids, engine.start([0], 8)), 0, lm.layout.size)[0]
    assert (expected - plain).abs().max() > 1
    # merged weights are rounded to half precision
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=2e-2)


def test_the_base_is_byte_identical_beside_any_number_of_voices(tiny_model_dir, voice, tmp_path):
    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    files = {path: path.read_bytes() for path in tiny_model_dir.rglob("*") if path.is_file()}
    before = {name: speak(synthesizer, name).audio.tobytes() for name in ("heart", "fenrir")}
    other = write_random_voice(tmp_path / "b", tiny_model_dir, "bert", seed=1)
    assert [synthesizer.load_voice(folder) for folder in (voice, other)] == ["allison", "bert"]
    first = {name: speak(synthesizer, name) for name in synthesizer.voices}
    assert list(first) == ["heart", "fenrir", "allison", "bert"]
    assert len({result.audio.tobytes() for result in first.values()}) == 4
    assert {name: first[name].audio.tobytes() for name in before} == before
    assert all(
        np.array_equal(speak(synthesizer, name).codes, first[name].codes)
        for name in reversed(first)
    )
    assert {
        path: path.read_bytes() for path in tiny_model_dir.rglob("*") if path.is_file()
    } == files


def test_emotions_and_prompts_work_in_the_voice(tiny_model_dir, voice):
    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    name = synthesizer.load_voice(voice)
    spoken = [
        speak(synthesizer, name, emotion=emotion).audio.tobytes()
        for emotion in ("neutral", "sad", "happy:0.5,sad:0.5")
    ]
    assert len(set(spoken)) == 3


def test_a_merged_export_speaks_as_the_adapter(tiny_model_dir, voice, tmp_path):
    folder, info = read_model_info(tiny_model_dir)
    export_merged(folder, info, voice, tmp_path / "merged")
    adapter, merged = (
        Synthesizer.from_pretrained(tiny_model_dir),
        Synthesizer.from_pretrained(tmp_path / "merged"),
    )
    adapter.load_voice(voice)
    assert merged.voices == ("heart", "fenrir", "allison")
    for emotion in ("neutral", "angry"):
        one, two = (
            speak(adapter, "allison", emotion=emotion),
            speak(merged, "allison", emotion=emotion),
        )
        assert np.array_equal(one.codes, two.codes) and one.audio.tobytes() == two.audio.tobytes()


def test_a_merged_export_is_a_plain_llama(tiny_model_dir, voice, tmp_path):
    from transformers import AutoModelForCausalLM

    export_merged(*read_model_info(tiny_model_dir), voice, tmp_path / "merged")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged" / "lm", dtype=torch.float32)
    lm = load_lm(tiny_model_dir / "lm")
    merged = merged_tensors(lm, voice, read_card(voice))
    assert (
        type(model).__name__ == "LlamaForCausalLM"
        and model.lm_head.weight is model.model.embed_tokens.weight
    )
    assert all(
        torch.equal(model.state_dict()[name], tensor.float()) for name, tensor in merged.items()
    )


def test_a_decoder_of_its_own_is_used_and_exported(tiny_model_dir, voice_copy, tmp_path):
    other = random_codec(seed=4).decoder.state_dict()
    plain = Synthesizer.from_pretrained(tiny_model_dir)
    plain.load_voice(voice_copy)
    save_weights(voice_copy / DECODER_NAME, {name: tensor.half() for name, tensor in other.items()})
    tuned = Synthesizer.from_pretrained(tiny_model_dir)
    tuned.load_voice(voice_copy)
    before, after = speak(plain, "allison"), speak(tuned, "allison")
    assert (
        np.array_equal(before.codes, after.codes)
        and before.audio.tobytes() != after.audio.tobytes()
    )
    assert speak(tuned, "heart").audio.tobytes() == speak(plain, "heart").audio.tobytes()
    export_merged(*read_model_info(tiny_model_dir), voice_copy, tmp_path / "merged")
    exported = Codec.from_pretrained(tmp_path / "merged" / "codec").state_dict()
    assert all(
        torch.equal(exported[f"decoder.{name}"], tensor.half().float())
        for name, tensor in other.items()
    )


# -- where voices do not belong
def test_another_base_is_refused_and_named(say, model_copy, tiny_model_dir, voice, tmp_path):
    from affecttts.lm.model import save_lm

    layout = tiny_layout()
    save_lm(
        model_copy / "lm",
        random_llama(layout, seed=7),
        layout,
        fingerprint(model_copy / "codec"),
        b"",
    )
    (model_copy / "lm" / "prompt_pieces.model").unlink()
    here, there = fingerprint(model_copy / "lm"), fingerprint(tiny_model_dir / "lm")
    refused = say("--voice", voice, "-o", tmp_path / "out.wav", model=model_copy)
    assert refused.refused(1, "allison", "belongs to the model tiny", here, there)
    with pytest.raises(CheckpointError, match="belongs to the model tiny"):
        export_merged(*read_model_info(model_copy), voice, tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


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
    "another slot": change_card(token=7),
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
    "no row": change_weights(lambda t: t.pop(ROWS_NAME)),
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


# -- commands
def test_speaks_in_the_voice_from_the_command_line(say, tiny_model_dir, voice, tmp_path):
    assert say("--voice", voice, "-o", tmp_path / "a.wav").code == 0
    assert say("-o", tmp_path / "b.wav").code == 0
    assert (tmp_path / "a.wav").read_bytes() != (tmp_path / "b.wav").read_bytes()


def test_a_batch_mixes_voices(say, voice, tiny_model_dir, tmp_path):
    other = write_random_voice(tmp_path / "bert", tiny_model_dir, "bert", seed=1)
    broken = tmp_path / "broken"
    shutil.copytree(voice, broken)
    (broken / CARD_NAME).write_text("{")
    voices = {
        "a": str(voice),
        "b": str(other),
        "c": "heart",
        "d": str(broken),
        "e": str(tmp_path / "none"),
    }
    lines = [
        json.dumps({"id": name, "text": TEXT, "seed": 3, "voice": path})
        for name, path in voices.items()
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    done = say("--batch", tmp_path / "items.jsonl", "--output-dir", tmp_path / "out")
    assert done.code == 3 and sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.wav",
        "b.wav",
        "c.wav",
    ]
    assert len({path.read_bytes() for path in (tmp_path / "out").iterdir()}) == 3
    assert "d: " in done.err and "e: " in done.err


def test_lists_and_describes_voices(cli, voice, tmp_path):
    shutil.copytree(voice, tmp_path / "voices" / "good")
    shutil.copytree(voice, tmp_path / "voices" / "bad")
    (tmp_path / "voices" / "bad" / CARD_NAME).write_text("{")
    listed = ("list", "voices", "--folder", tmp_path / "voices")
    rows = json.loads(cli(*listed, "--json").out)
    assert [row.get("name") for row in rows] == [None, "allison"] and "error" in rows[0]
    assert [row["id"] for row in rows] == [str(tmp_path / "voices" / n) for n in ("bad", "good")]
    assert "allison" in cli(*listed).out.decode()
    assert cli("list", "emotions", "--folder", tmp_path).refused(2, "list voices")
    assert cli("voices", "list", "mine").refused(2, "affecttts list voices --folder mine")
    values = json.loads(cli("voices", "info", voice, "--json").out)
    assert values["name"] == "allison" and values["base"]["name"] == "tiny"
    assert "consent: none" in cli("voices", "info", voice).out.decode()
    assert cli("voices", "info", tmp_path).refused(2, "no adapted voice")
    assert cli("list", "voices", "--folder", tmp_path / "none").refused(2, "no such folder")


def test_merges_from_the_command_line(cli, tiny_model_dir, voice, tmp_path):
    assert (
        cli("voices", "merge", voice, "--model", tiny_model_dir, "-o", tmp_path / "merged").code
        == 0
    )
    assert cli(
        "voices", "merge", voice, "--model", tiny_model_dir, "-o", tmp_path / "merged"
    ).refused(2, "exists")
    assert (
        cli("list", "voices", "--model", tmp_path / "merged").out.decode().split()[-1] == "allison"
    )
