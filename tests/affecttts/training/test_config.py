"""Recipe configs: every file fits its recipe, and typing errors are told."""

import json
from dataclasses import dataclass

import pytest

from affecttts.adaptation.config import AdaptationConfig
from affecttts.errors import RequestError
from affecttts.training.codec.ablation import AblationConfig
from affecttts.training.codec.config import CodecTrainingConfig, LossWeights
from affecttts.training.config import describe, load_config
from affecttts.training.lm.config import LMTrainingConfig
from affecttts.training.schema import build
from affecttts.training.speaker.config import SpeakerTrainingConfig
from tiny_models import REPOSITORY

CONFIGS = [
    path
    for folder in ("configs", "experiments")
    for path in sorted((REPOSITORY / "recipes" / folder).rglob("*.yaml"))
]
# tables: tests/recipes/experiments/test_ablate.py
CONFIGS = [path for path in CONFIGS if not path.stem.startswith("ablation")]
CLASSES = {
    "adapt": AdaptationConfig,
    "codec": CodecTrainingConfig,
    "lm": LMTrainingConfig,
    "paper": CodecTrainingConfig,
    "size": CodecTrainingConfig,
    "speaker": SpeakerTrainingConfig,
}


@dataclass(frozen=True)
class Small:
    steps: int = 10
    learning_rate: float = 1e-3
    names: tuple[str, ...] = ()
    label: str | None = None


def test_there_are_configs_of_all_recipes():
    assert {path.stem.split("_")[0] for path in CONFIGS} == {*CLASSES}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_config_fits_its_recipe(path):
    cls = CLASSES[path.stem.split("_")[0]]
    assert load_config(cls, path, []) != cls()


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
    "an include that is no name": ("include: 3", []),
    "an include of itself": ("include: a.yaml", []),
    "a word for a number": ("steps: many", []),
    "a truth for a number": ("steps: true", []),
    "a part of a step": ("steps: 1.5", []),
    "a number that is none": ("learning_rate: .nan", []),
    "a word for a list": ("names: a", []),
    "a number in a list of words": ("names: [a, 1]", []),
    "a group that is none": ("", ["steps.first=1"]),
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


def test_values_deep_inside_are_those_of_their_classes(tmp_path):
    text = """
    codec: {modulation: xattn_pre, seanet_strides: [4, 5, 6, 8]}
    loss_weights: {mel: 20}
    relation: {form: l1}
    alignment: {clamp: [0.2, 4]}
    speaker_weights: {anna: 1e-1, ben: 0}
    discriminator: {periods: []}
    """
    config = load_config(CodecTrainingConfig, write(tmp_path / "a.yaml", text), [])
    assert config.codec == {"modulation": "xattn_pre", "seanet_strides": (4, 5, 6, 8)}
    assert config.loss_weights == LossWeights(mel=20.0)
    assert config.relation.form == "l1" and config.relation.norm == "mean"
    assert config.alignment.clamp == (0.2, 4.0) and config.discriminator.periods == ()
    assert config.speaker_weights == {"anna": 0.1, "ben": 0.0}
    again = json.loads(json.dumps(describe(config)))  # as a checkpoint keeps it
    assert build(CodecTrainingConfig, again) == config


DEEP_FAULTS = {
    "loss_weights.melt=20": r"loss_weights\.melt is not known; did you mean mel\?",
    "loss_weights={melt: 20}": r"loss_weights\.melt is not known; did you mean mel\?",
    "relation.fom=l1": r"relation\.fom is not known; did you mean form\?",
    "codec.modulatoin=add": r"codec\.modulatoin is not known; did you mean modulation\?",
    "discriminator.colour=3": r"discriminator\.colour is not known \(known: .*periods",
    "step=3": r"step is not known; did you mean steps\?",
    "relation.form=l3": r"relation: form is 'l3'",
    "relation.layers=many": r"relation\.layers is 'many', must be a whole number",
    "codec.latent_dim=wide": r"codec\.latent_dim is 'wide', must be a whole number",
    "codec.seanet_strides=[2, x]": r"codec\.seanet_strides\[1\] is 'x'",
    "alignment.clamp=[1]": r"alignment\.clamp is \[1\], must be a list of 2",
    "speaker_weights.anna=much": r"speaker_weights\.anna is 'much', must be a number",
    "gradient_ratios=0.3": r"gradient_ratios is 0\.3, must be a mapping",
    "gradient_ratios.relation=-1": r"gradient_ratios: relation is -1\.0, must not be negative",
    "codebooks=frosen": r"codebooks is 'frosen'; did you mean frozen\?",
    "preset=smal": r"preset is 'smal'; did you mean small\?",
    "emotion_teacher=mood": r"unknown teacher 'mood'; known: .*prosody",
    "batch_size=0": r"batch_size is 0, must be more than 0",
    "balanced_fade=[0.8, 0.2]": r"balanced_fade",
    "quantizer_start_step=0": r"quantizer_start_step is now codebooks: .*restart for 0",
    "freeze_codes=true": r"freeze_codes is now codebooks: frozen",
    "quantizer_start_batches=2": r"quantizer_start_batches is now codebooks_start_batches",
}


@pytest.mark.parametrize("override", DEEP_FAULTS)
def test_faults_deep_inside_are_told_with_the_whole_path_and_the_nearest_key(tmp_path, override):
    with pytest.raises(RequestError, match=DEEP_FAULTS[override]):
        load_config(CodecTrainingConfig, None, [override])
    key, value = override.split("=", 1)
    for part in reversed(key.split(".")):
        value = f"{{{part}: {value}}}"
    path = write(tmp_path / "a.yaml", value)  # a file says the same as --set
    with pytest.raises(RequestError, match=r"a\.yaml: " + DEEP_FAULTS[override]):
        load_config(CodecTrainingConfig, path, [])


@pytest.mark.parametrize("override", ["optimizer=sgd", "hidden_size=7", "label_softness=1"])
def test_faults_of_the_lm_are_told(override):
    with pytest.raises(RequestError, match=override.split("=")[0]):
        load_config(LMTrainingConfig, None, [override])


def test_mappings_of_an_include_are_joined_and_those_of_an_override_replace(tmp_path):
    write(tmp_path / "base.yaml", "loss_weights: {mel: 1, f0: 2}\ncodec: {latent_dim: 8}\n")
    write(tmp_path / "size.yaml", "steps: 3\nloss_weights: {f0: 5}\n")
    top = write(tmp_path / "top.yaml", "include: [base.yaml, size.yaml]\nloss_weights: {mel: 4}\n")
    config = load_config(CodecTrainingConfig, top, ["codec.stem_dim=9"])
    assert (config.loss_weights.mel, config.loss_weights.f0, config.steps) == (4, 5, 3)
    assert config.codec == {"latent_dim": 8, "stem_dim": 9}
    assert load_config(CodecTrainingConfig, top, ["codec={stem_dim: 9}"]).codec == {"stem_dim": 9}


def test_a_group_without_values_is_the_default_one(tmp_path):
    path = write(tmp_path / "a.yaml", "loss_weights:\nspeaker_weights:  # nobody\n")
    assert load_config(CodecTrainingConfig, path, []) == CodecTrainingConfig()


def test_cells_of_an_ablation_are_checked_to_the_leaves(tmp_path):
    text = "base: b.yaml\nreference: none\ncells: {none: {}, loud: {loss_weights: {melt: 1}}}\n"
    with pytest.raises(RequestError, match=r"cells\.loud\.loss_weights\.melt .* mel\?"):
        load_config(AblationConfig, write(tmp_path / "a.yaml", text), [])
    text = text.replace("melt", "mel")
    cells = load_config(AblationConfig, write(tmp_path / "a.yaml", text), []).cells
    assert cells == {"none": {}, "loud": {"loss_weights": {"mel": 1.0}}}


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(RequestError, match="base is missing"):
        load_config(AblationConfig, write(tmp_path / "a.yaml", "cells: {}"), [])
