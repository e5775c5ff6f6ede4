"""Adapted voices in synthesis: they change what is spoken and leave the base as it is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from affecttts.lm.engine import Engine
from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import (
    DECODER_NAME,
    export_merged,
    merged_tensors,
)
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import CARD_NAME, read_card
from codec import Codec
from codec.files import save_weights
from tiny_models import random_codec
from tiny_voices import write_random_voice

TEXT = "Hello there."


def speak(synthesizer, voice, **more):
    return synthesizer.synthesize(TEXT, voice=voice, seed=3, **more)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_merged_tensors_are_what_peft_computes(tiny_model_dir, voice):
    peft = pytest.importorskip("peft")
    lm = load_lm(tiny_model_dir / "lm")
    model = peft.PeftModel.from_pretrained(lm.llama(), str(voice)).eval()
    ids = torch.tensor([[1, 3, 40, 50, 60, 400, 500, 600]])
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
