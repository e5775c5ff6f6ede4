"""One request for every door: the same settings, the same checks, the same speech."""

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affecttts import EmotionSpec, RequestError, SpeechRequest, Synthesizer
from affecttts.cli.output import write_sound
from affecttts.emotion.table import load_emotions
from affecttts.evaluation.speech.plan import items_of_batch
from affecttts.synthesis.batch import item_request, parse_item
from affecttts.synthesis.model_folder import ModelInfo
from affecttts.synthesis.request import MAX_SEED, MAX_TEXT, SETTINGS, prepare
from affecttts.synthesis.voices import VoiceShelf
from affecttts.text import EspeakG2P, reading
from tiny_models import VOICES

TEXT = "Hello there."
FULL = {
    "text": TEXT,
    "emotion": "happy",
    "intensity": 1.2,
    "voice": "fenrir",
    "seed": 3,
    "guidance": 1.5,
}
INFO = ModelInfo("tiny", "none", VOICES, load_emotions().ids)


@pytest.fixture(scope="module")
def synthesizer(tiny_model_dir):
    return Synthesizer.from_pretrained(tiny_model_dir)


def options(settings):
    """Settings as words of the command line."""
    return [
        word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)
    ]


# -- the same request
def test_all_doors_build_the_same_request(tmp_path):
    request = SpeechRequest(**FULL)
    row = json.dumps({"id": "a"} | FULL)
    (tmp_path / "items.jsonl").write_text(row)
    _, values = parse_item(row)
    assert request == SpeechRequest.from_dict(FULL) == SpeechRequest.of(**FULL)
    assert request == SpeechRequest.of(SpeechRequest("Another text."), **FULL)
    assert request == item_request(values, VoiceShelf(INFO), seed=9, guidance=2.0)
    assert [("a", request)] == items_of_batch(tmp_path / "items.jsonl", VoiceShelf(INFO))
    assert SpeechRequest.from_dict(request.to_dict()) == request


def test_the_command_line_and_batches_ask_for_what_python_asks_for(
    say, synthesizer, tiny_model_dir, tmp_path
):
    spoken = synthesizer.synthesize(SpeechRequest(**FULL))
    target = str(tmp_path / "python.wav")
    write_sound(target, [spoken.audio], spoken.sample_rate, "wav", force=False)
    (tmp_path / "items.jsonl").write_text(json.dumps({"id": "batch"} | FULL))
    assert say("-o", tmp_path / "single.wav", *options(FULL)).code == 0
    assert say("--batch", tmp_path / "items.jsonl", "--output-dir", tmp_path).code == 0
    names = ("python.wav", "single.wav", "batch.wav")
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1


def test_a_request_and_its_fields_by_keyword_speak_the_same(synthesizer):
    first = synthesizer.synthesize(SpeechRequest(**FULL))
    by_keyword = {name: value for name, value in FULL.items() if name != "text"}
    for again in (
        synthesizer.synthesize(TEXT, **by_keyword),
        synthesizer.synthesize(**FULL),
        synthesizer.synthesize(SpeechRequest(TEXT), **by_keyword),
    ):
        assert np.array_equal(first.codes, again.codes)
        assert first.audio.tobytes() == again.audio.tobytes() and first.seed == again.seed


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        ({"emotion": "sad"}, EmotionSpec("sad")),
        ({"emotion": "Joyful", "intensity": 0.5}, EmotionSpec("happy", 0.5)),
        (
            {"emotion": "happy:3,sad:1"},
            EmotionSpec("happy", mixture=(("happy", 0.75), ("sad", 0.25))),
        ),
    ],
)
def test_an_emotion_is_named_or_given_as_a_spec(synthesizer, words, spec):
    named, given_as_spec = (
        synthesizer.synthesize(TEXT, seed=3, **emotion) for emotion in (words, {"emotion": spec})
    )
    assert np.array_equal(named.codes, given_as_spec.codes)
    assert SpeechRequest(TEXT, **words).spec == SpeechRequest(TEXT, spec).spec == spec


def test_an_intensity_beside_a_spec_replaces_the_spec_s_own():
    request = SpeechRequest(TEXT, EmotionSpec("sad", 0.5), intensity=1.3)
    assert request.spec == EmotionSpec("sad", 1.3)
    assert replace(request, intensity=None).spec == EmotionSpec("sad", 0.5)


def test_what_a_request_leaves_open_comes_from_the_model():
    prepared = prepare(replace(INFO, guidance=1.25), SpeechRequest(TEXT))
    assert (prepared.voice, prepared.guidance, prepared.emotion) == (
        VOICES[0],
        1.25,
        EmotionSpec(),
    )
    assert 0 <= prepared.seed <= MAX_SEED
    assert prepare(INFO, SpeechRequest(TEXT)).seed != prepared.seed


def test_a_request_cannot_be_changed_and_serves_as_a_key():
    with pytest.raises(FrozenInstanceError):
        SpeechRequest(TEXT).seed = 4
    assert len({SpeechRequest(**FULL), SpeechRequest(**FULL), SpeechRequest(TEXT)}) == 2


# -- one list of settings
def test_the_command_line_has_an_option_for_every_setting_with_its_help(cli):
    shown = " ".join(cli("synthesize", "--help").out.decode().split())
    for name, setting in SETTINGS.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert name == "text" or " ".join(setting.help.split()) in shown


def test_every_field_is_a_setting():
    assert set(SETTINGS) == {field.name for field in fields(SpeechRequest)}


@pytest.mark.parametrize(
    "ask",
    [
        lambda synthesizer: synthesizer.synthesize(TEXT, emotoin="sad"),
        lambda synthesizer: synthesizer.synthesize(SpeechRequest(TEXT), emotoin="sad"),
        lambda _: SpeechRequest.from_dict({"text": TEXT, "emotoin": "sad"}),
        lambda _: item_request({"text": TEXT, "emotoin": "sad"}, VoiceShelf(INFO)),
    ],
    ids=["keyword", "keyword beside a request", "row", "item of a batch"],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known_one(synthesizer, ask):
    with pytest.raises(RequestError, match="'emotoin': did you mean 'emotion'.*known: text"):
        ask(synthesizer)


@pytest.mark.parametrize(
    "values", [None, 5, [], "text", {}, {"seed": 3}, {5: 6, "text": TEXT}, {"text": None}]
)
def test_a_row_that_is_no_request_is_refused(values):
    with pytest.raises(RequestError):
        SpeechRequest.from_dict(values)


def test_a_text_is_given_once(synthesizer):
    with pytest.raises(RequestError, match="twice"):
        synthesizer.synthesize(TEXT, text=TEXT)
    with pytest.raises(RequestError, match="needs a text"):
        synthesizer.synthesize()


# -- wrong values
WRONG = {
    "an object": object(),
    "bytes": b"sad",
    "a list": [TEXT],
    "a mapping": {"tag": "sad"},
    "a complex number": 1j,
    "a truth": True,
    "a type": str,
    "an array": np.zeros((3, 2)),
    "an integer of 5000 digits": 10**5000,
    "a lone surrogate": "\udcff",
    "NUL": "a\0b",
    "text without end": "a" * (MAX_TEXT + 1),
    "NaN": float("nan"),
    "infinity": float("inf"),
    "less than nothing": -1,
}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_value_is_refused_in_one_short_line(name, value):
    if name == "strict" and value is True:
        pytest.skip("a truth is what it takes")
    with pytest.raises(RequestError) as refused:
        prepare(INFO, SpeechRequest(**{"text": TEXT, name: value}))
    assert len(str(refused.value).splitlines()) == 1 and len(str(refused.value)) < 600


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", [field.name for field in fields(EmotionSpec)])
def test_a_wrong_value_of_an_emotion_is_refused_in_one_short_line(name, value):
    with pytest.raises(RequestError) as refused:
        EmotionSpec(**{name: value})
    assert len(str(refused.value).splitlines()) == 1 and len(str(refused.value)) < 600


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=9)
    | st.complex_numbers()
    | st.decimals()
    | st.fractions()
    | st.datetimes()
    | st.sampled_from(["happy", "sad:1,happy:2", "heart", EmotionSpec("sad"), np.int64(3)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@REPEATABLE
@given(st.dictionaries(st.sampled_from(list(SETTINGS)), ANYTHING, max_size=3))
def test_whatever_is_asked_for_is_prepared_or_refused(changes):
    """From a good request with some settings changed, so that many are not refused."""
    try:
        prepared = prepare(INFO, SpeechRequest.from_dict({"text": TEXT} | changes))
    except RequestError:
        return
    assert prepared.phones and prepared.voice in VOICES and 0 <= prepared.seed <= MAX_SEED


@REPEATABLE
@given(
    st.fixed_dictionaries(
        {}, optional={name: ANYTHING for name in ("tag", "intensity", "mixture", "vad", "text")}
    )
)
def test_whatever_is_given_as_an_emotion_is_taken_or_refused(values):
    try:
        spec = EmotionSpec(**values)
    except RequestError:
        return
    assert EmotionSpec.parse(spec) == spec and all(-1 <= axis <= 1 for axis in spec.resolved_vad())


def test_an_emotion_and_a_prompt_exclude_each_other():
    with pytest.raises(RequestError, match="not both"):
        SpeechRequest(TEXT, "sad", prompt="sadly")


def test_an_emotion_that_the_model_was_not_trained_on_is_refused():
    small = replace(INFO, emotions=("neutral", "sad"))
    for emotion in ("happy", "sad:1,happy:1", EmotionSpec("happy")):
        with pytest.raises(RequestError, match="not trained on 'happy'.*neutral, sad"):
            prepare(small, SpeechRequest(TEXT, emotion))


# -- the text front end
def test_the_text_is_normalised_once_and_every_piece_phonemised_once(monkeypatch, synthesizer):
    calls = {"check_text": 0, "write_out": 0, "phonemize": 0}

    def counted(name, function):
        def call(*arguments):
            calls[name] += 1
            return function(*arguments)

        return call

    for name in ("check_text", "write_out"):
        monkeypatch.setattr(reading, name, counted(name, getattr(reading, name)))
    phonemize = counted("phonemize", EspeakG2P.phonemize)
    monkeypatch.setattr(EspeakG2P, "phonemize", phonemize)
    sentence = "This is a sentence of some length, and another one follows it at once. "
    prepared = synthesizer.prepare(SpeechRequest(sentence * 4))
    assert len(prepared.phones) > 1
    assert calls == {"check_text": 1, "write_out": 1, "phonemize": len(prepared.phones)}
