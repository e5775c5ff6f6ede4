"""The experiment on what the modules keep, on codecs whose losses are known."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch

for package in ("pyworld", "soundfile"):
    pytest.importorskip(package)


from affecttts.data.audio_cache import AudioCache
from affecttts.evaluation.judges.words import WordCounts
from affecttts.evaluation.tokens.probes import ProbeAnswers, probe_items
from affecttts.teachers.targets import targets_for
from tiny_models import DATA, REPOSITORY, random_codec

sys.path.insert(0, str(REPOSITORY))  # `python -m recipes...` runs from there

from recipes.experiments import retention  # noqa: E402
from recipes.experiments.retention import load_judge  # noqa: E402
from recipes.experiments.retention_rows import (  # noqa: E402
    Heard,
    Hearing,
    affect_rows,
    both,
    likeness_rows,
    probe_rows,
    word_rows,
)

RATE = 24_000


class Loudness:
    """A judge that takes the loud for angry and the rest for sad."""

    labels = ("angry", "sad")

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        angry = min(1.0, 4 * float(np.abs(audio).mean()))
        return np.array([angry, 1 - angry])


def hearing(level: float, errors: int = 0, seed: int = 0) -> Hearing:
    draw = np.random.default_rng(seed)
    audio = (level * draw.standard_normal(9600) * np.repeat(draw.uniform(0.1, 1, 40), 240)).astype(
        np.float32
    )
    words = WordCounts(10 - errors, errors, 0, 0, 0, 0)
    return Hearing(audio, 100 + 50 * draw.random(40), {"loudness": Loudness()(audio, RATE)}, words)


@pytest.fixture
def heard() -> Heard:
    """Copies of ten clips: `on` is exact, `off` is halved in level, mispronounced and another
    clip's melody.
    """
    levels = np.linspace(0.05, 0.6, 10)
    original, on = ([hearing(level, seed=i) for i, level in enumerate(levels)] for _ in range(2))
    return Heard(
        original, {"off": [[hearing(0.3, errors=2, seed=i + 50) for i in range(10)]], "on": [on]}
    )


def test_an_exact_copy_loses_nothing(heard):
    rows = likeness_rows(heard, 240)
    for name, best in (
        ("log-F0 correlation", 1.0),
        ("level correlation", 1.0),
        ("loudness: same emotion, %", 100.0),
    ):
        assert rows[name]["on"].mean == pytest.approx(best) and rows[name]["difference"].low > 0, (
            name
        )
    for name in ("F0 error, cents", "loudness: probability moved, %"):
        assert rows[name]["on"].mean == pytest.approx(0.0) and rows[name]["difference"].high < 0, (
            name
        )


def test_words_are_counted_over_all_clips(heard):
    rows = word_rows(heard)["word errors, %"]
    assert rows["off"].mean == pytest.approx(20.0) and rows["on"].mean == 0.0
    assert rows["difference"] == pytest.approx((-20.0, -20.0, -20.0))
    silent = [Hearing(h.audio, h.f0, h.probabilities, None) for h in heard.original]
    assert word_rows(Heard(silent, {"off": [silent], "on": [silent]})) == {}


def test_arousal_follows_the_original(heard):
    rows = affect_rows(heard, {"loudness": Loudness()})
    assert rows["loudness: arousal correlation"]["on"].mean == pytest.approx(1.0)
    assert rows["loudness: arousal correlation"]["off"].mean < 0.9
    # a judge that names no labels
    assert affect_rows(heard, {"loudness": lambda audio, rate: None}) == {}


def test_probes_are_paired_by_utterance():
    labels = np.array(["happy", "sad"] * 20)
    good, bad, speakers = (
        np.ones(40, dtype=bool),
        labels == "happy",
        np.repeat(["ann", "bo", "cy", "di"], 10),
    )
    first, second = ([{"linear": ProbeAnswers(labels, right, speakers)}] for right in (bad, good))
    row = probe_rows(first, second)["linear"]
    assert row["off"].mean == 50.0 and row["on"].mean == 100.0
    assert row["difference"] == pytest.approx((50.0, 50.0, 50.0))


def test_intervals_of_a_statistic_are_those_of_its_mean():
    values = np.random.default_rng(0).normal(5, 1, 400)
    row = both([lambda picks: 0.0], [lambda picks: values[picks].mean()], np.arange(400))
    assert row["on"].mean == pytest.approx(values.mean()) and row["difference"] == row["on"]
    assert row["on"].high - row["on"].low == pytest.approx(4 / 400**0.5, rel=0.15)


def test_clips_of_a_group_are_drawn_together():
    """Ten clips of a speaker that are all alike tell no more than one of them."""
    speakers = np.repeat(np.arange(40), 10)
    values = np.random.default_rng(0).normal(5, 1, 40)[speakers]
    never, mean = [lambda picks: 0.0], [lambda picks: values[picks].mean()]
    apart, together = (both(never, mean, groups)["on"] for groups in (np.arange(400), speakers))
    assert together.mean == pytest.approx(apart.mean)
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(
        10**0.5, rel=0.15
    )


def test_seeds_are_averaged_and_shown_one_by_one(heard):
    twice = Heard(
        heard.original,
        {"off": heard.copies["off"] * 2, "on": [heard.copies["on"][0], heard.copies["off"][0]]},
    )
    alone, rows = likeness_rows(heard, 240), likeness_rows(twice, 240)
    for name, row in rows.items():
        assert row["difference"].mean == pytest.approx(alone[name]["difference"].mean / 2), name
        assert row["by seed"] == pytest.approx([alone[name]["difference"].mean, 0.0]), name
    words = word_rows(twice)["word errors, %"]
    assert words["off"].mean == pytest.approx(20.0) and words["on"].mean == pytest.approx(10.0)
    assert words["by seed"] == pytest.approx([-20.0, 0.0])
    correlation = affect_rows(twice, {"loudness": Loudness()})["loudness: arousal correlation"]
    assert (
        correlation["difference"].mean == pytest.approx(np.mean(correlation["by seed"]))
        and correlation["by seed"][1] == 0.0
    )


def test_every_codec_has_a_partner(tmp_path, monkeypatch):
    folders = ["--on", tmp_path, tmp_path, "--off", tmp_path, "--corpus", tmp_path]
    monkeypatch.setattr(sys, "argv", ["retention.py", *map(str, folders)])
    with pytest.raises(SystemExit, match="one of each per seed"):
        retention.main()


def test_a_judge_is_named_by_its_module():
    assert load_judge("test_retention:Loudness").labels == ("angry", "sad")


def test_two_codecs_on_a_corpus(tmp_path, monkeypatch, capsys):
    corpus = tmp_path / "corpus" / "emotive"
    corpus.mkdir(parents=True)
    (corpus / "clips").symlink_to(DATA / "clips")
    (corpus / "manifest.jsonl").write_text((DATA / "manifest.jsonl").read_text())
    for seed, side in enumerate(("off", "on")):
        random_codec(seed).save_pretrained(tmp_path / side)
    options = [
        "--on",
        tmp_path / "on",
        "--off",
        tmp_path / "off",
        "--corpus",
        tmp_path / "corpus",
        "--limit",
        "2",
    ]
    options += [
        "--probe-clips",
        "8",
        "--no-words",
        "--judge",
        "test_retention:Loudness",
        "--output",
        tmp_path / "out.json",
    ]
    monkeypatch.setattr(sys, "argv", ["retention.py", *map(str, options)])
    retention.main()
    numbers = json.loads((tmp_path / "out.json").read_text())
    assert set(numbers) == {"sentences not in training", "probes"}
    moved = numbers["sentences not in training"]["Loudness: probability moved, %"]["difference"]
    assert moved["low"] <= moved["mean"] <= moved["high"]
    assert "on - off" in capsys.readouterr().out


def test_probes_read_what_the_teachers_lead_to(tmp_path):
    codec = random_codec(
        modulation="xattn_pre", modulation_heads=2, modulation_dim=16, student_dim=16
    )
    torch.nn.init.normal_(codec.modulator.output.weight)  # untrained it changes nothing
    cache = AudioCache([DATA / "manifest.jsonl"], tmp_path / "cache", RATE, 240)
    targets = targets_for(codec.config, cache, tmp_path / "teachers")
    alone, taught = (probe_items(codec, cache, 4, targets=given) for given in (None, targets))
    assert [item.speaker for item in alone] == [item.speaker for item in taught]
    assert any(not torch.equal(a.frames, b.frames) for a, b in zip(alone, taught))
