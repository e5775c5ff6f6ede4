"""Threads by work, within what affinity and containers leave."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
import torch

from affecttts import machine
from affecttts.lm import generate
from affecttts.synthesis.synthesizer import Synthesizer
from tiny_models import REPOSITORY


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("2000000 100000", 8)],
)
def test_the_limit_of_a_container_counts(monkeypatch, tmp_path, limit, expected):
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    monkeypatch.setattr(machine, "CGROUP_LIMIT", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert machine.usable_cpus() == expected


def test_waiting_threads_sleep_unless_told_otherwise():
    code = "import affecttts, os; print(os.environ['OMP_WAIT_POLICY'])"
    for told, expected in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | told
        environment["PYTHONPATH"] = str(REPOSITORY)
        command = [sys.executable, "-c", code]
        said = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert said.stdout.strip() == expected


def test_overlapping_blocks_bring_back_what_was_before():
    before, inside = torch.get_num_threads(), threading.Barrier(2)
    torch.set_num_threads(3)

    def block() -> None:
        with machine.torch_threads(1):
            inside.wait()
            assert torch.get_num_threads() == 1

    threads = [threading.Thread(target=block) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with machine.torch_threads(1):
        pass
    assert torch.get_num_threads() == 3
    torch.set_num_threads(before)


@pytest.mark.parametrize(("told", "expected"), [(None, 1), ("2", 2), ("nonsense", 1)])
def test_speech_takes_one_thread_unless_told_otherwise(tiny_model_dir, monkeypatch, told, expected):
    if told is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    synthesizer, seen = Synthesizer.from_pretrained(tiny_model_dir), []
    frames = generate.generate_frames

    def spy(*arguments):
        seen.append(torch.get_num_threads())
        return (yield from frames(*arguments))

    monkeypatch.setattr(generate, "generate_frames", spy)
    synthesizer.synthesize("Hello.", seed=3)
    assert seen == [expected]
