"""Our corpus from nothing, with a toy in place of Kokoro: a graph with the same tensors that sings
its F0.
"""

import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tiny_models import REPOSITORY

sys.path.insert(0, str(REPOSITORY))  # `python -m recipes...` runs from there

from affecttts.data.manifest import read_manifest
from affecttts.errors import RequestError
from affecttts.text.symbols import SYMBOLS
from recipes.corpora.kokoro_affect import (
    human,
    model,
    rules,
    sentences,
    voice_sound,
)

pytestmark = pytest.mark.slow

RATE = voice_sound.SAMPLE_RATE
PHONES = "ðɪs mˈæn ɪz ɹˈɪʧ."


def draw(seed=0):
    return np.random.default_rng(seed)


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
    sound = 0.1 * np.sin(np.arange(16_800), dtype=np.float32)
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
