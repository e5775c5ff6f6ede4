"""recipes/encode_corpus.py and merge_tokens.py, as a user runs them, with the tiny codec."""

import argparse
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")

from affecttts.cli.script import run_script
from affecttts.data.codes.store import CodeStore
from codec import Codec
from codec.audio import load_audio
from tiny_models import DATA, REPOSITORY, load_recipe, random_codec

pytestmark = pytest.mark.slow

MANIFEST = DATA / "manifest.jsonl"


@pytest.fixture
def recipe(tiny_model_dir, tmp_path, monkeypatch):
    """Run a recipe on the test clips; the tokens lie in the folder that is returned."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")

    own = {
        "encode_corpus": ["--output", tmp_path / "tokens", "--codec", tiny_model_dir / "codec"],
        "merge_tokens": ["--tokens", tmp_path / "tokens"],
    }

    def run(name, *arguments):
        monkeypatch.setattr(
            sys, "argv", [str(a) for a in (name, "--manifest", MANIFEST, *own[name], *arguments)]
        )
        return run_script(load_recipe(name).main), tmp_path / "tokens"

    return run


def test_shards_made_one_by_one_are_those_of_one_run(recipe, tiny_model_dir, utterances, capsys):
    for index in (2, 0, 1):
        _, folder = recipe("encode_corpus", "--shard", f"{index}/3")
    store, codec = CodeStore(folder), Codec.from_pretrained(tiny_model_dir / "codec")
    for utterance in utterances[:2]:
        audio = torch.from_numpy(load_audio(DATA / utterance.path, 24_000).samples)[None, None]
        np.testing.assert_array_equal(store[utterance.id], codec.encode(audio).codes[0].numpy())
    capsys.readouterr()
    recipe("encode_corpus", "--shards", 3)
    assert "3 shards, 12 utterances, 0 of them encoded now" in capsys.readouterr().err
    code, _ = recipe("merge_tokens", "--rehash")
    assert code == 0 and "12 utterances" in capsys.readouterr().out


def test_codes_of_an_analysis_are_not_those_of_the_encoder(recipe, tmp_path, capsys):
    pytest.importorskip("pyworld")
    codec = random_codec(decoder="parametric", encoder_spectrum="cepstrum", quantizer_dropout=0.0)
    codec.save_pretrained(tmp_path / "parametric")
    own = ("--codec", tmp_path / "parametric", "--shards", 1)
    _, folder = recipe("encode_corpus", *own)
    encoded = dict(CodeStore(folder).codes)
    _, folder = recipe("encode_corpus", *own, "--latents", "analysis")
    assert "12 of them encoded now" in capsys.readouterr().err
    analysed = CodeStore(folder).codes
    assert {name: codes.shape for name, codes in analysed.items()} == {
        name: codes.shape for name, codes in encoded.items()
    }
    assert any((analysed[name] != encoded[name]).any() for name in encoded)
    recipe("encode_corpus", *own, "--latents", "analysis")
    assert "0 of them encoded now" in capsys.readouterr().err


def test_an_analysis_needs_a_parametric_decoder(recipe, capsys):
    code, _ = recipe("encode_corpus", "--latents", "analysis")
    assert code == 2 and "only a parametric one" in capsys.readouterr().err


def test_a_shard_that_is_missing_is_told(recipe, capsys):
    recipe("encode_corpus", "--shard", "0/2")
    code, _ = recipe("merge_tokens")
    assert code == 1 and "--shard 1/2" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["3", "3/3", "-1/3", "a/b", "1/", "0/0"])
def test_what_is_no_shard(text):
    with pytest.raises(argparse.ArgumentTypeError, match="I/N"):
        load_recipe("encode_corpus").parse_shard(text)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_ray_makes_the_same_shards(recipe, tiny_model_dir, tmp_path):
    """As a command: Ray sends what is in the script to its workers."""
    _, folder = recipe("encode_corpus", "--shards", 3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    folder.rename(tmp_path / "alone")
    command = [
        sys.executable,
        REPOSITORY / "recipes" / "encode_corpus.py",
        "--manifest",
        MANIFEST,
        "--codec",
        tiny_model_dir / "codec",
    ]
    command += ["--output", folder, "--shards", "3", "--ray", "1"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "3 shards, 12 utterances encoded now" in done.stderr, (
        done.stderr[-2000:]
    )
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
