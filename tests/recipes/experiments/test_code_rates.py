"""The experiment on rates, with a judge whose answer is known."""

from __future__ import annotations

import argparse
import json
import sys

import pytest

pytest.importorskip("pyworld")

from known_judges import Loudness
from tiny_models import load_recipe
from tiny_runs import MANIFEST

rates = load_recipe("experiments/code_rates")


def test_more_bits_say_more(tmp_path, monkeypatch):
    monkeypatch.setattr(rates, "NaturalnessJudge", Loudness)
    monkeypatch.setattr(rates, "SHORTEST", 0.1)
    output = tmp_path / "numbers.json"
    given = ["--manifest", str(MANIFEST), "--cache", str(tmp_path / "cache"), "--limit", "2"]
    codes = ["--codes", "4x1x4", "--codes", "4x2x16", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["code_rates", *given, *codes])
    rates.main()
    few, many = json.loads(output.read_text()).values()
    assert (few["bits_per_second"], many["bits_per_second"]) == (50, 200)
    assert many["error"]["mean"] < few["error"]["mean"]
    assert many["natural"]["mean"] > 0


@pytest.mark.parametrize("text", ["4x4", "4x0x16", "4x4x2e3", ""])
def test_plans_are_read_strictly(text):
    with pytest.raises(argparse.ArgumentTypeError, match="FRAMESxBOOKSxSIZE"):
        rates.Plan.read(text)
