"""kill -9 at operations on files: a rerun ends as if nothing had happened and leaves nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("peft")
pytest.importorskip("pyworld")
pytest.importorskip("tensorboard")

import kill_scenarios as scenarios
from affecttts.data.audio_cache import build_cache
from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from affecttts.data.manifest import read_manifest
from codec.files import fingerprint
from killing import Runner, hashes, leftovers, sampled
from soak import soak
from tiny_models import DATA, tiny_codes
from tiny_runs import MANIFEST
from tiny_voices import add_replay

# A minute each: at all their operations in the long sweeps, and not in the usual suite.
IN_SWEEPS_ALONE = {"predict_corpus", "evaluate_tts", "adapt_voice"}
USUAL_QUICK, USUAL_LONG = (
    [work for work in works if work.__name__ not in IN_SWEEPS_ALONE]
    for works in (scenarios.QUICK, scenarios.LONG)
)

ITEMS = [{"id": name, "text": "Hello.", "seed": 3} for name in ("one", "two")]


@pytest.fixture(scope="module")
def inputs(tiny_model_dir, utterances, tone, tmp_path_factory) -> Path:
    """Everything that the scenarios read."""
    import soundfile

    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(tiny_model_dir, folder / "model")
    shutil.copytree(tiny_model_dir, folder / "adaptable")
    add_replay(folder / "adaptable")
    build_cache([MANIFEST], folder / "cache", 24_000, 240)
    draw = np.random.default_rng(0).integers
    rows = [
        CodeRow(u.id, "0" * 16, draw(0, 64, (4, round(u.seconds * 25))).astype(np.uint16))
        for u in utterances
    ]
    write_shard(shard_path(folder / "tokens", 0, 1), rows, fingerprint(folder / "model" / "codec"))
    tiny_codes().save(folder / "tokens" / "voices.json")
    (folder / "recordings").mkdir()
    for utterance in read_manifest(DATA / "manifest.jsonl"):
        if utterance.speaker == "heart":
            shutil.copy(DATA / utterance.path, folder / "recordings")
            (folder / "recordings" / f"{utterance.id}.txt").write_text(utterance.text)
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    soundfile.write(folder / "tone.wav", tone[0, 0].numpy(), 24_000)
    return folder


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Runner:
    return Runner("kill_scenarios", tmp_path_factory.mktemp("runner"))


class Sweep:
    """One scenario, run straight through once, then killed and run again."""

    def __init__(self, runner: Runner, work: Callable, inputs: Path, folder: Path) -> None:
        self.runner, self.work, self.inputs, self.folder = runner, work, inputs, folder
        straight = self._fresh("straight")
        ended = runner.run(work, inputs, straight)
        assert ended.code == 0, ended.told
        self.operations, self.wanted = ended.operations, hashes(straight)
        assert self.operations and self.wanted and not leftovers(straight)

    def _fresh(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def fault_of(self, place: int) -> str:
        """What is wrong after a kill before operation `place` and a rerun; empty where nothing."""
        output, what = self._fresh("killed"), f"{place}: {self.operations[place]}"
        if not self.runner.run(self.work, self.inputs, output, place).killed:
            return f"{what}: was not reached"
        again = self.runner.run(self.work, self.inputs, output)
        if again.code != 0:
            return f"{what}: the rerun failed: {again.told[-600:]}"
        found = hashes(output)
        different = {n for n in found.keys() | self.wanted if found.get(n) != self.wanted.get(n)}
        if different or leftovers(output):
            return f"{what}: different {sorted(different)}, left over {leftovers(output)}"
        return ""

    def check(self, places: list[int]) -> None:
        faults = [fault for fault in map(self.fault_of, places) if fault]
        print(
            f"{self.work.__name__}: {len(places)} of {len(self.operations)} operations, "
            f"{len(places) - len(faults)} passed"
        )
        assert not faults, "\n".join([f"{len(faults)} of {len(places)} kills", *faults[:20]])


@pytest.mark.parametrize("work", USUAL_QUICK, ids=lambda work: work.__name__)
def test_a_killed_command_is_finished_by_the_same_command(runner, work, inputs, tmp_path):
    sweep = Sweep(runner, work, inputs, tmp_path)
    sweep.check(sampled(sweep.operations, 6))


@pytest.mark.parametrize("work", USUAL_LONG, ids=lambda work: work.__name__)
def test_a_killed_run_ends_like_one_that_was_not(runner, work, inputs, tmp_path):
    sweep = Sweep(runner, work, inputs, tmp_path)
    places = sampled(sweep.operations)
    sweep.check(places[:: 1 + len(places) // 4])


@soak
@pytest.mark.parametrize("work", scenarios.LONG, ids=lambda work: work.__name__)
def test_a_run_killed_at_any_rename_ends_like_one_that_was_not(runner, work, inputs, tmp_path):
    sweep = Sweep(runner, work, inputs, tmp_path)
    sweep.check(sampled(sweep.operations))


@soak
@pytest.mark.parametrize("work", scenarios.QUICK + scenarios.LONG, ids=lambda work: work.__name__)
def test_every_operation(runner, work, inputs, tmp_path):
    sweep = Sweep(runner, work, inputs, tmp_path)
    sweep.check(list(range(len(sweep.operations))))


@soak
def test_a_run_that_is_killed_again_and_again_gets_there(runner, inputs, tmp_path):
    sweep = Sweep(runner, scenarios.train_codec, inputs, tmp_path)
    output, kills = sweep._fresh("again"), 0
    # each life is a little longer than the one before
    while runner.run(sweep.work, inputs, output, 20 + 9 * kills).killed:
        kills += 1
    assert kills > 3 and hashes(output) == sweep.wanted and not leftovers(output)
