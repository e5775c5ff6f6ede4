"""`affecttts synthesize` and `list` where all goes well."""

import argparse
import importlib.util
import io
import json
import sys
from types import SimpleNamespace

import pytest
import soundfile

from affecttts.cli import main as command_line
from affecttts.emotion.freetext import embedding
from affecttts.emotion.table import load_emotions
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.synthesizer import Synthesizer


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_speaks_into_a_file(say, tmp_path):
    done = say("-o", tmp_path / "out.wav")
    assert done.code == 0 and not done.out
    assert (
        str(tmp_path / "out.wav") in done.err
        and "seed 3" in done.err
        and len(done.err.splitlines()) == 1
    )
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (24_000, 1, "PCM_16")
    assert info.frames > 0 and info.frames % 960 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


def test_same_seed_gives_the_same_file_and_another_seed_another(say, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert say("--seed", seed, "-o", tmp_path / name).code == 0
    first, second, third = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second != third


def test_speaks_to_standard_output(say, tmp_path):
    say("-o", tmp_path / "out.wav")
    done, whole = say("-o", "-", "--quiet"), (tmp_path / "out.wav").read_bytes()
    assert done.code == 0 and not done.err
    streamed, file = (soundfile.read(io.BytesIO(data))[0] for data in (done.out, whole))
    assert (streamed == file).all() and len(file)
    assert done.out[4:8] == b"\xff\xff\xff\xff" == done.out[done.out.index(b"data") + 4 :][:4]


def test_json_tells_what_was_made(say, tmp_path):
    done = say("-o", tmp_path / "out.wav", "--json")
    values = json.loads(done.out)
    assert done.code == 0 and not done.err and done.out.count(b"\n") == 1
    assert set(values) == {
        "path",
        "seconds",
        "real_time_factor",
        "seed",
        "finish_reason",
        "warnings",
    }
    assert values["path"] == str(tmp_path / "out.wav") and (
        values["seed"],
        values["finish_reason"],
    ) == (3, "end")
    assert values["seconds"] == pytest.approx(
        soundfile.info(tmp_path / "out.wav").duration, abs=1e-3
    )
    assert values["real_time_factor"] > 0


def test_a_drawn_seed_is_reported_and_works_again(cli, say, tiny_model_dir, tmp_path):
    model = ("synthesize", "--model", tiny_model_dir, "--text", "Hello there.", "--json")
    seed = json.loads(cli(*model, "-o", tmp_path / "a.wav").out)["seed"]
    assert say("--seed", seed, "-o", tmp_path / "b.wav").code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_text_from_a_file_or_standard_input_is_the_same(say, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_bytes("\ufeffHello there.\n".encode())
    say("-o", tmp_path / "plain.wav")
    say("--input", tmp_path / "text.txt", "-o", tmp_path / "file.wav")
    stdin(monkeypatch, b"Hello there.\n")
    say("--input", "-", "-o", tmp_path / "input.wav")
    stdin(monkeypatch, b"Hello there.")
    say("--text", "-", "-o", tmp_path / "text.wav")
    assert len({path.read_bytes() for path in tmp_path.glob("*.wav")}) == 1
    assert len(list(tmp_path.glob("*.wav"))) == 4


def test_an_existing_file_is_kept_unless_forced(say, tmp_path):
    target = tmp_path / "out.wav"
    target.write_bytes(b"precious")
    assert say("-o", target).refused(2, "--force", str(target))
    assert target.read_bytes() == b"precious"
    assert say("-o", target, "--force").code == 0
    assert target.read_bytes().startswith(b"RIFF")


@pytest.mark.slow
def test_every_setting_is_heard(say, tmp_path):
    settings = {
        "neutral": [],
        "happy": ["--emotion", "happy"],
        "blend": ["--emotion", "happy:0.5,sad:0.5"],
        "strong": ["--emotion", "happy", "--intensity", 1.5],
        "guided": ["--emotion", "happy", "--guidance", 3],
        "fenrir": ["--voice", "fenrir"],
    }
    for name, extra in settings.items():
        assert say("-o", tmp_path / name, *extra).code == 0
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == len(settings)
    say("-o", tmp_path / "alias", "--emotion", "Joyful")
    assert (tmp_path / "alias").read_bytes() == (tmp_path / "happy").read_bytes()


@pytest.mark.slow
def test_a_long_text_is_spoken_piece_by_piece(tiny_model_dir):
    sentence = (
        "This is a sentence of some length, and another one of about the same length "
        "follows it at once. "
    )
    calls = []
    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    request = synthesizer.prepare(SpeechRequest(sentence * 3, seed=1))
    result = synthesizer.speak(request, lambda: calls.append(1))
    assert len(request.phones) == len(calls) == 3
    assert result.finish_reason == "end"
    pauses = 2 * round(0.12 * 24_000)
    assert len(result.audio) == result.codes.shape[1] * 960 + pauses


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec(embedding.MODEL_PACKAGE) is None,
    reason="no sentence-embedding package",
)
def test_a_prompt_in_free_words(say, tmp_path):
    assert say("-o", tmp_path / "a", "--prompt", "as if you just won the lottery").code == 0
    assert say("-o", tmp_path / "b", "--prompt", "like somebody at a funeral").code == 0
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_lists_emotions(cli, tiny_model_dir):
    rows = json.loads(cli("list", "emotions", "--model", tiny_model_dir, "--json").out)
    assert [row["id"] for row in rows] == list(load_emotions().ids) and all(
        row["description"] for row in rows
    )
    plain = cli("list", "emotions", "--model", tiny_model_dir)
    assert plain.code == 0 and [
        line.split()[0] for line in plain.out.decode().splitlines()
    ] == list(load_emotions().ids)


def test_lists_voices(cli, tiny_model_dir):
    rows = json.loads(cli("list", "voices", "--model", tiny_model_dir, "--json").out)
    assert rows == [{"id": "heart", "description": "warm"}, {"id": "fenrir", "description": ""}]
    assert cli("list", "voices", "--model", tiny_model_dir).out.decode().split() == [
        "heart",
        "warm",
        "fenrir",
    ]


def test_help_version_and_unknown_commands(cli):
    assert b"exit codes: 0 done" in cli("--help").out
    assert cli("--version").out.startswith(b"affecttts ")
    for command in ("synthesize", "reconstruct", "encode", "decode", "list"):
        shown = cli(command, "--help")
        assert shown.code == 0 and b"--help" in shown.out
    for wrong in (["sing"], [], ["synthesize", "--colour", "red"], ["list", "animals"]):
        assert cli(*wrong).code == 2


def test_an_interruption_is_told(say, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Synthesizer, "start", interrupt)
    assert say("-o", tmp_path / "out.wav").refused(130, "interrupted")
    assert not list(tmp_path.iterdir())


def commands(parser, path=()):
    """Every command's words and parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from commands(inner, (*path, name))
            return
    yield path, parser


def test_json_means_the_same_of_every_command():
    found = [
        (path, action)
        for path, parser in commands(command_line._parser())
        for action in parser._actions
        if "--json" in action.option_strings
    ]
    assert len(found) > 8
    for path, action in found:
        assert action.nargs == 0, f"{path}: --json takes a value"
        if path != ("voices", "list"):  # moved; it says where
            assert action.help.startswith("print JSON on standard output"), path
