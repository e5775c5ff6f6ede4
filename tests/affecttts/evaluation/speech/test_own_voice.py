"""An adapted voice beside the person's recordings, on answers that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.judges.words import WordCounts
from affecttts.evaluation.speech import own_voice
from affecttts.evaluation.speech.own_voice import COPIES, RECORDINGS, Heard, Spoken, evaluate_voice
from tiny_models import DATA
from tiny_voices import write_random_voice


def heard(cosine: float, errors: int) -> Heard:
    return Heard(
        [cosine - 0.1, cosine + 0.1],
        [WordCounts(10 - errors, errors, 0, 0, 0, 0), WordCounts(10, 0, 0, 0, 0, 0)],
    )


def test_a_voice_is_told_by_itself_and_beside_the_best_base_voice():
    base, adapted = heard(0.6, 1), heard(0.8, 3)
    assert [value.mean for value in base.row()] == pytest.approx([0.6, 5.0])
    assert [value.mean for value in adapted.row(base)] == pytest.approx([0.8, 15.0, 0.2, 10.0])
    gain = adapted.row(base)[2]
    assert gain.low == pytest.approx(0.2) and gain.high == pytest.approx(0.2), "paired by clip"


@pytest.fixture
def voice(tiny_model_dir, tmp_path):
    return write_random_voice(tmp_path / "allison", tiny_model_dir, "allison")


@pytest.fixture
def judges(monkeypatch):
    """A voice is the length of its clips; words are always right but one."""

    class Voice:
        def __call__(self, audio, rate):
            vector = np.array([1.0, len(audio) / rate])
            return vector / np.linalg.norm(vector)

    class Words:
        def __init__(self, threads): ...

        def __call__(self, audio, rate, text):
            return WordCounts(len(text.split()) - 1, 1, 0, 0, 0, 0)

    monkeypatch.setattr(own_voice, "VoiceJudge", Voice)
    monkeypatch.setattr(own_voice, "WordJudge", Words)


def test_recordings_copies_base_voices_and_the_voice_are_judged(
    voice, judges, tiny_model_dir, utterances
):
    rows = [Spoken(DATA / row.path, "Go on.") for row in utterances[:2]]
    nearest, table = evaluate_voice(voice, rows, tiny_model_dir)
    bases = [name for name in table if name not in (RECORDINGS, COPIES, "allison")]
    assert list(table) == [RECORDINGS, COPIES, *bases, "allison"] and nearest in bases
    assert table[RECORDINGS][0].mean > 0.9 and table[RECORDINGS][1].mean == 50
    assert table[COPIES][0].mean == pytest.approx(table[RECORDINGS][0].mean, abs=0.01)
    assert [len(row) for row in table.values()] == [2] * (len(table) - 1) + [4]
    with pytest.raises(RequestError, match="none of the recordings has a text"):
        evaluate_voice(voice, [], tiny_model_dir)


def test_the_command_says_what_is_missing_or_prints(
    cli, voice, judges, tiny_model_dir, tmp_path, monkeypatch
):
    from affecttts.evaluation.judges.declarations import JudgeCard

    clips = tmp_path / "held_out.jsonl"
    clip = DATA / "clips" / "00058_heart_neutral.opus"
    clips.write_text(json.dumps({"path": str(clip), "text": "Go on."}) + "\n")
    options = ["--voice", voice, "--clips", clips, "--model", tiny_model_dir]
    monkeypatch.setattr(JudgeCard, "missing", property(lambda card: "pip install judges"))
    assert cli("evaluate", "voice", *options).refused(2, "Resemblyzer is missing", "pip install")
    monkeypatch.setattr(JudgeCard, "missing", property(lambda card: ""))
    done = cli("evaluate", "voice", *options)
    assert done.code == 0 and b"allison" in done.out, done.err
    assert "allison" in json.loads(cli("evaluate", "voice", *options, "--json").out)
