"""The experiment on copies, with a judge whose answer is known."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("pyworld")

from known_judges import Loudness
from tiny_models import DATA, load_recipe, random_codec

copies = load_recipe("experiments/copies")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "NaturalnessJudge", Loudness)
    monkeypatch.setattr(copies, "SHORTEST", 0.5)

    def call(*options):
        output = tmp_path / "numbers.json"
        given = ["--manifest", str(DATA / "manifest.jsonl"), "--output", str(output), *options]
        monkeypatch.setattr(sys, "argv", ["copies", "--limit", "2", *given])
        copies.main()
        return json.loads(output.read_text())

    return call


def test_copies_by_the_vocoder_are_close_and_few_coefficients_blur(run):
    fewer = ["--coefficients", "60", "--coefficients", "12"]
    numbers = run("--tracker", "harvest", "--hop", "240", "--hop", "120", *fewer)
    original, fine, finer, coarse, _ = numbers.values()
    assert original["correlation"] == pytest.approx([1.0] * 4)
    assert fine["natural"]["mean"] == pytest.approx(original["natural"]["mean"], rel=0.3)
    assert finer["correlation"][1] > fine["correlation"][1] - 0.05
    assert fine["correlation"][1] > 0.8 and coarse["correlation"][1] < fine["correlation"][1] - 0.2


def test_a_codec_is_heard_with_and_without_its_quantizer(run, tmp_path):
    random_codec(decoder="parametric").save_pretrained(tmp_path / "codec")
    numbers = run("--codec", str(tmp_path / "codec"))
    assert list(numbers) == [
        "originals",
        "codec, latents",
        "codec",
        "codec, codes of the analysis",
    ]
