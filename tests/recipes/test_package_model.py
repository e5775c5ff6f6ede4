"""Packaging: weights are not marked freer than their data."""

import sys

import pytest

from affecttts.cli.script import run_script
from affecttts.data.lineage import load_lineage, save_lineage, trace
from affecttts.synthesis.model_folder import read_model_info
from tiny_models import DATA, load_recipe

pytestmark = pytest.mark.slow


@pytest.fixture
def package(tiny_model_dir, tmp_path, monkeypatch, capsys):
    """Package the tiny model; returns the folder and what was said."""

    def run(*arguments, parts=tiny_model_dir):
        output = tmp_path / "packaged"
        base = [
            "package_model",
            "--codec",
            parts / "codec",
            "--lm",
            parts / "lm",
            "--name",
            "tiny",
            "--output",
            output,
        ]
        monkeypatch.setattr(sys, "argv", [str(argument) for argument in (*base, *arguments)])
        run_script(load_recipe("package_model").main)
        return output, " ".join(capsys.readouterr().err.split())

    return run


@pytest.fixture
def non_commercial(model_copy, tmp_path):
    """A model that was trained on the test clips, one of which forbids commerce."""
    lines = (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    lines[0] = lines[0].replace("{", '{"licence": "CC-BY-NC-4.0", ', 1)
    (tmp_path / "acted").mkdir()
    (tmp_path / "acted" / "m.jsonl").write_text("\n".join(lines), encoding="utf-8")
    save_lineage(model_copy / "codec", trace([tmp_path / "acted" / "m.jsonl"]))
    save_lineage(model_copy / "lm", trace([tmp_path / "acted" / "m.jsonl"]))
    return model_copy


def test_the_card_names_the_data(package, non_commercial):
    folder, _ = package(
        "--licence", "CC-BY-NC-4.0", "--corpus-licence", "acted/m.jsonl=MIT", parts=non_commercial
    )
    card = (folder / "MODEL_CARD.md").read_text()
    assert "**CC-BY-NC-4.0** (non-commercial)" in card and "acted/m.jsonl" in card
    assert read_model_info(folder)[1].licence == "CC-BY-NC-4.0"
    assert load_lineage(folder / "lm").licences == {"CC-BY-NC-4.0": 1, "MIT": 11}


def test_permissive_weights_of_non_commercial_data_are_refused(package, non_commercial):
    folder, said = package(
        "--licence", "Apache-2.0", "--corpus-licence", "acted/m.jsonl=MIT", parts=non_commercial
    )
    assert (
        not folder.exists()
        and ("weights cannot be Apache-2.0: acted/m.jsonl is CC-BY-NC-4.0") in said
    )


def test_unknown_data_must_be_stated_first(package):
    folder, said = package("--licence", "Apache-2.0")
    assert not folder.exists() and "nobody stated" in said and "--corpus-licence" in said
    stated = (
        "--corpus-licence",
        "unrecorded/codec=MIT",
        "--corpus-licence",
        "unrecorded/lm=CC0-1.0",
    )
    folder, _ = package("--licence", "Apache-2.0", *stated)
    assert (
        read_model_info(folder)[1].licence == "Apache-2.0"
        and load_lineage(folder / "codec").strictest == "MIT"
    )


def test_a_card_of_ones_own_comes_first(package, tmp_path):
    (tmp_path / "card.md").write_text("# Mine\n")
    folder, _ = package("--card", tmp_path / "card.md")
    assert (
        (folder / "MODEL_CARD.md")
        .read_text()
        .startswith("# Mine\n\n## Training data\n\nStrictest licence")
    )
