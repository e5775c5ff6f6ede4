"""Three thousand speakers: the layout does not grow, and all that holds voices holds them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

pytest.importorskip("accelerate")

from affecttts.cli.main import main
from affecttts.cli.script import run_script
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.data.manifest import write_manifest
from affecttts.lm.model import load_lm
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.training.lm.start import make_layout
from codec.files import fingerprint
from tiny_models import DATA, load_recipe, tiny_codes
from tiny_runs import lm_trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]

SPEAKERS = 3000


@pytest.fixture
def many(utterances, tokens, codec_dir, tmp_path):
    """Manifest and tokens of so many speakers, a sentence each."""
    names = [f"speaker-{index:04d}" for index in range(SPEAKERS)]
    known, rows, codes = CodeStore(tokens), [], []
    for index, name in enumerate(names):
        source = utterances[index % len(utterances)]
        path = str((DATA / source.path).resolve())
        rows.append(replace(source, id=name, speaker=name, path=path))
        codes.append(CodeRow(name, "0" * 16, known[source.id]))
    write_manifest(tmp_path / "many.jsonl", rows)
    write_shard(shard_path(tmp_path / "tokens", 0, 1), codes, fingerprint(codec_dir))
    tiny_codes(*names).save(tmp_path / "tokens" / "voices.json")
    return tmp_path / "many.jsonl", tmp_path / "tokens"


def test_a_step_a_package_a_list_and_a_sentence(monkeypatch, capsys, many, codec_dir, tmp_path):
    manifest, shards = many
    trainer = lm_trainer(monkeypatch, shards, codec_dir, tmp_path / "run", manifest=manifest)
    few = make_layout(trainer.config, tiny_codes(), trainer.codec.config)
    assert trainer.layout == few and len(trainer.voices.codes) == SPEAKERS
    trainer.train_step()
    trainer.save()
    lm, model = tmp_path / "run" / "lm", tmp_path / "model"
    assert len(load_lm(lm).voices.codes) == SPEAKERS
    options = ["--codec", codec_dir, "--lm", lm, "--name", "many", "--output", model]
    monkeypatch.setattr(sys, "argv", ["package_model", *map(str, options)])
    assert run_script(load_recipe("package_model").main) == 0
    capsys.readouterr()
    assert main(["list", "voices", "--model", str(model), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == SPEAKERS
    assert len(read_model_info(model)[1].voice_codes) == SPEAKERS
    synthesizer = Synthesizer.from_pretrained(model)
    # untrained, it draws any duration, and the usual budget may not hold the first one
    synthesizer.sampling = replace(synthesizer.sampling, max_frames_per_phone=130.0)
    said = [
        synthesizer.synthesize("Hi.", voice=f"speaker-{number:04d}", seed=1).codes.tobytes()
        for number in (0, 1500, 2999)
    ]
    assert len(set(said)) == 3
