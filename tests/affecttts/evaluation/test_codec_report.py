"""`affecttts evaluate codec`: ceiling, floor, resuming, missing packages."""

import json

import pytest

from affecttts.cli import main
from affecttts.evaluation import codec_report
from tiny_models import DATA


@pytest.fixture
def command(tiny_model_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(codec_report, "METRICS", tuple(m for m in codec_report.METRICS if m.name in ("SI-SDR", "PESQ-WB", "F0 error")))
    real = codec_report.find_spec
    monkeypatch.setattr(codec_report, "find_spec", lambda name: None if name == "pesq" else real(name))
    options = ["--manifest", str(DATA / "manifest.jsonl"), "--codec", str(tiny_model_dir / "codec"), "--report", str(tmp_path / "r")]
    return ["evaluate", "codec", *options, "--limit"]


def test_ceiling_floor_resume_and_refusal(command, tmp_path, capsys, monkeypatch):
    assert main([*command, "2"]) == 0
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    ratio = {name: values["SI-SDR"]["mean"] for name, values in report["systems"].items()}
    assert ratio["perfect copy"] == 100 and ratio["another clip"] < 0 and report["n"] == 2
    assert report["systems"]["perfect copy"]["F0 error"]["mean"] == 0
    assert report["systems"]["codec"]["bitrate"]["n"] == 2
    assert "affecttts[eval]" in report["missing"]["PESQ-WB"] and "affecttts[eval]" in capsys.readouterr().out
    items = tmp_path / "r" / "items.jsonl"
    lines = items.read_text().splitlines(keepends=True)
    items.write_text("".join(lines[:2]) + lines[2][:30])  # a kill in the middle of the second clip
    measured, real = [], codec_report._item
    monkeypatch.setattr(codec_report, "_item", lambda *a: measured.append(a[2].id) or real(*a))
    assert main([*command, "2", "-q"]) == 0
    assert measured == [json.loads(lines[2])["id"]] and len(items.read_text().splitlines()) == 3
    assert main([*command, "1", "-q"]) == 2 and "two clips" in capsys.readouterr().err
    items.write_text('{"codec": "other"}\n')
    assert main([*command, "2", "-q"]) == 2 and "another codec" in capsys.readouterr().err


def test_the_wrong_copy_is_another_voice_s_other_words(utterances):
    for place, own in enumerate(utterances):
        wrong = codec_report.unlike(utterances, place)
        assert wrong.speaker != own.speaker and wrong.text != own.text
