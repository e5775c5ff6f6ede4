"""The ablation recipe: two cells on the tiny preset, stopped and gone on with; and every shipped
table.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

for package in ("accelerate", "pyworld", "matplotlib"):
    pytest.importorskip(package)

from affecttts.errors import RequestError
from affecttts.training.codec.ablation import AblationConfig, SizeConfig, plan
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.config import load_config
from codec import CodecConfig
from codec.files import read_json
from tiny_models import DATA, REPOSITORY, load_recipe

pytestmark = pytest.mark.slow

CONFIGS = REPOSITORY / "recipes" / "experiments"
QUICK = CONFIGS / "ablation_quick.yaml"
TINY = REPOSITORY / "recipes/configs/tiny/ablation.yaml"
TABLES = [*sorted(set(CONFIGS.glob("ablation_*.yaml")) - {QUICK}), TINY]


@pytest.fixture
def ablate(monkeypatch, tmp_path):
    """Run the recipe in this process (its cells are processes of their own)."""
    recipe = load_recipe("experiments/ablate_codec")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))

    def run(*more):
        arguments = [
            str(TINY),
            "--manifest",
            str(DATA / "manifest.jsonl"),
            "--output",
            str(tmp_path / "run"),
            *more,
        ]
        monkeypatch.setattr(sys, "argv", ["ablate_codec.py", *arguments])
        recipe.main()
        return tmp_path / "run"

    return recipe, run


def test_two_cells_are_trained_scored_and_compared(ablate, monkeypatch, capsys):
    recipe, run = ablate
    started, original = [], recipe.train
    monkeypatch.setattr(
        recipe, "train", lambda cell, *rest: (started.append(cell.cell), original(cell, *rest))
    )
    scored = recipe.score

    def interrupted(cell, *rest):
        if cell.cell == "all" and started.count("all") == 1:
            raise KeyboardInterrupt
        return scored(cell, *rest)

    monkeypatch.setattr(recipe, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    folder = run()
    # what was scored is not done again, and the other one's training is complete
    assert started == ["none", "all", "all"]
    steps = [
        json.loads(line)["step"]
        for line in (folder / "cells/all/seed0/metrics.jsonl").read_text().splitlines()
    ]
    assert steps == [2, 4, 4]  # two logs and a validation: no step was done twice
    table = read_json(folder / "table.json")["cells"]
    assert set(table) == {"none", "all"} and set(table["none"]["mel distance"]) == {"value"}
    mean, low, high = table["all"]["mel distance"]["difference"]
    assert low <= mean <= high
    assert mean == pytest.approx(
        table["all"]["mel distance"]["value"][0] - table["none"]["mel distance"]["value"][0],
        abs=1e-6,
    )
    assert (
        0 <= table["all"]["agreement/student/q1"]["value"][0] <= 100
        and "agreement/student/q1" not in table["none"]
    )
    assert "emotion in Q1, linear, %" in table["none"]
    text = (folder / "table.md").read_text()
    assert (
        "## Differences to none" in text
        and "| all |" in text
        and "Published" in text
        and text in capsys.readouterr().out
    )
    assert (folder / "plot.png").read_bytes()[:4] == b"\x89PNG"


def test_other_changes_under_an_old_name_are_refused(ablate, tmp_path):
    config, base = load_config(AblationConfig, TINY, []), TINY.with_name("codec_1_base.yaml")
    for run in plan(config, base, tmp_path):
        run.folder.mkdir(parents=True)
        (run.folder / "changes.json").write_text(json.dumps(run.changes))
    assert len(plan(config, base, tmp_path)) == 2
    changed = replace(config, set={**config.set, "steps": 5})
    with pytest.raises(RequestError, match="other changes"):
        plan(changed, base, tmp_path)


def test_cells_can_be_chosen(ablate):
    config = load_config(AblationConfig, CONFIGS / "ablation_modules.yaml", [])
    some = config.only({"none", "rela"})
    assert list(some.cells) == ["none", "rela"] and set(some.published) == {"none", "rela"}
    with pytest.raises(RequestError, match="rela"):
        config.only({"none", "everything"})


def test_a_reference_must_be_a_cell(ablate):
    with pytest.raises(ValueError, match="nobody"):
        AblationConfig("codec_tiny.yaml", {"none": {}}, "nobody")


def test_differences_are_paired(ablate):
    """What varies from clip to clip in both cells alike does not widen the interval of their
    difference.
    """
    clips = np.random.default_rng(0).normal(0, 10, 50)
    scores = {"a": [{"mel": list(clips)}], "b": [{"mel": list(clips + 1)}]}
    found = ablate[0].summarise(scores, "a")["b"]["mel"]
    assert (
        found["difference"] == pytest.approx((1.0, 1.0, 1.0))
        and found["value"].high - found["value"].low > 2
    )


def test_there_are_tables():
    assert {path.stem for path in TABLES} == {
        "ablation_modules",
        "ablation_details",
        "ablation",
    }


def test_a_size_changes_every_cell_and_no_choice(ablate):
    table = load_config(AblationConfig, CONFIGS / "ablation_details.yaml", [])
    quick = load_config(SizeConfig, QUICK, [])
    small = quick.applied(table)
    assert (
        small.cells == table.cells
        and small.reference == table.reference
        and small.probe_clips == quick.probe_clips
    )
    assert (
        small.set["steps"] == quick.set["steps"]
        and small.set["gradient_ratios"] == table.set["gradient_ratios"]
    )
    assert small.set["codec"] == table.set["codec"] | quick.set["codec"]
    assert SizeConfig().applied(table) == table
    with pytest.raises(RequestError, match="base is not known"):
        load_config(SizeConfig, TINY, [])  # a table is no size


def test_seeds_can_be_chosen(ablate):
    folder = ablate[1]("--cells", "none", "--seeds", "3", "--probe-clips", "0")
    assert [path.name for path in (folder / "cells" / "none").iterdir()] == ["seed3"]
    assert not any("emotion" in name for name in read_json(folder / "table.json")["cells"]["none"])


@pytest.mark.parametrize("size", [None, QUICK], ids=["full", "quick"])
@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_cell_of_every_table_is_possible(ablate, path, size):
    config = load_config(AblationConfig, path, [])
    if size:
        config = load_config(SizeConfig, size, []).applied(config)
    base = path.parent / config.base
    assert config.cells[config.reference] == {}
    for run in plan(config, base, Path("nowhere")):
        training = load_config(CodecTrainingConfig, base, run.overrides)
        shape = CodecConfig.preset(training.preset, **training.codec)
        assert shape.modulation == "none" or shape.modulation_window < round(
            training.crop_seconds * shape.frame_rate
        )
        assert training.seed == run.seed


def test_the_table_of_the_modules_has_all_eight_combinations(ablate):
    config = load_config(AblationConfig, CONFIGS / "ablation_modules.yaml", [])
    found = {
        (
            bool(cell.get("codec")),
            *(name in cell.get("gradient_ratios", {}) for name in ("relation", "alignment")),
        )
        for cell in config.cells.values()
    }
    # `strong`, `affective` and the fading ones are all three again
    assert len(found) == 8 and len(config.cells) == 12


def test_quality_is_what_evaluate_codec_says(tmp_path, tiny_codec, monkeypatch):
    from argparse import Namespace

    from affecttts.evaluation.codec import judges, metrics

    kept = tuple(m for m in metrics.METRICS if m.name in ("SI-SDR", "F0 error"))
    monkeypatch.setattr(judges, "METRICS", kept)
    tiny_codec.save_pretrained(tmp_path / "codec")
    asked = Namespace(quality_manifest=DATA / "manifest.jsonl", quality_limit=2)
    values = load_recipe("experiments/ablate_codec").quality(tmp_path, asked)
    assert "judge: SI-SDR" in values and "judge: word errors" not in values
    report = read_json(tmp_path / "quality" / "report.json")
    assert values["judge: SI-SDR"] == report["systems"]["cell"]["SI-SDR"]["mean"]
