"""A user's mistake ends every recipe in one line that names it, with the CLI's exit code."""

import json
import sys

import pytest

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.cli.script import run_script
from tiny_models import DATA, REPOSITORY, load_recipe, tiny_codes

sys.path.insert(0, str(REPOSITORY))  # `python -m recipes...` runs from there

MANIFEST = DATA / "manifest.jsonl"
TINY = REPOSITORY / "recipes/configs/tiny"
CODEC, LM = TINY / "codec_1_base.yaml", TINY / "lm.yaml"
JUDGE = ["train_emotion_judge", "--kind", "acoustic", "--output", "OUT/judge"]
CORPUS = "corpora/kokoro_affect"


def codec(*more, config=CODEC, manifest=MANIFEST):
    return ["train_codec", config, "--manifest", manifest, "--output", "OUT/run", *more]


def lm(*more, manifest=MANIFEST, codec="OUT/codec", tokens="OUT/tokens"):
    base = ["train_lm", LM, "--manifest", manifest, "--output", "OUT/run", "--codec", codec]
    return [*base, "--tokens", tokens, *more]


MISTAKES = {  # what is typed; exit code; what the line says
    "codec, missing manifest": (codec(manifest="OUT/no.jsonl"), 2, "no.jsonl"),
    "codec, missing config": (codec(config="OUT/no.yaml"), 2, "no.yaml"),
    "codec, unknown key": (codec("--set", "loss_weights.melt=1"), 2, "did you mean mel?"),
    "codec, old key": (codec("--set", "freeze_codes=true"), 2, "codebooks: frozen"),
    "codec, wrong value": (codec("--set", "steps=many"), 2, "whole number"),
    "codec, malformed override": (codec("--set", "steps"), 2, "key=value"),
    "codec, no train rows": (codec(manifest="OUT/bare.jsonl"), 2, "no clip to train on"),
    "codec, missing codec": (codec("--init", "OUT/no", "--set", "codebooks=keep"), 1, "OUT/no"),
    "codec, codebooks thrown away": (codec("--init", "MODEL/codec"), 2, "throw"),
    "codec, missing phone_classifier": (codec("--phone-classifier", "OUT/no"), 1, "OUT/no"),
    "codec, unknown option": (codec("--colour", "red"), 2, "--colour"),
    "lm, missing tokens": (lm(), 1, "no token shards"),
    "lm, unknown key": (lm("--set", "optimiser=adamw"), 2, "did you mean optimizer?"),
    "lm, missing codec": (lm(tokens="TOKENS"), 1, "OUT/codec"),
    "lm, no train rows": (
        lm(tokens="TOKENS", codec="MODEL/codec", manifest="OUT/bare.jsonl"),
        2,
        "no train utterance has durations and tokens",
    ),
    "lm, too many codebooks": (
        lm("--set", "num_codebooks=9", tokens="TOKENS", codec="MODEL/codec"),
        2,
        "num_codebooks is 9",
    ),
    "encode, missing manifest": (
        ["encode_corpus", "--manifest", "OUT/no.jsonl", "--codec", "MODEL/codec"]
        + ["--output", "OUT/t"],
        2,
        "no.jsonl",
    ),
    "encode, missing codec": (
        ["encode_corpus", "--manifest", MANIFEST, "--codec", "OUT/no", "--output", "OUT/t"],
        1,
        "OUT/no",
    ),
    "merge, missing tokens": (
        ["merge_tokens", "--manifest", MANIFEST, "--tokens", "OUT/no"],
        1,
        "OUT/no",
    ),
    "predict, missing tokens": (
        ["predict_corpus", "--manifest", MANIFEST, "--tokens", "OUT/no", "--lm", "MODEL/lm"]
        + ["--codec", "MODEL/codec", "--output", "OUT/p"],
        1,
        "OUT/no",
    ),
    "predict, no warmth": (
        ["predict_corpus", "--manifest", MANIFEST, "--tokens", "TOKENS", "--lm", "MODEL/lm"]
        + ["--codec", "MODEL/codec", "--output", "OUT/p", "--temperature", "0"],
        2,
        "--temperature",
    ),
    "detail, missing codec": (
        ["fit_detail", "--codec", "OUT/no", "--manifest", MANIFEST, "--output", "OUT/d"],
        1,
        "OUT/no",
    ),
    "detail, too short a window": (
        ["fit_detail", "--codec", "MODEL/codec", "--manifest", MANIFEST, "--output", "OUT/d"]
        + ["--n-fft", "8"],
        2,
        "detail_n_fft",
    ),
    "manifest, missing rows": (
        ["make_manifest", "--rows", "OUT/no.jsonl", "--output", "OUT/m.jsonl"],
        1,
        "no.jsonl",
    ),
    "offsets, nothing timed": (
        ["refine_offsets", "--manifest", "OUT/bare.jsonl", "--output", "OUT/m.jsonl"],
        2,
        "no row has durations",
    ),
    "offsets, output exists": (
        ["refine_offsets", "--manifest", MANIFEST, "--output", "OUT/bare.jsonl"],
        2,
        "exists",
    ),
    "phone classifier, missing manifest": (
        ["train_phone_classifier", "--manifest", "OUT/no.jsonl", "--output", "OUT/l"],
        2,
        "no.jsonl",
    ),
    "phone classifier, no steps": (
        ["train_phone_classifier", "--manifest", MANIFEST, "--output", "OUT/l", "--steps", "0"],
        2,
        "--steps is 0",
    ),
    "emotion judge, missing manifest": ([*JUDGE, "--manifest", "OUT/no.jsonl"], 2, "no.jsonl"),
    "emotion judge, one emotion": ([*JUDGE, "--manifest", "OUT/bare.jsonl"], 2, "two speakers"),
    "package, missing codec": (
        ["package_model", "--codec", "OUT/no", "--lm", "MODEL/lm", "--name", "x"]
        + ["--output", "OUT/m"],
        1,
        "OUT/no",
    ),
    "package, unknown voice": (
        ["package_model", "--codec", "MODEL/codec", "--lm", "MODEL/lm", "--name", "x"]
        + ["--output", "OUT/m", "--voices", "heart,nobody"],
        2,
        "nobody",
    ),
    "package, a note of nobody": (
        ["package_model", "--codec", "MODEL/codec", "--lm", "MODEL/lm", "--name", "x"]
        + ["--output", "OUT/m", "--voice-note", "warm"],
        2,
        "NAME=VALUE",
    ),
    "ablation, unknown key in a cell": (
        ["experiments/ablate_codec", TINY / "ablation.yaml", "--manifest", MANIFEST]
        + ["--output", "OUT/a", "--set", "loss_weights.melt=1"],
        2,
        "set.loss_weights.melt",
    ),
    "ablation, missing manifest": (
        ["experiments/ablate_codec", TINY / "ablation.yaml", "--manifest", "OUT/no.jsonl"]
        + ["--output", "OUT/a"],
        1,
        "train_codec.py failed",
    ),
    "corpus, impossible emotions": (
        [f"{CORPUS}/generate", "--voices", "OUT", "--output", "OUT/c", "--emotions", "3", "2"],
        2,
        "--emotions",
    ),
    "voices of Debian, no packages": (
        ["corpora/debian_voices", "--root", "OUT/no", "--output", "OUT/c"],
        2,
        "OUT/no",
    ),
    "corpus, no recordings": (
        [f"{CORPUS}/human", "--sounds", "OUT/no", "--output", "OUT/c"],
        1,
        "OUT/no",
    ),
}


@pytest.fixture
def places(tiny_model_dir, tmp_path, tokens_of_model):
    row = json.loads(MANIFEST.read_text(encoding="utf-8").splitlines()[0])
    for name in ("durations", "offset", "offset_estimated"):
        row.pop(name, None)
    (tmp_path / "bare.jsonl").write_text(json.dumps(row | {"split": "valid"}), encoding="utf-8")
    return {"OUT": tmp_path, "MODEL": tiny_model_dir, "TOKENS": tokens_of_model}


@pytest.fixture(scope="module")
def tokens_of_model(tiny_model_dir, tmp_path_factory):
    """Shards of the tiny model's codec."""
    folder = tmp_path_factory.mktemp("tokens")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "true")
        arguments = ["--manifest", MANIFEST, "--codec", tiny_model_dir / "codec"]
        arguments += ["--output", folder, "--shards", "1"]
        patch.setattr(sys, "argv", ["encode_corpus", *map(str, arguments)])
        assert run_script(load_recipe("encode_corpus").main) == 0
    tiny_codes().save(folder / "voices.json")
    return folder


@pytest.mark.parametrize("typed, code, told", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(places, monkeypatch, capfd, typed, code, told):
    words = [str(word) for word in typed]
    for name, folder in places.items():
        words = [word.replace(f"{name}/", f"{folder}/") for word in words]
        words = [str(folder) if word == name else word for word in words]
        told = told.replace(f"{name}/", f"{folder}/")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setattr(sys, "argv", [f"{words[0]}.py", *words[1:]])
    recipe = load_recipe(words[0])
    try:
        ended = run_script(recipe.main)
    except SystemExit as exit:  # of the parser
        ended = exit.code
    said = [line for line in capfd.readouterr().err.splitlines() if "it/s" not in line]
    said = [line for line in said if "clip" not in line or told in line]  # progress bars
    assert ended == code, said
    assert said and told in said[-1] and ": " in said[-1], said
    assert not any("Traceback" in line for line in said)


def test_a_defect_keeps_its_traceback():
    def broken():
        raise KeyError("step")

    with pytest.raises(KeyError):
        run_script(broken)


def test_an_extra_that_is_missing_is_named(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["recipes/train_codec.py"])

    def bare():
        import no_such_package  # noqa: F401

    assert run_script(bare) == 1
    line = capsys.readouterr().err
    assert line.startswith("train_codec.py: no_such_package is not installed") and "[train]" in line


def test_what_the_system_refuses_names_the_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["x.py"])
    assert run_script(lambda: (tmp_path / "no.txt").read_text() and None) == 1
    assert f"x.py: {tmp_path / 'no.txt'}: No such file" in capsys.readouterr().err


def test_an_interrupted_recipe_says_so(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["x.py"])
    assert run_script(interrupted) == 130 and "x.py: interrupted" in capsys.readouterr().err
