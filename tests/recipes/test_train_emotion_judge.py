"""The recipe of emotion judges on a dozen clips."""

import sys

import numpy as np
import pytest

from affecttts.evaluation.judges.emotion import load_emotion_judge
from affecttts.evaluation.signal.functionals import NAMES
from tiny_models import DATA, load_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("sklearn")


@pytest.fixture
def recipe():
    return load_recipe("train_emotion_judge")


@pytest.fixture
def train(recipe, monkeypatch, tmp_path):
    """Run the recipe in this process."""

    def run(*more):
        options = [
            "--manifest",
            str(DATA / "manifest.jsonl"),
            "--output",
            str(tmp_path / "judge"),
            "--licence",
            "Apache-2.0",
        ]
        monkeypatch.setattr(sys, "argv", ["train_emotion_judge.py", *options, *more])
        recipe.main()
        return load_emotion_judge(tmp_path / "judge")

    return run


def heard(recipe, utterances, features):
    return [recipe.Heard(row, x) for row, x in zip(utterances, features)]


@pytest.mark.parametrize("kind", ["acoustic", "relative", "spectral"])
def test_a_judge_is_trained_examined_and_stored(train, recipe, kind, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    judge = (
        train("--kind", "acoustic", "--relative") if kind == "relative" else train("--kind", kind)
    )
    assert judge(np.random.default_rng(0).normal(0, 0.1, 16000), 16000).sum() == pytest.approx(
        1, abs=1e-5
    )
    assert judge.card.licence == "Apache-2.0" and "2 speakers" in judge.card.provenance
    assert judge.stored.relative == (kind == "relative") and any(
        "unheard speakers" in fold["test"] for fold in judge.stored.folds
    )
    assert "chance" in capsys.readouterr().out


def test_folds_share_neither_speakers_nor_sentences(recipe, utterances):
    clips = heard(recipe, utterances, [np.zeros(1)] * len(utterances))
    for train, test in recipe.folds(clips, 4, 0):
        speakers, texts = (
            {getattr(clips[i].row, what) for i in test} for what in ("speaker", "text")
        )
        assert test and all(
            clips[i].row.speaker not in speakers and clips[i].row.text not in texts for i in train
        )


def test_centring_uses_the_speakers_own_neutral_clips(recipe, utterances):
    clips = heard(recipe, utterances, [np.full(2, float(i)) for i in range(len(utterances))])
    means = recipe.neutral_means(clips)
    for clip, centred in zip([c for c in clips if c.row.speaker in means], recipe.centred(clips)):
        assert np.allclose(centred.features, clip.features - means[clip.row.speaker])


def test_the_acoustic_fit_finds_what_is_there(recipe, utterances):
    draw = np.random.default_rng(0)
    labels = tuple(sorted({row.emotion for row in utterances}))
    rows = list(utterances) * 6
    features = [
        draw.normal(0, 1, len(NAMES)) + 3 * np.eye(len(NAMES))[labels.index(row.emotion)]
        for row in rows
    ]
    tensors = recipe.fit_acoustic(heard(recipe, rows, features), labels, 0)
    mean, scale, weight, bias = (
        tensors[name].numpy() for name in ("mean", "scale", "weight", "bias")
    )
    scores = (np.stack(features) - mean) / scale @ weight + bias
    assert np.mean([labels[i] == row.emotion for i, row in zip(scores.argmax(1), rows)]) > 0.9


def test_speakers_come_up_alike_and_the_test_split_is_kept_apart(recipe):
    rows = recipe.chosen([DATA / "manifest.jsonl"], 4, 0)
    train = [row for _, row in rows if row.split != "test"]
    assert len(train) == 4 and len({row.speaker for row in train}) == 2
