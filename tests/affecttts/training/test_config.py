"""Recipe configs: every file fits its recipe, and typing errors are told."""

from dataclasses import dataclass

import pytest

from affecttts.adaptation.config import AdaptationConfig
from affecttts.errors import RequestError
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.config import describe, load_config
from tiny_models import REPOSITORY, load_recipe

CONFIGS = sorted((REPOSITORY / "recipes").rglob("*.yaml"))
# tables: tests/recipes/experiments/test_ablate.py
CONFIGS = [path for path in CONFIGS if not path.stem.startswith(("ablation", "rules"))]
RECIPES = {"codec": ("train_codec", "CodecTrainingConfig"), "lm": ("train_lm", "LMTrainingConfig")}


@dataclass(frozen=True)
class Small:
    steps: int = 10
    learning_rate: float = 1e-3
    names: tuple = ()
    label: str | None = None


def recipe_class(name):
    pytest.importorskip("accelerate")
    kind = name.split("_")[0].replace("paper", "codec")
    if kind == "adapt":
        return AdaptationConfig
    module, cls = RECIPES[kind]
    return getattr(load_recipe(module), cls)


def test_there_are_configs_of_all_recipes():
    assert {path.stem.split("_")[0] for path in CONFIGS} == {*RECIPES, "adapt", "paper"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_fits_its_recipe(path):
    cls = recipe_class(path.stem)
    config = load_config(cls, path, [])
    plain = cls()
    # A value of another kind (a word for a number, say) would fail only after hours.
    for name, value in describe(config).items():
        default = getattr(plain, name)
        if default is not None:
            assert isinstance(
                value, (int, float) if isinstance(default, float) else type(default)
            ), (name, value)
    assert config != plain


def test_without_a_file_all_is_as_it_is_by_default():
    assert load_config(Small, None, ["steps=3"]) == Small(steps=3)
    with pytest.raises(RequestError, match="settings: .*colour"):
        load_config(Small, None, ["colour=red"])


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_values_and_overrides(tmp_path):
    path = write(tmp_path / "a.yaml", "steps: 5\nnames: [a, b]\n")
    assert load_config(Small, path, []) == Small(5, 1e-3, ("a", "b"))
    assert load_config(Small, path, ["steps=7", "label=x=y", "learning_rate=0.5"]) == Small(
        7, 0.5, ("a", "b"), "x=y"
    )
    assert load_config(Small, write(tmp_path / "empty.yaml", ""), []) == Small()


def test_included_values_lose_against_own_ones(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "base.yaml", "steps: 1\nlabel: base\n")
    write(tmp_path / "sub" / "middle.yaml", "include: ../base.yaml\nsteps: 2\n")
    top = write(tmp_path / "top.yaml", "include: sub/middle.yaml\nlearning_rate: 3.0\n")
    assert load_config(Small, top, []) == Small(2, 3.0, (), "base")


FAULTS = {
    "unknown key": ("speed: 1", []),
    "unknown key in an override": ("", ["speed=1"]),
    "override without a value": ("", ["steps"]),
    "override that is no YAML": ("", ["steps=[1"]),
    "no YAML": ("steps: [1", []),
    "a list": ("- steps", []),
    "missing include": ("include: none.yaml", []),
}


@pytest.mark.parametrize("text, overrides", FAULTS.values(), ids=FAULTS)
def test_faults_are_told(tmp_path, text, overrides):
    with pytest.raises(RequestError):
        load_config(Small, write(tmp_path / "a.yaml", text), overrides)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"none\.yaml"):
        load_config(Small, tmp_path / "none.yaml", [])


def test_a_number_in_scientific_notation_is_a_number(tmp_path):
    """YAML 1.1 takes 8e-4 for a word; a learning rate is usually written so."""
    path = write(tmp_path / "a.yaml", "")
    assert load_config(Small, path, ["learning_rate=8e-4"]).learning_rate == 8e-4


def test_no_means_no():
    assert load_config(CodecTrainingConfig, None, ["mixed_precision=no"]).mixed_precision == "no"
