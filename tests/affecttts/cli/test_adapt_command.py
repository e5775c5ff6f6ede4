"""`affecttts adapt`: its options, its config, one question."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.selftest import Row, SelfTest
from tiny_models import REPOSITORY

OPTIONS = ["--audio", "clips", "--name", "allison", "--output", "voices/allison"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def calls(monkeypatch):
    """What `adapt` was called with, in place of an adaptation."""
    pytest.importorskip("accelerate")
    from affecttts.adaptation import run

    seen = []

    def adapt(request, config, confirm, say):
        seen.append((request, config))
        if not confirm("go on?"):
            raise run.Declined
        return SelfTest(
            (
                Row("output differs with the adapter", "yes", True),
                Row("word error rate", "skipped: pip"),
            )
        )

    monkeypatch.setattr(run, "adapt", adapt)
    return seen


def test_options_become_request_and_settings(cli, calls, tmp_path):
    (tmp_path / "c.yaml").write_text("epochs: 3\nrank: 8\nseed: 5\n")
    done = cli(
        "adapt",
        *OPTIONS,
        "--yes",
        "--quiet",
        "--config",
        tmp_path / "c.yaml",
        "--rank",
        4,
        "--learning-rate",
        "2e-3",
        "--set",
        "seed=6",
        "--consent",
        "consent.txt",
        "--adapt-codec",
        "--model",
        "m",
        "--replay-manifest",
        "r.jsonl",
        "--replay-tokens",
        "t",
        "--force",
    )
    [(request, config)] = calls
    assert done.code == 0
    assert config == AdaptationConfig(epochs=3, rank=4, seed=6, learning_rate=2e-3)
    assert (request.audio, request.name, request.output) == (
        Path("clips"),
        "allison",
        Path("voices/allison"),
    )
    assert (request.consent, request.model, request.replay_manifest) == (
        Path("consent.txt"),
        Path("m"),
        Path("r.jsonl"),
    )
    assert request.adapt_codec and request.force and not request.show_progress
    assert b"ok   output differs with the adapter  yes" in done.out and b"skipped: pip" in done.out
    assert "voices/allison" in done.err


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("", False)],
)
def test_one_line_is_asked(cli, calls, monkeypatch, answer, goes_on):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    done = cli("adapt", *OPTIONS)
    assert done.code == 0 and done.err.startswith("go on? [y/N] ")
    assert bool(done.out) == goes_on and ("nothing was changed" in done.err) == (not goes_on)


def test_nobody_to_ask(cli, calls, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert cli("adapt", *OPTIONS).refused(2, "--yes")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert cli("adapt", *OPTIONS).refused(2, "several processes")
    assert not calls


def test_a_config_file_is_read(calls, cli):
    config = REPOSITORY / "recipes" / "configs" / "small" / "adapt.yaml"
    assert cli("adapt", *OPTIONS, "--yes", "--config", config).code == 0
    assert calls[0][1].require_consent


def test_an_unknown_setting_is_refused_with_the_nearest(calls, cli):
    assert cli("adapt", *OPTIONS, "--yes", "--set", "epoch=3").refused(2, "did you mean epochs?")
    assert not calls


def test_few_recordings_are_gone_through_more_often_unless_epochs_are_given():
    usual = AdaptationConfig()
    assert [usual.steps(n) for n in (3, 12, 20, 100)] == [200, 200, 320, 1600]
    assert [AdaptationConfig(epochs=e).steps(10) for e in (0.01, 2.0, 2.55)] == [1, 20, 26]
