"""Judges are declared, and none judges its own pupil."""

import pytest

from affecttts.data.lineage import Lineage, save_lineage
from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import (
    SOUND,
    WORDS,
    JudgeCard,
    partial,
    screen,
    teachers_of,
)
from tiny_models import random_codec

OWN = JudgeCard("own", "emotion", "MIT", "a test", ("hubert:/models/mine", "their-tts"))


@pytest.mark.parametrize(
    "teachers, model, reason",
    [
        (["hubert:/models/mine"], "", "hubert:/models/mine"),
        (["hubert:/models/other"], "", ""),
        (["hubert"], "", ""),
        (["prosody"], "their-tts", "their-tts"),
        ([], "our-tts", ""),
    ],
)
def test_whose_judge_is_partial(teachers, model, reason):
    assert partial(OWN, teachers, model) == reason


def test_a_kind_of_teacher_means_all_models_of_that_kind():
    card = JudgeCard("emotion2vec", "emotion", "MIT", "a test", ("emotion2vec",))
    assert partial(card, ["emotion2vec:/models/large"]) == "emotion2vec:/models/large"


def test_a_teacher_is_refused_unless_forced_and_then_the_report_says_so():
    with pytest.raises(
        RequestError, match="Whisper tiny.en took part in teaching.*whisper.*--force-judges"
    ):
        screen([SOUND, WORDS], ["prosody", "whisper"], "m", force=False)
    (alarm,) = screen([SOUND, WORDS], ["prosody", "whisper"], "m", force=True)
    assert "Whisper tiny.en" in alarm and "prove nothing" in alarm
    assert screen([SOUND, WORDS], ["prosody"], "m", force=False) == []


def test_teachers_are_read_from_lineage_and_from_a_modulated_codecs_config(tmp_path):
    plain, taught = (
        random_codec(),
        random_codec(modulation="xattn_pre", emotion_teacher="clap", emotion_dim=8),
    )
    plain.save_pretrained(tmp_path / "plain")
    taught.save_pretrained(tmp_path / "taught")
    assert teachers_of(tmp_path / "plain") == ()
    assert teachers_of(tmp_path / "taught") == ("clap", "phonology")
    save_lineage(tmp_path / "plain", Lineage(teachers=("whisper",)))
    (tmp_path / "lm").mkdir()
    save_lineage(tmp_path / "lm", Lineage(teachers=("hubert",)))
    assert teachers_of(tmp_path / "plain", tmp_path / "lm") == ("hubert", "whisper")


def test_a_missing_package_says_what_to_install():
    assert "pip install" in JudgeCard("x", "y", "MIT", "z", packages=("no_such_package",)).missing
    assert JudgeCard("x", "y", "MIT", "z", packages=("numpy",)).missing == ""
