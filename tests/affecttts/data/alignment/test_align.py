"""A corpus without durations gets them, from a classifier or from nothing; what does not fit is
left out and named.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affecttts.cli.main import main
from affecttts.data.alignment.gaussians import even_counts, flat_start
from affecttts.data.alignment.making import from_corpus
from affecttts.data.alignment.rows import LEAST_CONFIDENCE, RowAligner, fine_aligner
from affecttts.data.alignment.shards import align_shard, shard_file
from affecttts.data.alignment.training import FlatStartConfig
from affecttts.data.alignment.units import ENGLISH, Inventory
from affecttts.data.codes.encode import ShardPlan
from affecttts.data.manifest import Utterance, read_manifest, write_manifest
from tiny_models import DATA

RATE = 16_000
TONES = {"a": 300, "m": 700, "s": 1500, "u": 2600, "k": 4200}  # Hz


def speak(symbols: str, generator: np.random.Generator) -> tuple[np.ndarray, list[float]]:
    """A "language" of pure tones: audio, and the seconds of silence, every symbol, silence."""
    times = [float(generator.uniform(0.1, 0.3)) for _ in range(2)]
    inner = [0.0 if s == " " else float(generator.uniform(0.06, 0.16)) for s in symbols]
    parts = [
        np.zeros(round(time * RATE))
        if symbol == " "
        else 0.3 * np.sin(2 * np.pi * TONES[symbol] * np.arange(round(time * RATE)) / RATE)
        for symbol, time in zip(f" {symbols} ", [times[0], *inner, times[1]])
    ]
    audio = np.concatenate(parts)
    noise = 1e-3 * generator.normal(size=len(audio))
    return (audio + noise).astype(np.float32), [times[0], *inner, times[1]]


@pytest.fixture(scope="module")
def tones(tmp_path_factory) -> tuple[Path, dict[str, list[float]]]:
    """A manifest of the language of tones without durations, and the true ones."""
    folder, generator, rows, truth = (
        tmp_path_factory.mktemp("tones"),
        np.random.default_rng(0),
        [],
        {},
    )
    for number in range(40):
        words = ["".join(generator.permutation(list(TONES))[: 2 + number % 3]) for _ in range(2)]
        audio, seconds = speak(" ".join(words), generator)
        soundfile.write(folder / f"{number}.wav", audio, RATE)
        row = Utterance(f"t{number}", f"{number}.wav", "x", len(audio) / RATE, "train", "xx")
        rows.append(replace(row, ipa=" ".join(words)))
        truth[row.id] = seconds
    write_manifest(folder / "m.jsonl", rows)
    return folder / "m.jsonl", truth


def errors(found: Utterance, truth: list[float]) -> np.ndarray:
    """Seconds between true and found borders."""
    return np.abs(np.cumsum(found.durations) - np.cumsum(truth))[:-1]


@pytest.fixture(scope="module")
def learned(tones, tmp_path_factory) -> Path:
    """Folder of an aligner from nothing but the tones."""
    plan, folder = ShardPlan([tones[0]], 1), tmp_path_factory.mktemp("aligner") / "a"
    config = FlatStartConfig(dim=24, steps=60, rounds=2)
    from_corpus(plan, config, lambda line: None, lambda items, label: items).save(folder)
    return folder


def test_a_flat_start_finds_borders_that_nobody_told(tones, learned, tmp_path):
    manifest, truth = tones
    path = tmp_path / "shard.jsonl"
    code = main(
        ["data", "align", str(manifest), "--output", str(tmp_path / "o.jsonl"), "--aligner"]
        + [str(learned), "--workers", "1", "-q"]
    )
    rows = list(read_manifest(tmp_path / "o.jsonl"))
    assert code in (0, 3) and len(rows) > 30 and not path.exists()
    off = np.concatenate([errors(row, truth[row.id]) for row in rows])
    assert np.median(off) < 0.02 and np.mean(off < 0.06) > 0.9
    for row in rows:
        assert sum(row.durations) == pytest.approx(row.seconds, abs=0.003)
        assert row.confidence >= LEAST_CONFIDENCE and min(row.durations) >= 0


def test_a_wrong_transcript_is_left_out_and_a_right_one_is_not(tones, learned):
    aligner, (manifest, _) = RowAligner.load(learned), tones
    item = next(iter(ShardPlan([manifest], 1).items(0)))
    audio = item.audio(aligner.sample_rate)
    right = aligner.counts(item.utterance, audio)[2]
    wrong = aligner.counts(replace(item.utterance, ipa=item.utterance.ipa[::-1]), audio)[2]
    assert right > LEAST_CONFIDENCE > wrong


def test_a_second_run_aligns_only_what_is_new(tones, learned, tmp_path):
    aligner, plan = RowAligner.load(learned), ShardPlan([tones[0]], 1)
    items, path = list(plan.items(0)), shard_file(tmp_path, 0, 1)
    assert align_shard(aligner, items[:5], path) == 5
    assert align_shard(aligner, items[:8], path) == 3
    before = path.read_bytes()
    assert align_shard(aligner, items[:8], path) == 0 and path.read_bytes() == before
    changed = [replace(items[0], utterance=replace(items[0].utterance, ipa="ma su")), *items[1:8]]
    assert align_shard(aligner, changed, path) == 1


def test_phones_share_the_speech_at_first_and_move_to_where_they_sound():
    inventory = Inventory.of(["ab"])
    generator = np.random.default_rng(0)
    mels = np.full((3, 30), -2.0)  # silence, a, b
    mels[1, 5:12] = mels[2, 18:25] = 2.0
    classes = inventory.classes("ab")
    from affecttts.data.alignment.gaussians import Spoken

    clips, truth = [], []
    for _ in range(20):
        counts = np.array([8, *generator.integers(5, 25, 2), 8])
        frames = np.repeat(mels[[0, 1, 2, 0]], counts, axis=0)
        noisy = frames + 0.3 * generator.normal(size=frames.shape)
        clips.append(Spoken(noisy.astype(np.float16), classes))
        truth.append(counts)
    even = [even_counts(clip, inventory) for clip in clips]
    found = flat_start(clips, inventory, lambda pairs: fine_aligner(inventory, pairs, 100.0))

    def off(counts):
        return np.mean([np.abs(np.cumsum(a) - np.cumsum(b))[1] for a, b in zip(counts, truth)])

    assert off(even) > 2 and off(found) < 1


def test_the_shipped_classifier_aligns_recordings_and_textgrids_bring_the_same(tmp_path, capsys):
    rows = [u for u in read_manifest(DATA / "manifest.jsonl") if u.durations][:6]
    bare = [replace(row, ipa=None, durations=None, offset=0.0) for row in rows]
    bare[1] = replace(bare[1], text=bare[4].text)
    bare[2] = replace(bare[2], text=None)
    (tmp_path / "clips").symlink_to(DATA / "clips")
    write_manifest(tmp_path / "m.jsonl", bare)
    arguments = ["data", "align", str(tmp_path / "m.jsonl"), "--workers", "1"]
    grids = ["--textgrids", str(tmp_path / "grids"), "--report", str(tmp_path / "report")]
    first = [*arguments, "--output", str(tmp_path / "a.jsonl"), *grids]
    assert main([*first, "--json"]) == 3
    told = capsys.readouterr()
    assert json.loads(told.out)["left_out"].keys() == {"no transcript", "transcript does not fit"}
    assert bare[1].id in told.err and bare[2].id in told.err
    assert (tmp_path / "report" / "alignment.png").is_file()
    again = [*arguments, "--output", str(tmp_path / "b.jsonl"), "--from-textgrids"]
    assert main([*again, str(tmp_path / "grids"), "-q"]) == 3
    found, back = (list(read_manifest(tmp_path / f"{name}.jsonl")) for name in "ab")
    assert [row.id for row in found] == [row.id for row in back] and len(found) == 4
    for one, other in zip(found, back):
        assert not ENGLISH.foreign(other.ipa)
        sounds = [[s for s in row.ipa if s.isalpha()] for row in (one, other)]
        assert sounds[0] == sounds[1]
        total = sum(other.durations)
        assert total == pytest.approx(one.seconds, abs=0.01)


def test_an_output_that_exists_is_kept_and_a_flat_start_of_nothing_refused(tmp_path, capsys):
    manifest = tmp_path / "m.jsonl"
    write_manifest(manifest, [Utterance("a", "a.wav", "x", 1.0, "train")])
    assert main(["data", "align", str(manifest), "--output", str(manifest)]) == 2
    assert "exists; give --force" in capsys.readouterr().err
    output = ["--output", str(tmp_path / "o.jsonl"), "--aligner", "flat-start", "--workers", "1"]
    assert main(["data", "align", str(manifest), *output]) == 2
    assert "needs at least 20" in capsys.readouterr().err
