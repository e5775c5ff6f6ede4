"""The experiment on encode modes, on codecs whose answer is known."""

from __future__ import annotations

import sys

import pytest
import torch

pytest.importorskip("pyworld")


from tiny_models import DATA, load_recipe, random_codec

encode_modes = load_recipe("experiments/encode_modes")

READS = {
    "modulation": "xattn_pre",
    "modulation_dim": 8,
    "modulation_heads": 2,
    "modulation_window": 8,
    "student_dim": 16,
}
TEACHERS = {
    "emotion_teacher": "prosody",
    "emotion_dim": 12,
    "semantic_teacher": "phonology",
    "semantic_dim": 28,
}


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_modes_agree_where_modulation_changes_nothing(tmp_path, monkeypatch, capsys, strength):
    codec = random_codec(**READS, **TEACHERS)
    torch.nn.init.normal_(codec.modulator.output.weight, std=strength)
    codec.save_pretrained(tmp_path / "codec")
    options = [
        "--manifest",
        str(DATA / "manifest.jsonl"),
        "--codec",
        str(tmp_path / "codec"),
        "--output",
        str(tmp_path / "out.json"),
    ]
    monkeypatch.setattr(sys, "argv", ["encode_modes", *options])
    monkeypatch.setattr(encode_modes, "held_out", lambda cache, limit: [0, 1])
    encode_modes.main()
    rows = [
        line.split("|")[1:]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| ")
    ][1:]
    modes, first = [row[0].strip() for row in rows], [float(row[1].split()[0]) for row in rows]
    assert modes == ["student", "off", "prosody"]
    assert first == [100.0] * 3 if not strength else max(first) < 100


def test_a_codec_without_teachers_is_refused(tmp_path, monkeypatch):
    random_codec().save_pretrained(tmp_path / "codec")
    monkeypatch.setattr(
        sys, "argv", ["encode_modes", "--manifest", "none", "--codec", str(tmp_path / "codec")]
    )
    with pytest.raises(SystemExit, match="without teachers; its modes are off"):
        encode_modes.main()
