"""Free-text prompts: names, intensity words and the classifier."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from affecttts.emotion.freetext import FreeTextEncoder, embedding, head
from affecttts.emotion.freetext.__main__ import measure
from affecttts.emotion.freetext.names import find_names, read_intensity
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError

HELD_OUT = Path(__file__).parents[3] / "affecttts/evaluation/data/free_text_prompts.jsonl"


def held_out():
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def words(text):
    return set(re.findall(r"\w+", text.lower()))


@pytest.fixture(scope="module")
def encoder():
    if importlib.util.find_spec(embedding.MODEL_PACKAGE) is None:
        pytest.skip("the sentence-embedding package is not installed")
    return FreeTextEncoder()


def test_held_out_has_five_prompts_an_emotion():
    emotions = [row["emotion"] for row in held_out()]
    assert {e: emotions.count(e) for e in load_emotions().ids} == dict.fromkeys(
        load_emotions().ids, 5
    )


def test_held_out_names_no_emotion():
    for row in held_out():
        assert find_names(row["prompt"], load_emotions()).named == (), row


def test_held_out_is_apart_from_the_phrasings():
    phrasings = [words(p) for e in load_emotions().emotions for p in e.phrasings]
    for row in held_out():
        prompt = words(row["prompt"])
        for phrasing in phrasings:
            shared = len(prompt & phrasing) / len(prompt | phrasing)
            assert shared < 0.5, (row, phrasing)


@pytest.mark.parametrize(
    ("text", "named", "negated"),
    [
        ("angry", ["angry"], []),
        ("Like a FURIOUS neighbour", ["angry"], []),
        ("madly in love", [], []),
        ("not angry", [], ["angry"]),
        ("without any anger", [], ["angry"]),
        ("don't sound too angry", [], ["angry"]),
        ("not angry or sad", [], ["angry", "sad"]),
        ("sad but not angry", ["sad"], ["angry"]),
        ("not angry, sad", ["sad"], ["angry"]),
        ("not only angry", ["angry"], []),
        ("never been happier, truly happy", ["happy"], []),
    ],
)
def test_names_and_refusals(text, named, negated):
    names = find_names(text, load_emotions())
    assert list(names.named) == named
    assert list(names.negated) == negated


@pytest.mark.parametrize(
    ("text", "intensity"),
    [
        ("sad", 1.0),
        ("slightly sad", 0.6),
        ("a bit down", 0.6),
        ("a  little sad", 0.6),
        ("like a little child", 1.0),
        ("Very upset", 1.3),
        ("extremely, extremely upset", 1.5),
        ("everything", 1.0),
    ],
)
def test_intensity_words(text, intensity):
    assert read_intensity(text, load_emotions()) == pytest.approx(intensity)


def test_missing_package_is_told_with_its_cure(monkeypatch):
    monkeypatch.setattr(embedding, "MODEL_PACKAGE", "no_such_package_here")
    with pytest.raises(RequestError, match="pip install no-such-package-here"):
        FreeTextEncoder()


def test_missing_model_folder_is_told(tmp_path):
    with pytest.raises(RequestError, match="nowhere"):
        FreeTextEncoder(tmp_path / "nowhere")


def test_shipped_head_was_fitted_on_these_phrasings():
    table = load_emotions()
    fitted = head.load_head(table)
    phrasings = sum(len(e.phrasings) for e in table.emotions)
    assert fitted.weights.shape == (phrasings, len(table.ids))


def test_head_of_other_phrasings_is_refused(monkeypatch):
    monkeypatch.setattr(head, "phrasings_hash", lambda table: "other")
    with pytest.raises(ValueError, match="--build"):
        head.load_head(load_emotions())


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 501])
def test_empty_or_long_prompt_is_refused(encoder, prompt):
    with pytest.raises(RequestError):
        encoder.read(prompt)


def test_reading_is_a_distribution_and_repeats(encoder):
    reading = encoder.read("like a sailor who sees land after a year")
    assert list(reading.probabilities) == list(load_emotions().ids)
    assert sum(reading.probabilities.values()) == pytest.approx(1.0)
    assert min(reading.probabilities.values()) >= 0.0
    assert encoder.read("like a sailor who sees land after a year") == reading


def test_named_emotion_overrules_the_situation(encoder):
    reading = encoder.read("furious, as if you just won the lottery")
    assert reading.emotion == "angry"
    assert reading.probabilities["angry"] > 0.8


def test_refused_emotion_gets_nothing(encoder):
    reading = encoder.read("not angry, shouting at a thief who stole your bag")
    assert reading.probabilities["angry"] == 0.0


def test_mere_refusal_is_neutral(encoder):
    reading = encoder.read("not very angry")
    assert (reading.emotion, reading.intensity) == ("neutral", 1.0)


def test_intensity_scales_the_vad(encoder):
    plain, weak = encoder.read("sad"), encoder.read("slightly sad")
    assert weak.intensity == pytest.approx(0.6)
    assert abs(weak.vad[0]) < abs(plain.vad[0])


def test_held_out_accuracy(encoder):
    count, wrong = measure(encoder, HELD_OUT)
    # 31 of 40 when first measured; chance is 5.
    assert count - len(wrong) >= 30, "\n".join(wrong)
