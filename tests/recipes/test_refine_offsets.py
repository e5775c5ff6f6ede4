"""Timelines that are off find back to their sound, on features made from known timelines."""

import json

import numpy as np
import pytest
import torch

from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from affecttts.teachers.phonology import SILENCE
from tiny_models import DATA, load_recipe

pytestmark = pytest.mark.slow

REACH, MELS = 12, 16
SOUNDS = torch.randn(SILENCE + 1, MELS, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("refine_offsets")


def clip(recipe, seed, ahead, estimated=False):
    """A clip of 120 frames whose sound is `ahead` frames before its timeline."""
    draws = np.random.default_rng(seed)
    phones = np.repeat(draws.integers(0, SILENCE + 1, 60), draws.integers(2, 9, 60))[
        : 120 + 2 * REACH
    ]
    sound = SOUNDS[torch.from_numpy(phones[REACH + ahead : REACH + ahead + 120])]
    noise = torch.randn(120, MELS, generator=torch.Generator().manual_seed(seed))
    utterance = Utterance(str(seed), "x.wav", "heart", 1.2, "train", offset_estimated=estimated)
    return recipe.Clip(utterance, (sound + 0.3 * noise).half(), phones, 0)


@pytest.mark.parametrize("ahead", [-3, 0, 5])
def test_the_clock_is_found(recipe, ahead):
    assert recipe.find_clock([clip(recipe, seed, ahead) for seed in range(60)], REACH) == ahead


def test_guessed_offsets_are_moved_each_to_its_own_place(recipe):
    stored = [clip(recipe, seed, 2) for seed in range(60)]
    for item in stored:
        item.shift = 2
    torch.manual_seed(0)
    model = recipe.FrameClassifier(MELS)
    recipe.train(model, stored, REACH, steps=60)
    places = [7, -4, 2, 10]
    guessed = [clip(recipe, 100 + i, place, estimated=True) for i, place in enumerate(places)]
    recipe.move(model, guessed, REACH)
    assert [item.shift for item in guessed] == places


def test_only_offsets_and_paths_change(recipe, monkeypatch, tmp_path):
    output = tmp_path / "new" / "aligned.jsonl"
    monkeypatch.setattr(
        "sys.argv",
        ["x", "--manifest", str(DATA / "manifest.jsonl"), "--output", str(output), "--steps", "2"],
    )
    recipe.main()
    before, after = list(read_manifest(DATA / "manifest.jsonl")), list(read_manifest(output))
    assert len(before) == len(after) > 0
    for old, new in zip(before, after):
        assert abs(old.offset - new.offset) <= 0.2501
        assert (output.parent / new.path).resolve() == (DATA / old.path).resolve()
        assert (old.id, old.durations, old.ipa, old.vad) == (
            new.id,
            new.durations,
            new.ipa,
            new.vad,
        )
    assert "text_asr" not in json.loads(output.read_text().splitlines()[0])
    with pytest.raises(RequestError, match="exists"):
        recipe.main()
