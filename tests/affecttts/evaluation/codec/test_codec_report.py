"""`affecttts evaluate codec`: ceiling, floor, several systems, resuming, what is missing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from affecttts.cli.main import main
from affecttts.errors import RequestError
from affecttts.evaluation.codec import figures, judges, metric, metrics
from affecttts.evaluation.codec.report import unlike
from tiny_models import DATA

KEPT = ("SI-SDR", "PESQ-WB", "F0 error", "bitrate", "real-time factor")


@pytest.fixture
def command(tiny_model_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "METRICS", tuple(m for m in metrics.METRICS if m.name in KEPT))
    real = metric.find_spec
    monkeypatch.setattr(metric, "find_spec", lambda name: None if name == "pesq" else real(name))
    options = [
        "--manifest",
        str(DATA / "manifest.jsonl"),
        "--codec",
        f"tiny={tiny_model_dir / 'codec'}",
        "--without-judge",
        "acoustic",
        "--without-judge",
        "spectral",
    ]
    return ["evaluate", "codec", *options, "--report", str(tmp_path / "r"), "--limit"]


def read(tmp_path):
    return json.loads((tmp_path / "r" / "report.json").read_text())


def test_ceiling_floor_resume_and_refusal(command, tmp_path, capsys, monkeypatch):
    assert main([*command, "2"]) == 0
    report = read(tmp_path)
    ratio = {name: values["SI-SDR"]["mean"] for name, values in report["systems"].items()}
    assert ratio["perfect copy"] == 100 and ratio["another clip"] < 0 and report["n"] == 2
    assert (
        report["systems"]["perfect copy"]["F0 error"]["mean"] == 0
        and "bitrate" not in report["missing"]
    )
    assert report["systems"]["tiny"]["bitrate"]["n"] == 2 and report["systems"]["perfect copy"][
        "bitrate"
    ] == {"n": 0}
    assert (
        "affecttts[eval]" in report["missing"]["PESQ-WB"]
        and "affecttts[eval]" in capsys.readouterr().out
    )
    items = tmp_path / "r" / "items.jsonl"
    lines = items.read_text().splitlines(keepends=True)
    assert len(lines) == 7
    # a kill in the middle of the codec's copy of the second clip
    items.write_text("".join(lines[:5]) + lines[5][:30])
    assert main([*command, "2", "-q"]) == 0
    again = items.read_text().splitlines(keepends=True)
    assert again[:5] == lines[:5] and [json.loads(x)["system"] for x in again[5:]] == [
        "tiny",
        "another clip",
    ]
    assert read(tmp_path)["systems"]["tiny"]["SI-SDR"] == report["systems"]["tiny"]["SI-SDR"]
    assert main([*command, "1", "-q"]) == 2 and "two clips" in capsys.readouterr().err
    assert (
        main([*command, "2", "-q", "--num-codebooks", "9"]) == 2
        and "lower --num-codebooks" in capsys.readouterr().err
    )
    items.write_text(items.read_text().replace('"identity": "', '"identity": "x'))
    assert main([*command, "2", "-q"]) == 2 and "another codec" in capsys.readouterr().err
    items.write_text('{"clips": ["other"]}\n')
    assert main([*command, "2", "-q"]) == 2 and "other clips" in capsys.readouterr().err


def test_systems_are_added_compared_and_drawn(command, tmp_path, capsys):
    assert main([*command, "2", "-q", "--num-codebooks", "1,4"]) == 0
    first = (tmp_path / "r" / "items.jsonl").read_text()
    extra = [
        "--codec",
        "opus",
        "--bitrates",
        "12",
        "--external",
        "echo@5=cp {in} {out}",
        "--copies",
        str(tmp_path / "copies"),
    ]
    assert main([*command, "2", "--num-codebooks", "1,4", *extra]) == 0
    assert (tmp_path / "r" / "items.jsonl").read_text().startswith(first)
    report, page = read(tmp_path), (tmp_path / "r" / "report.html").read_text()
    assert report["comparisons"]["reference"] == "tiny k=1"
    assert set(report["comparisons"]["systems"]) == {"tiny k=4", "opus 12k", "echo"}
    against = report["comparisons"]["systems"]["echo"]["SI-SDR"]
    assert (
        against["n"] == 2
        and against["low"] <= against["difference"] <= against["high"]
        and against["p"] <= 1
    )
    assert report["systems"]["echo"]["SI-SDR"]["mean"] > 40 and report["bitrates"]["echo"] == 5
    assert report["bitrates"]["tiny k=4"] == pytest.approx(4 * report["bitrates"]["tiny k=1"])
    assert (
        len(report["codebooks"]["tiny k=4"]) == 4
        and report["codebooks"]["tiny k=4"][0]["perplexity"] >= 1
    )
    assert (
        all(name in page for name in report["systems"])
        and "Not measured: PESQ-WB" in page
        and "://" not in page
    )
    assert page.count("data:audio/flac") == 2 * 5
    assert page.count("<h3>Spectrograms of") == 2 and page.count("<h3>Pitch of") == 1


def test_original_and_copy_stand_side_by_side():
    pytest.importorskip("matplotlib")
    clips = {name: np.random.default_rng(0).normal(0, 0.1, 6000) for name in ("it", "a", "b")}
    figure = figures.spectrograms(clips, 24000)
    assert [axes.get_title() for axes in figure.axes] == ["it", "a", "it", "b"]
    assert len({image.get_clim() for axes in figure.axes for image in axes.images}) == 1
    assert len(figures.spectrograms({"it": clips["it"]}, 24000).axes) == 2


def test_the_envelope_and_what_copies_lose_are_reported(command, tmp_path, monkeypatch, capsys):
    """Blur shows as spread below 1; judges that hear copies alone hear the originals, too."""
    whole = [m for m in metrics.METRICS if m.group == "envelope" or m.name == "DistillMOS"]
    loud = replace(whole[0], measure=lambda pair: float(np.abs(pair.copy).mean()), needs=())
    monkeypatch.setattr(judges, "METRICS", (loud, *whole[1:]))
    extra = ["--codec", "opus", "--bitrates", "6"]
    assert main([*command, "3", *extra]) == 0
    report, page = read(tmp_path), (tmp_path / "r" / "report.html").read_text()
    for measure in metrics.ENVELOPE_MEASURES:
        name = metrics.envelope_name(measure, "6-10")
        assert report["systems"]["perfect copy"][name]["mean"] == pytest.approx(1.0)
        assert report["systems"]["opus 6k"][name]["n"] == report["n"]
    correlation = metrics.envelope_name("correlation", "6-10")
    heard = {name: values[correlation]["mean"] for name, values in report["systems"].items()}
    assert heard["another clip"] < heard["opus 6k"] < 1 and heard["tiny"] < heard["opus 6k"]
    for system, loss in report["losses"].items():
        values = [report["systems"][x]["DistillMOS"]["mean"] for x in (system, "perfect copy")]
        assert loss["DistillMOS"]["difference"] == pytest.approx(values[0] - values[1])
    assert "Sharpness of the envelope" in page and "opus 6k minus the originals" in page
    assert "DistillMOS ↑, copy - original" in capsys.readouterr().out


class Taught:
    """A codec that Whisper taught."""

    name, bitrate, identity, codebook_size, teachers = "taught", None, "", None, ("whisper",)


def test_a_judge_that_taught_the_codec_is_refused():
    with pytest.raises(RequestError, match="Whisper"):
        judges.convene([Taught()], ["acoustic"])
    left = judges.convene([Taught()], ["acoustic"], without=["words", "whisper_base", "acoustic"])
    assert not left.alarms and not any(
        "errors" in m.name and m.unit == "%" and m.judge for m in left.metrics
    )
    forced = judges.convene([Taught()], ["acoustic"], force=True)
    assert "Whisper" in forced.alarms[0] and "emotion loss, acoustic" in [
        metric.name for metric in forced.metrics
    ]
    with pytest.raises(RequestError, match="known: words"):
        judges.convene([Taught()], without=["nobody"])


def test_the_wrong_copy_is_another_voice_s_other_words(utterances):
    for place, own in enumerate(utterances):
        wrong = unlike(utterances, place)
        assert wrong.speaker != own.speaker and wrong.text != own.text
