"""Spoiled model and voice folders: one line and exit code 1, or the same speech as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from affecttts.synthesis.lora import CONFIG_NAME, DECODER_NAME, WEIGHTS_NAME
from affecttts.synthesis.voices import CARD_NAME
from codec import Codec
from codec.files import save_weights
from hostile_folders import (
    WRONG,
    file_spoils,
    index_spoils,
    json_spoils,
    value_spoils,
    weight_spoils,
)
from peak_memory import peak_growth
from soak import soak
from tiny_voices import write_random_voice

MEMORY = 300_000_000  # bytes over the size of the files
MODEL_JSON = ("model.json", "codec/config.json", "lm/config.json", "lm/layout.json")
SHARE = 23  # one in so many is tried in the usual suite


@pytest.fixture(scope="module")
def tiny_voice(tiny_model_dir, tmp_path_factory) -> Path:
    """A voice with a decoder of its own. Treat as read-only."""
    folder = tmp_path_factory.mktemp("voices") / "ann"
    write_random_voice(folder, tiny_model_dir, "ann")
    decoder = Codec.from_pretrained(tiny_model_dir / "codec").decoder.state_dict()
    save_weights(folder / DECODER_NAME, {key: value.half() for key, value in decoder.items()})
    return folder


@pytest.fixture
def speaks(say, tmp_path):
    """Speak with a model and a voice; the outcome and the bytes of the file, if any."""

    def run(model: Path, voice: object = "heart"):
        target = tmp_path / "out.wav"
        target.unlink(missing_ok=True)
        outcome = say("--voice", voice, "-q", "-o", target, model=model)
        return outcome, target.read_bytes() if target.exists() else b""

    return run


def survive(spoils, folder: Path, tmp_path: Path, speak) -> tuple[int, int]:
    """Try every spoil on a copy of a folder; how many were refused and how many were harmless."""
    before, usual = speak(folder)
    assert before.code == 0, before.err
    counts, bad = [0, 0], []
    for name, spoil in spoils:
        copy = Path(shutil.copytree(folder, tmp_path / "copy"))
        spoil(copy)
        size = sum(p.stat().st_size for p in copy.rglob("*") if p.is_file())
        with peak_growth() as growth:
            try:
                outcome, spoken = speak(copy)
                refused = outcome.code != 0 and outcome.refused(1)
                assert refused or spoken == usual, "accepted, but speaks otherwise"
                assert not (refused and spoken), "a file is left behind"
                counts[not refused] += 1
            except Exception as error:
                bad.append(f"{name}: {type(error).__name__} {str(error)[:200]}")
        if growth() > size + MEMORY:
            bad.append(f"{name}: {growth() / 1e6:.0f} MB")
        shutil.rmtree(copy)
    assert not bad, f"{len(bad)} of {sum(counts) + len(bad)}:\n" + "\n".join(bad)
    return tuple(counts)


def values(folder: Path, names) -> list:
    """Every value of some JSON files spoiled in every way."""
    spoils = []
    for name in names:
        spoils += value_spoils(name, json.loads((folder / name).read_text()), WRONG)
    return spoils


def model_spoils(folder: Path) -> list:
    """Everything that can become of a model folder."""
    spoils = [s for name in MODEL_JSON for s in json_spoils(name)]
    spoils += file_spoils("lm/prompt_pieces.model")
    for part in ("codec", "lm"):
        spoils += [*weight_spoils(f"{part}/model.safetensors"), *index_spoils(part)]
    return spoils + values(folder, MODEL_JSON)


def voice_spoils(folder: Path) -> list:
    """Everything that can become of a voice folder; a folder without a card is no voice."""
    spoils = [s for name in (CARD_NAME, CONFIG_NAME) for s in json_spoils(name)]
    spoils += [s for name in (WEIGHTS_NAME, DECODER_NAME) for s in weight_spoils(name)]
    left_out = (f"{CARD_NAME}: missing", f"{DECODER_NAME}: missing")
    spoils = [(name, spoil) for name, spoil in spoils if name not in left_out]
    return spoils + values(folder, (CARD_NAME, CONFIG_NAME))


def test_some_spoiled_models(tiny_model_dir, tmp_path, speaks):
    survive(model_spoils(tiny_model_dir)[::SHARE], tiny_model_dir, tmp_path, speaks)


def test_some_spoiled_voices(tiny_model_dir, tiny_voice, tmp_path, speaks):
    spoils = voice_spoils(tiny_voice)[::SHARE]
    survive(spoils, tiny_voice, tmp_path, lambda folder: speaks(tiny_model_dir, folder))


@soak
def test_every_spoiled_model(tiny_model_dir, tmp_path, speaks):
    counts = survive(model_spoils(tiny_model_dir), tiny_model_dir, tmp_path, speaks)
    print("spoiled models: refused, harmless:", counts)
    assert sum(counts) > 200


@soak
def test_every_spoiled_voice(tiny_model_dir, tiny_voice, tmp_path, speaks):
    def speak(folder):
        return speaks(tiny_model_dir, folder)

    counts = survive(voice_spoils(tiny_voice), tiny_voice, tmp_path, speak)
    print("spoiled voices: refused, harmless:", counts)
    assert sum(counts) > 200


def test_a_folder_in_the_place_of_a_model_may_not_lead_out_of_it(tiny_model_dir, tmp_path, say):
    for part in ("codec", "lm"):
        model = Path(shutil.copytree(tiny_model_dir, tmp_path / f"model_{part}"))
        (model / part).rename(tmp_path / f"elsewhere_{part}")
        (model / part).symlink_to(tmp_path / f"elsewhere_{part}")
        assert say("-o", tmp_path / "x.wav", model=model).refused(1, "links out")


def test_absurd_sizes_are_one_line_in_little_memory(tiny_model_dir, tmp_path, speaks):
    def spoil(name, key, value):
        def change(folder):
            config = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps(config | {key: value}))

        return f"{key} = {value}", change

    spoils = [
        spoil("lm/config.json", "max_position_embeddings", 30_000_000),
        spoil("lm/config.json", "num_hidden_layers", 256),
        spoil("lm/config.json", "hidden_size", 16_384),
        spoil("lm/config.json", "intermediate_size", 65_536),
        spoil("codec/config.json", "decoder_blocks", 100_000),
        spoil("codec/config.json", "decoder_blocks", 128),
        spoil("codec/config.json", "decoder_dim", 32_768),
        spoil("codec/config.json", "codebook_size", 65_536),
        spoil("codec/config.json", "n_fft", 32_768),
    ]
    assert survive(spoils, tiny_model_dir, tmp_path, speaks) == (len(spoils), 0)
