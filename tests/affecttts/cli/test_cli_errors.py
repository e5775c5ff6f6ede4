"""`affecttts synthesize` where something is wrong: one line, the right exit code, no output."""

import json
import os
import shutil
import stat
import sys
from types import SimpleNamespace

import pytest

from affecttts.cli.main import main
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import SpeechRequest, prepare
from tiny_models import random_codec

BAD_REQUESTS = {
    "empty text": (["--text", ""], ["empty"]),
    "blank text": (["--text", " \n "], ["empty"]),
    "punctuation": (["--text", "...!?"], ["punctuation"]),
    "emoji": (["--text", "😀😀"], ["emoji"]),
    "Chinese": (["--text", "你好"], ["Latin"]),
    "one endless word": (["--text", "a" * 100_000], ["spaces"]),
    "NUL": (["--text", "hello\0there"], ["U+0000"]),
    "surrogate": (["--text", "hello \udcff"], ["U+DCFF"]),
    "misspelt emotion": (["--emotion", "hapy"], ["hapy", "did you mean happy", "known: happy, "]),
    "emotion of no likeness": (["--emotion", "zzz"], ["zzz", "known: neutral, "]),
    "misspelt emotion of a blend": (
        ["--emotion", "happy:0.5,angrry:0.5"],
        ["angrry", "known: angry, "],
    ),
    "blend without a weight": (["--emotion", "happy:0.5,sad"], ["sad"]),
    "negative weight": (["--emotion", "happy:-1,sad:2"], ["-1"]),
    "no weight at all": (["--emotion", "happy:0,sad:0"], ["weight"]),
    "misspelt voice": (["--voice", "fenris"], ["fenris", "known: fenrir, heart"]),
    "voice of another": (["--voice", "hart"], ["hart", "known: heart, fenrir"]),
    "strong intensity": (["--intensity", "1.6"], ["1.6", "1.5"]),
    "negative intensity": (["--intensity", "-0.1"], ["-0.1"]),
    "intensity NaN": (["--intensity", "nan"], ["intensity"]),
    "strong guidance": (["--guidance", "4.1"], ["4.1"]),
    "negative guidance": (["--guidance", "-1"], ["-1"]),
    "guidance NaN": (["--guidance", "nan"], ["guidance"]),
    "negative seed": (["--seed", "-1"], ["-1"]),
    "large seed": (["--seed", str(2**63)], [str(2**63)]),
    "emotion and prompt": (["--emotion", "sad", "--prompt", "sadly"], ["not both"]),
    "empty prompt": (["--prompt", "  "], ["empty"]),
    "long prompt": (["--prompt", "so " * 200], ["500"]),
}


@pytest.mark.parametrize("arguments, parts", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_wrong_requests(say, tmp_path, arguments, parts):
    assert say(*arguments, "-o", tmp_path / "out.wav").refused(2, *parts)
    assert not list(tmp_path.iterdir())


def test_no_output_or_two_for_one_stream(say):
    assert say().refused(2, "-o FILE")
    assert say("--json", "-o", "-").refused(2, "standard output")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--emotion", "hapy"],
        ["--voice", "hart"],
        ["--text", "..."],
        ["--seed", "-1"],
        ["--text", ""],
    ],
)
def test_requests_are_checked_before_weights_are_loaded(say, model_copy, tmp_path, arguments):
    for weights in model_copy.rglob("*.safetensors"):
        weights.write_bytes(b"broken")
    assert say(*arguments, "-o", tmp_path / "out.wav", model=model_copy).refused(2)
    assert say("-o", tmp_path / "out.wav", model=model_copy).refused(1, str(model_copy))


def test_outputs_that_cannot_be(say, tmp_path):
    assert say("-o", tmp_path).refused(2, "folder")
    assert say("-o", tmp_path / "none" / "out.wav").refused(1, "does not exist")
    (tmp_path / "file").write_text("x")
    assert say("-o", tmp_path / "file" / "out.wav").refused(1, str(tmp_path / "file"))


def test_an_output_name_that_is_too_long(say, tmp_path):
    assert say("-o", tmp_path / ("a" * 300)).code in (1, 2)
    assert not list(tmp_path.iterdir())


def test_force_never_replaces_what_is_no_file(say, tmp_path):
    """Else `-o /dev/null --force` would remove the device."""
    os.mkfifo(tmp_path / "pipe")
    assert say("-o", tmp_path / "pipe", "--force").code != 0
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_full_standard_output_is_told(tiny_model_dir, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    stream = SimpleNamespace(buffer=SimpleNamespace(write=full, flush=full), write=full, flush=full)
    monkeypatch.setattr(sys, "stdout", stream)
    code = main(
        [
            "synthesize",
            "--model",
            str(tiny_model_dir),
            "--text",
            "Hello.",
            "--seed",
            "3",
            "-o",
            "-",
            "--quiet",
        ]
    )
    monkeypatch.undo()
    assert code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00broken\xff"], ids=["missing", "no UTF-8"])
def test_unreadable_text_files(say, tmp_path, data):
    """Exit code 1, as `--help` says of unreadable input."""
    if data is not None:
        (tmp_path / "text.txt").write_bytes(data)
    assert say("--input", tmp_path / "text.txt", "-o", tmp_path / "out.wav").refused(1, "text.txt")
    assert not (tmp_path / "out.wav").exists()


def test_too_much_text(say, tmp_path, monkeypatch):
    monkeypatch.setattr("affecttts.cli.source.MAX_TEXT_BYTES", 20)
    (tmp_path / "text.txt").write_text("word " * 5)
    assert say("--input", tmp_path / "text.txt", "-o", tmp_path / "out.wav").refused(
        2, "more than 20 bytes"
    )


def test_the_cap_is_an_error_of_its_own(say, capped_model_dir, tmp_path):
    long = "Hello there, this is a text that needs more frames than it is given."
    assert say("--text", long, "-o", tmp_path / "out.wav", model=capped_model_dir).refused(
        4, "--seed", "seed 3"
    )
    assert not (tmp_path / "out.wav").exists()


def test_figures_are_split_by_how_long_they_are_said(tiny_model_dir):
    """180 characters of figures are over a thousand phones, too many for one piece."""
    request = prepare(read_model_info(tiny_model_dir)[1], SpeechRequest("123456789 " * 18, seed=1))
    assert len(request.phones) > 3 and max(map(len, request.phones)) < 300


def test_a_rule_of_stars_between_paragraphs_is_no_reason_to_refuse(tiny_model_dir):
    paragraph = (
        "This is a paragraph of the story that goes on for long enough to be a piece of "
        "text by itself, and nothing joins it at all."
    )
    request = prepare(
        read_model_info(tiny_model_dir)[1],
        SpeechRequest(f"{paragraph}\n\n***\n\n{paragraph}", seed=1),
    )
    assert len(request.phones) == 2


# -- model folders
def info(**changes):
    def change(folder):
        values = json.loads((folder / "model.json").read_text()) | changes
        (folder / "model.json").write_text(json.dumps(values))

    return change


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def other_codec(folder):
    shutil.rmtree(folder / "codec")
    random_codec(seed=1).save_pretrained(folder / "codec")


def cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:5000])


def lm_config(folder):
    values = json.loads((folder / "lm" / "config.json").read_text())
    del values["num_attention_heads"]
    (folder / "lm" / "config.json").write_text(json.dumps(values))


BROKEN_MODELS = {
    "missing": shutil.rmtree,
    "no model.json": lambda folder: (folder / "model.json").unlink(),
    "model.json is no JSON": text("model.json", "{"),
    "model.json is a list": text("model.json", "[]"),
    "model.json is null": text("model.json", "null"),
    "model.json has unknown keys": info(colour="red"),
    "no voices": info(voices=[]),
    "unknown sampling": info(sampling={"heat": 1}),
    "codec truncated": cut("codec/model.safetensors"),
    "no codec": lambda folder: shutil.rmtree(folder / "codec"),
    "codec of another model": other_codec,
    "lm truncated": cut("lm/model.safetensors"),
    "no lm": lambda folder: shutil.rmtree(folder / "lm"),
    "lm without a number of heads": lm_config,
    "pieces are no SentencePiece model": text("lm/prompt_pieces.model", "hello"),
}


@pytest.mark.parametrize("damage", BROKEN_MODELS.values(), ids=BROKEN_MODELS)
def test_broken_models(say, model_copy, tmp_path, damage):
    damage(model_copy)
    assert say("-o", tmp_path / "out.wav", model=model_copy).refused(1)
    assert not (tmp_path / "out.wav").exists()
