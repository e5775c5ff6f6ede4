"""Our corpus from nothing, with a toy in place of Kokoro: a graph with the same tensors that sings
its F0.
"""

import re
import string
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import soundfile

from tiny_models import REPOSITORY

sys.path.insert(0, str(REPOSITORY))  # `python -m recipes...` runs from there

from affecttts.data.manifest import read_manifest
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.text.symbols import SYMBOLS
from recipes.corpora.kokoro_affect import (
    human,
    model,
    plan,
    rules,
    sentences,
    templates,
    voice_sound,
)

pytestmark = pytest.mark.slow

RATE = voice_sound.SAMPLE_RATE
PHONES = "ðɪs mˈæn ɪz ɹˈɪʧ."


def draw(seed=0):
    return np.random.default_rng(seed)


# -- rules
def test_the_table_has_our_emotions_with_their_sources():
    table = rules.load_rules()
    assert tuple(table) == load_emotions().ids
    assert table["neutral"] == rules.Rule() and all(
        rule.sources for name, rule in table.items() if name != "neutral"
    )


def test_intensity_scales_every_rule():
    happy = rules.load_rules()["happy"]
    half = happy.at(0.5)
    assert (half.f0_level, half.level, half.formants) == (
        happy.f0_level / 2,
        happy.level / 2,
        happy.formants / 2,
    )
    assert half.rate == pytest.approx(happy.rate**0.5) and half.f0_range == pytest.approx(
        happy.f0_range**0.5
    )
    assert half.vad == (0.4, 0.25, 0.2) and replace(happy.at(0.0), sources=()) == replace(
        rules.Rule(), vad=(0.0, 0.0, 0.0)
    )


def test_stretch_is_rate_lengthening_and_formants():
    rule = rules.Rule(rate=2.0, final_lengthening=0.5, formants=0.1)
    factors = rules.stretch(PHONES, rule)
    assert len(factors) == len(PHONES) + 2
    last = PHONES.rindex("ɪ")
    assert factors[0] == pytest.approx(1.1)
    np.testing.assert_allclose(factors[1 : 1 + last], 0.55)
    np.testing.assert_allclose(factors[1 + last : -1], 0.825)
    assert factors[-1] == pytest.approx(0.55)


def test_accents_lie_on_stressed_vowels():
    assert [PHONES[i] for i in rules.accented_vowels(PHONES)] == ["æ", "ɪ"]
    assert rules.accented_vowels("ə.") == []


def flat(hertz=120.0, seconds=1.8):
    f0 = np.full(round(seconds * rules.F0_RATE), hertz, np.float32)
    f0[:8] = f0[60:70] = 0.0
    return f0, np.full(len(PHONES) + 2, seconds / (len(PHONES) + 2))


def bent(rule, f0, seconds):
    return rules.bend_f0(f0, PHONES, seconds, rule, draw())


def semitones(f0):
    return 12 * np.log2(f0[f0 >= rules.VOICED_HZ])


def test_neutral_changes_nothing():
    f0, seconds = flat()
    np.testing.assert_allclose(bent(rules.Rule(), f0, seconds), f0, rtol=1e-5)


def test_level_range_contour_and_unvoiced_frames():
    f0, seconds = flat()
    f0[f0 > 0] *= 2 ** (np.sin(np.arange((f0 > 0).sum())) / 12).astype(np.float32)
    higher, wider, falling = (
        bent(rule, f0, seconds)
        for rule in (
            rules.Rule(f0_level=4),
            rules.Rule(f0_range=2),
            rules.Rule(final_contour=-6),
        )
    )
    assert all(
        ((curve >= rules.VOICED_HZ) == (f0 >= rules.VOICED_HZ)).all()
        for curve in (higher, wider, falling)
    )
    assert np.mean(semitones(higher) - semitones(f0)) == pytest.approx(4, abs=1e-3)
    assert semitones(wider).std() == pytest.approx(2 * semitones(f0).std(), rel=1e-3)
    change = semitones(falling) - semitones(f0)
    assert (
        change[:60] == pytest.approx(0, abs=1e-3)
        and change[-9:].max() < -5
        and (np.diff(change) < 1e-3).all()
    )


def test_accents_rise_where_the_stress_is():
    f0, seconds = flat()
    change = semitones(bent(rules.Rule(accents=3), f0, seconds)) - semitones(f0)
    assert change.max() == pytest.approx(3, abs=0.1) and change.min() == pytest.approx(0, abs=0.1)


def test_formants_are_taken_out_of_f0_and_bounds_hold():
    f0, seconds = flat()
    assert bent(rules.Rule(formants=0.05), f0, seconds)[20] == pytest.approx(120 / 1.05, rel=1e-3)
    assert bent(rules.Rule(f0_level=60), f0, seconds).max() == pytest.approx(rules.F0_BOUNDS[1])
    trembling = semitones(bent(rules.Rule(tremor=0.6), f0, seconds))
    assert 0.2 < trembling.std() < 1.2
    assert not rules.bend_f0(
        np.zeros(50), PHONES, seconds, rules.load_rules()["happy"], draw()
    ).any()


# -- sound
def tone(hertz, seconds=1.0, level=0.1):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


def rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


VOICED = np.ones(RATE, np.float32)


@pytest.mark.parametrize(
    "hertz, expected", [(1000, 0), (2000, 3), (4000, 6), (8000, 6), (250, -3), (100, -3)]
)
def test_tilt_is_what_it_says_at_4_khz(hertz, expected):
    tilted = voice_sound.tilt(tone(hertz), VOICED, 6.0)
    assert rms_db(tilted) - rms_db(tone(hertz)) == pytest.approx(expected, abs=0.2)


def test_tilt_leaves_sounds_without_voice_alone():
    voice = voice_sound.voicing(np.repeat([0.0, 120.0], 40), RATE)
    gain = voice_sound.tilt(tone(4000), voice, 6.0) / np.where(tone(4000) == 0, 1, tone(4000))
    assert np.median(gain[: RATE // 3]) == pytest.approx(1, abs=0.01)
    assert np.median(gain[-RATE // 3 :]) == pytest.approx(2, abs=0.02)


def test_formants_move_by_playing_faster():
    moved = voice_sound.move_formants(tone(1000), 0.05)
    assert len(moved) == pytest.approx(RATE / 1.05, abs=2)
    assert np.abs(np.fft.rfft(moved)).argmax() * RATE / len(moved) == pytest.approx(1050, abs=2)


def test_breath_follows_the_voice_and_level_is_reached():
    sound = np.concatenate([tone(200), np.zeros(RATE, np.float32)])
    noise = voice_sound.add_breath(sound, np.ones(2 * RATE, np.float32), 0.4, draw()) - sound
    assert not (voice_sound.add_breath(sound, np.zeros(2 * RATE), 0.4, draw()) - sound).any()
    assert (
        rms_db(noise[: RATE - 500]) > rms_db(noise[RATE + 500 :]) + 60
        and rms_db(noise[:RATE]) < rms_db(tone(200)) - 15
    )
    assert voice_sound.active_level(voice_sound.set_level(sound, -23.0)) == pytest.approx(
        -23, abs=0.1
    )
    assert np.abs(voice_sound.set_level(sound, 20.0)).max() == pytest.approx(voice_sound.PEAK)


def test_trim_tells_what_it_cut():
    rest, offset = voice_sound.trim(
        np.concatenate([np.zeros(RATE, np.float32), tone(200), np.zeros(RATE, np.float32)]), 0.1
    )
    assert offset == pytest.approx(0.9, abs=0.01) and len(rest) / RATE == pytest.approx(
        1.2, abs=0.02
    )


# -- sentences and plan
@pytest.fixture
def wordnet(tmp_path):
    """Files as WordNet's: a licence, then one synset a line with glosses and usage examples."""
    words = ["cat", "dog", "fox", "cow", "hen", "pig", "owl", "ant", "bee", "elk"]
    synset = (
        '00001740 03 n 01 thing 0 000 | a gloss; "the {} and the {} ran away together"; "too '
        'short"; "in 1990 it ran away again"'
    )
    lines = [synset.format(first, second) for first in words for second in words]
    (tmp_path / "wordnet").mkdir()
    for part in sentences.PARTS:
        text = "\n".join(["  1 This is a licence.", *(lines if part == "noun" else ())])
        (tmp_path / "wordnet" / f"data.{part}").write_text(text)
    return tmp_path / "wordnet"


def test_examples_are_plain_sentences(wordnet):
    texts = list(sentences.wordnet_examples(wordnet))
    assert len(texts) == 100 and texts[0] == "The cat and the cat ran away together."
    assert sentences._as_sentence("who would have thought of that?") == (
        "Who would have thought of that?"
    )


def test_a_choice_is_the_seeds_alone(wordnet):
    chosen = sentences.choose(40, 4, 9, 5, wordnet)
    assert (
        chosen == sentences.choose(40, 4, 9, 5, wordnet) != sentences.choose(40, 4, 9, 6, wordnet)
    )
    kinds = [sentence.kind for sentence in chosen]
    phrases = sentences.phrases()
    assert len(set(phrases)) == len(phrases) > 100 and all(
        1 <= len(text.split()) <= 4 for text in phrases
    )
    assert [kinds.count(kind) for kind in "nlst"] == [40, 4, len(phrases), 9]
    joined = [sentence.text for sentence in chosen if sentence.kind == "l"]
    assert {text.count(".") for text in joined} == {2, 3}
    assert not any(sentence.text in text for sentence in chosen[:40] for text in joined)
    with pytest.raises(RequestError, match="are needed"):
        sentences.choose(200, 0, 0, 0, wordnet)


def test_a_plan_covers_emotions_and_intensities(wordnet):
    made, again = (
        list(plan.tasks(sentences.choose(60, 0, 0, 0, wordnet), {"ann": "a", "bob": "b"}, 0))
        for _ in range(2)
    )
    assert len({task.id for task in made}) == len(made) and made == again
    assert {task.emotion for task in made} == set(load_emotions().ids) and {
        task.speaker for task in made
    } == {"ann", "bob"}
    assert all(
        0.7 <= task.intensity <= 1.3 and (task.emotion != "neutral" or task.intensity == 1)
        for task in made
    )
    shards = [[task.id for task in made if task.in_shard(i, 3)] for i in range(3)]
    assert sorted(sum(shards, [])) == sorted(task.id for task in made) and min(map(len, shards)) > 0


def test_one_emotion_a_sentence_and_another_seed_make_a_second_corpus(wordnet):
    chosen, voices = sentences.choose(60, 0, 0, 3, wordnet), {"ann": "a", "bob": "b"}
    more = list(plan.tasks(chosen, voices, 3))
    assert [task.sentence for task in more] == chosen
    assert len(list(plan.tasks(chosen, voices, 3, (2, 4)))) > 2 * len(more)
    assert not {task.id for task in more} & {task.id for task in plan.tasks(chosen, voices, 0)}


def test_templates_are_filled_with_words_that_differ_and_articles_that_fit():
    texts = list(islice(templates.templated(np.random.default_rng(0)), 3000))
    assert len(set(texts)) == 3000 and not any("{" in text for text in texts)
    assert not [text for text in texts if re.search(r"\ba [aeiou]|\ban [^aeiou]", text, re.I)]
    assert all(text[0].isupper() or text[0] == '"' for text in texts)
    assert all(set(text) <= set(string.ascii_letters + " .,?!:'\"") for text in texts)


# -- model
def test_every_phone_has_a_number():
    assert set(model.IDS) == set(SYMBOLS) and len(set(model.IDS.values())) == len(SYMBOLS)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A model with Kokoro's tensors: 8 frames a phone over speed, a wavering F0, and a sine that
    follows it.
    """
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    node, info = helper.make_node, helper.make_tensor_value_info
    scalars = {
        "eight": 8.0,
        "zero": 0.0,
        "one": 1.0,
        "two": 2.0,
        "slow": 0.05,
        "base": 120.0,
        "spread": 12.0,
        "half": 0.2,
        "phase": 2 * np.pi / RATE,
    }
    shapes = {"long": [1, 300], "line": [-1], "upright": [-1, 1], "curve": [1, 1, -1]}
    nodes = [
        node("Cast", ["tokens"], ["t"], to=TensorProto.FLOAT),
        node("Mul", ["t", "zero"], ["t0"]),
        node("Add", ["t0", "eight"], ["t8"]),
        node("Div", ["t8", "speed"], ["raw"]),
        node("Round", ["raw"], ["whole"]),
        node("Clip", ["whole", "one"], [model.DURATIONS]),
        node("ReduceSum", [model.DURATIONS], ["frames"], keepdims=0),
        node("Mul", ["frames", "two"], ["total"]),
        node("Range", ["zero", "total", "one"], ["k"]),
        node("Mul", ["k", "slow"], ["angle"]),
        node("Sin", ["angle"], ["wave"]),
        node("Mul", ["wave", "spread"], ["wide"]),
        node("Add", ["wide", "base"], ["hertz"]),
        node("Reshape", ["hertz", "curve"], [model.F0]),
        node("Add", ["wave", "two"], ["loud"]),
        node("Reshape", ["loud", "curve"], [model.ENERGY]),
        node("Range", ["zero", "frames", "one"], [model.FEATURES]),
        # the decoder
        node("Reshape", [model.F0, "upright"], ["column"]),
        node("Expand", ["column", "long"], ["rows"]),
        node("Reshape", ["rows", "line"], ["f0s"]),
        node("CumSum", ["f0s", "axis"], ["turns"]),
        node("Mul", ["turns", "phase"], ["phases"]),
        node("Sin", ["phases"], ["sine"]),
        node("ReduceMean", [model.ENERGY], ["gain"], keepdims=0),
        node("ReduceSum", [model.FEATURES], ["f"], keepdims=0),
        node("Mul", ["f", "zero"], ["f0x"]),
        node("ReduceSum", ["style"], ["s"], keepdims=0),
        node("Mul", ["s", "zero"], ["s0"]),
        node("Add", ["f0x", "s0"], ["none"]),
        node("Mul", ["gain", "half"], ["g"]),
        node("Add", ["g", "none"], ["g0"]),
        node("Mul", ["sine", "g0"], ["waveform"]),
    ]
    inputs = [
        info("tokens", TensorProto.INT64, [1, None]),
        info("style", TensorProto.FLOAT, [1, 256]),
        info("speed", TensorProto.FLOAT, [1]),
    ]
    tensors = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in scalars.items()
    ]
    tensors += [
        helper.make_tensor(name, TensorProto.INT64, [len(shape)], shape)
        for name, shape in shapes.items()
    ]
    tensors.append(helper.make_tensor("axis", TensorProto.INT64, [], [0]))
    graph = helper.make_graph(
        nodes, "toy", inputs, [info("waveform", TensorProto.FLOAT, None)], tensors
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    folder = tmp_path_factory.mktemp("toy")
    onnx.save(made, str(folder / "toy.onnx"))
    (folder / "voices").mkdir()
    for voice in ("af_heart", "am_fenrir"):
        np.zeros((510, 1, 256), np.float32).tofile(folder / "voices" / f"{voice}.bin")
    return folder


STYLE = np.zeros((1, 256), np.float32)


def test_the_cut_model_is_the_whole_one(toy):
    import onnxruntime

    whole = onnxruntime.InferenceSession(str(toy / "toy.onnx"))
    tokens = np.array([[0, *(model.IDS[phone] for phone in PHONES), 0]])
    expected = whole.run(None, {"tokens": tokens, "style": STYLE, "speed": np.ones(1, np.float32)})[
        0
    ]
    kokoro = model.Kokoro(toy / "toy.onnx")
    prediction = kokoro.predict(PHONES, STYLE)
    assert (prediction.durations == 8).all() and len(prediction.f0) == 16 * (len(PHONES) + 2)
    np.testing.assert_allclose(
        kokoro.decode(prediction, prediction.f0, prediction.energy, STYLE), expected, atol=1e-5
    )


def test_speed_acts_on_every_phone_alone(toy):
    stretch = np.ones(len(PHONES) + 2)
    stretch[3] = 2.0
    prediction = model.Kokoro(toy / "toy.onnx").predict(PHONES, STYLE, stretch)
    assert prediction.durations[3] == 16 and (np.delete(prediction.durations, 3) == 8).all()


def test_seconds_are_those_of_the_sound():
    prediction = model.Prediction(np.array([10, 2, 3, 1], np.float32), *(np.zeros(1),) * 3, (1,))
    np.testing.assert_allclose(prediction.seconds, [0.2, 0.05, 0.075, 0.075], atol=1e-6)
    hasty = replace(prediction, durations=np.array([1, 2, 3, 1], np.float32)).seconds
    np.testing.assert_allclose(hasty, [0, 0.05, 0.075, 0.05], atol=1e-6)


def test_another_model_is_refused(toy, tmp_path):
    import onnx

    graph = onnx.load(str(toy / "toy.onnx"))
    with pytest.raises(RequestError, match="no tensor /nothing"):
        model.cut(graph, [], ["/nothing"])
    with pytest.raises(RequestError, match="no such voice"):
        model.read_style(toy / "voices", "nobody", 5)


# -- the corpus
@pytest.fixture
def generate(toy, wordnet, tmp_path, monkeypatch, capsys):
    """Run the generator with the toy and two sentences beside the phrases, of which three are
    left.
    """
    from recipes.corpora.kokoro_affect import generate as recipe

    (tmp_path / "phrases.txt").write_text("Yes.\nWhat now?\nWe made it.\n")
    monkeypatch.setattr(sentences, "PHRASES_PATH", tmp_path / "phrases.txt")

    def run(*arguments, output=tmp_path / "corpus"):
        base = [
            "generate",
            "--output",
            output,
            "--voices",
            toy / "voices",
            "--model",
            toy / "toy.onnx",
            "--wordnet",
            wordnet,
            "--sentences",
            2,
            "--long",
            0,
            "--templates",
            6,
            "--speakers",
            "heart=af_heart,fenrir=am_fenrir",
        ]
        monkeypatch.setattr(sys, "argv", [str(argument) for argument in (*base, *arguments)])
        return recipe.main(), capsys.readouterr().err

    return run


def test_a_corpus_in_shards_is_that_of_one_run(generate, tmp_path):
    assert generate()[0] == 0 and generate("--merge")[0] == 0
    whole = list(read_manifest(tmp_path / "corpus" / "manifest.jsonl"))
    for index in (1, 0):
        assert generate("--shard", f"{index}/2", output=tmp_path / "sharded")[0] == 0
    assert generate("--merge", output=tmp_path / "sharded")[0] == 0
    assert (
        list(read_manifest(tmp_path / "sharded" / "manifest.jsonl")) == whole and len(whole) >= 10
    )
    for row in whole[:3]:
        first, second = (
            soundfile.read(tmp_path / name / row.path)[0] for name in ("corpus", "sharded")
        )
        np.testing.assert_array_equal(first, second)


def test_rows_tell_the_truth(generate, tmp_path):
    generate()
    generate("--merge")
    for row in read_manifest(tmp_path / "corpus" / "manifest.jsonl"):
        samples, rate = soundfile.read(tmp_path / "corpus" / row.path)
        assert rate == RATE and len(samples) / rate == pytest.approx(row.seconds, abs=0.01)
        assert (
            len(row.durations) == len(row.ipa) + 2
            and row.licence == "Apache-2.0"
            and row.vad is not None
        )
        assert sum(row.durations) == pytest.approx(row.offset + row.seconds, abs=0.25)
        rule = rules.load_rules()[row.emotion].at(row.intensity)
        level = voice_sound.active_level(samples.astype(np.float32))
        assert level == pytest.approx(voice_sound.BASE_LEVEL + rule.level, abs=1.0)


def test_a_killed_run_goes_on_where_it_was(generate, tmp_path):
    generate()
    generate("--merge")
    whole = (tmp_path / "corpus" / "manifest.jsonl").read_text()
    rows = tmp_path / "corpus" / "rows" / "rows-00000-of-00001.jsonl"
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join(lines[:4]) + lines[4][:30])  # torn in the fifth
    (tmp_path / "corpus" / "manifest.jsonl").unlink()
    assert generate("--merge")[0] == 2
    code, said = generate()
    assert code == 0 and f"{len(lines) - 4} clips" in said
    generate("--merge")
    assert (tmp_path / "corpus" / "manifest.jsonl").read_text() == whole


def test_other_settings_need_another_folder(generate):
    generate()
    code, said = generate("--seed", 1)
    assert code == 2 and "seed" in said and "another --output" in said


# -- real voices
def test_prompts_become_rows(tmp_path, monkeypatch):
    for name in (
        "en_US_f_Allison/hello",
        "en_US_f_Allison/digits/1",
        "en_US_f_Allison/silence/1",
        "en_US_f_Allison/beep",
        "fr_CA_f_June/vide",
    ):
        (tmp_path / "sounds" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sounds" / f"{name}.g722").write_bytes(b"x")
    (tmp_path / "core-sounds-en.txt").write_text(
        "; a comment\nhello: Hello there.\ndigits/1: one\n", encoding="utf-8"
    )
    sound = tone(200, 0.7)
    monkeypatch.setattr(human, "read_g722", lambda path: sound * ("vide" not in path.name))
    (tmp_path / "out").mkdir()
    rows = list(human.convert(tmp_path / "sounds", tmp_path / "out", human.read_texts(tmp_path)))
    assert [(row.id, row.text, row.speaker) for row in rows] == [
        ("en_en_US_f_Allison_digits_1", "one", "asterisk_en"),
        ("en_en_US_f_Allison_hello", "Hello there.", "asterisk_en"),
    ]
    assert all(
        (tmp_path / "out" / row.path).is_file() and row.licence == "CC-BY-SA-3.0" for row in rows
    )
    with pytest.raises(RequestError, match="en_US_f_Allison"):
        list(human.convert(tmp_path / "out", tmp_path / "out", {}))


def test_g722_is_decoded(tmp_path):
    coder = pytest.importorskip("G722").G722(human.RATE, human.BIT_RATE)
    sound = (0.5 * 32767 * np.sin(2 * np.pi * 440 * np.arange(8000) / human.RATE)).astype(np.int16)
    (tmp_path / "a.g722").write_bytes(bytes(coder.encode(sound)))
    samples = human.read_g722(tmp_path / "a.g722")
    assert len(samples) == 8000 and np.abs(
        np.fft.rfft(samples)
    ).argmax() * human.RATE / 8000 == pytest.approx(440, abs=3)
