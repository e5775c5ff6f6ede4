"""The table of emotions and what a request asks of it."""

import copy
import math
import subprocess
import sys

import pytest
import yaml

from affecttts.emotion.spec import EmotionSpec
from affecttts.emotion.table import emotions_path, load_emotions, read_table
from affecttts.errors import RequestError

CORPUS_VAD = {
    "neutral": (0.0, 0.0, 0.0),
    "calm": (0.5, -0.6, 0.1),
    "happy": (0.8, 0.5, 0.4),
    "sad": (-0.7, -0.5, -0.5),
    "angry": (-0.7, 0.8, 0.7),
    "fearful": (-0.7, 0.6, -0.7),
    "surprised": (0.3, 0.8, -0.1),
    "disgusted": (-0.7, 0.2, 0.3),
}


@pytest.fixture
def raw():
    return yaml.safe_load(emotions_path().read_text(encoding="utf-8"))


def read(raw, folder):
    path = folder / "emotions.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return read_table(path)


def test_shipped_table_has_the_corpus_emotions():
    table = load_emotions()
    assert {e.id: e.vad for e in table.emotions} == CORPUS_VAD
    assert table.ids[0] == "neutral"


def test_every_emotion_is_well_covered():
    for emotion in load_emotions().emotions:
        assert len(emotion.phrasings) >= 60, emotion.id
        assert len(emotion.aliases) >= 6, emotion.id


def test_no_phrasing_stands_twice():
    phrasings = [p.lower() for e in load_emotions().emotions for p in e.phrasings]
    assert len(set(phrasings)) == len(phrasings)


def test_names_resolve_whatever_the_case():
    table = load_emotions()
    assert table.get("ANGRY").id == "angry"
    assert table.get(" Furious ").id == "angry"
    for emotion in table.emotions:
        for alias in emotion.aliases:
            assert table.get(alias.title()) is emotion


def test_unknown_name_lists_the_nearest_first():
    with pytest.raises(RequestError) as caught:
        load_emotions().get("hapy")
    message = str(caught.value)
    start = "unknown emotion 'hapy': did you mean happy? known: happy,"
    assert message.startswith(start)
    for emotion in CORPUS_VAD:
        assert emotion in message


def test_name_unlike_any_other_gets_no_suggestion():
    with pytest.raises(RequestError) as caught:
        load_emotions().get("zzzz")
    assert "did you mean" not in str(caught.value)
    assert "neutral, calm" in str(caught.value)


def _rename_key(entry):
    entry["valance"] = entry.pop("valence")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_rename_key, "unknown keys"),
        (lambda e: e.pop("arousal"), "missing keys"),
        (lambda e: e.update(dominance=1.01), "dominance"),
        (lambda e: e.update(valence=math.nan), "valence"),
        (lambda e: e.update(valence="high"), "valence"),
        (lambda e: e.update(phrasings=e["phrasings"][:19]), "phrasings"),
        (lambda e: e.update(aliases=e["aliases"][:5]), "aliases"),
        (lambda e: e["aliases"].append("angry"), "already taken"),
        (lambda e: e["aliases"].append("calm"), "already taken"),
        (lambda e: e["aliases"].append("Joy"), "lower case"),
        (lambda e: e["phrasings"].append(3), "not text"),
    ],
)
def test_broken_entry_is_refused_by_name(raw, tmp_path, change, complaint):
    happy = next(e for e in raw["emotions"] if e["id"] == "happy")
    others = copy.deepcopy([e for e in raw["emotions"] if e["id"] != "happy"])
    change(happy)
    # Last, so that a clash of names is found at this entry.
    raw["emotions"] = [*others, happy]
    with pytest.raises(ValueError, match=f"'happy'.*{complaint}"):
        read(raw, tmp_path)


def test_broken_top_level_is_refused(raw, tmp_path):
    with pytest.raises(ValueError, match="version"):
        read({**raw, "version": 2}, tmp_path)
    with pytest.raises(ValueError, match="unknown keys"):
        read({**raw, "extra": 1}, tmp_path)
    with pytest.raises(ValueError, match="very"):
        read({**raw, "intensity_words": {"very": 9}}, tmp_path)


@pytest.mark.parametrize("emotion", CORPUS_VAD)
def test_vad_scales_with_intensity(emotion):
    half = EmotionSpec.parse(emotion, 0.5).resolved_vad()
    assert half == pytest.approx([axis / 2 for axis in CORPUS_VAD[emotion]])


def test_vad_is_clipped_beyond_full_strength():
    assert EmotionSpec("angry", 1.5).resolved_vad() == (-1.0, 1.0, 1.0)


def test_zero_intensity_is_no_emotion():
    assert EmotionSpec("angry", 0).resolved_vad() == (0.0, 0.0, 0.0)


def test_explicit_vad_is_taken_as_it_is():
    spec = EmotionSpec("angry", 0.5, vad=(0.1, -0.2, 0.3))
    assert spec.resolved_vad() == (0.1, -0.2, 0.3)


def test_blend_is_normalised_and_averaged():
    spec = EmotionSpec.parse("sad:1, Joyful:3")
    assert spec.tag == "happy"
    assert dict(spec.mixture) == pytest.approx({"sad": 0.25, "happy": 0.75})
    assert spec.resolved_vad() == pytest.approx((0.425, 0.25, 0.175))


def test_parse_defaults_to_plain_neutral():
    assert EmotionSpec.parse() == EmotionSpec("neutral", 1.0)


def test_parse_keeps_the_prompt_stripped():
    assert EmotionSpec.parse(prompt="  so tired ").text == "so tired"


@pytest.mark.parametrize(
    "arguments",
    [
        {"intensity": 1.51},
        {"intensity": -0.1},
        {"intensity": math.nan},
        {"intensity": "inf"},
        {"intensity": "loud"},
        {"emotion": "hapy"},
        {"emotion": ""},
        {"emotion": "happy:x"},
        {"emotion": "happy:-1,sad:2"},
        {"emotion": "happy:0"},
        {"emotion": "happy:nan"},
        {"prompt": "  "},
        {"prompt": "x" * 501},
    ],
)
def test_bad_request_is_refused(arguments):
    with pytest.raises(RequestError):
        EmotionSpec.parse(**arguments)


@pytest.mark.parametrize("vad", [(0, 0), (0, 0, 1.1), (0, math.inf, 0)])
def test_bad_vad_is_refused(vad):
    with pytest.raises(RequestError):
        EmotionSpec(vad=vad)


def test_range_stands_in_the_message():
    with pytest.raises(RequestError, match=r"0 to 1\.5"):
        EmotionSpec(intensity=2)


def test_import_is_light():
    code = (
        "import sys, affecttts.emotion.table;"
        "print(sorted({'torch', 'transformers', 'yaml'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
