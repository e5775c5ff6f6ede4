"""A tiny model that can be adapted, recordings of one speaker, and one finished adaptation."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from affecttts.data.manifest import read_manifest
from tiny_models import DATA
from tiny_voices import TINY, add_replay

NAME = "allison"


@pytest.fixture(scope="session")
def adaptable_model(tiny_model_dir, tmp_path_factory) -> Path:
    """Treat as read-only."""
    return add_replay(
        Path(shutil.copytree(tiny_model_dir, tmp_path_factory.mktemp("adaptable") / "model"))
    )


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> Path:
    """Six clips with transcripts. Treat as read-only."""
    folder = tmp_path_factory.mktemp("recordings")
    for utterance in read_manifest(DATA / "manifest.jsonl"):
        if utterance.speaker == "heart":
            shutil.copy(DATA / utterance.path, folder)
            (folder / f"{utterance.id}.txt").write_text(utterance.text)
    return folder


@dataclass(frozen=True)
class Session:
    """What a user would see of an adaptation."""

    output: Path
    lines: list[str]
    questions: list[str]
    result: object


@pytest.fixture(scope="session")
def run_adaptation(adaptable_model):
    """Run an adaptation with the tiny model; without `tested`, its self-test takes no time and says
    nothing.
    """
    pytest.importorskip("peft")
    pytest.importorskip("accelerate")
    pytest.importorskip("faster_whisper")
    from affecttts.adaptation import prepare, selftest
    from affecttts.adaptation.config import AdaptationConfig
    from affecttts.adaptation.run import AdaptationRequest, adapt

    class NoTest:
        def __init__(self, *_):
            pass

        def run(self):
            return selftest.SelfTest(())

    def run(audio, output, config=(), answer=True, tested=False, **request):
        lines, questions = [], []
        patch = pytest.MonkeyPatch()
        patch.setenv("ACCELERATE_USE_CPU", "true")
        # they take seconds to load
        patch.setattr(selftest, "missing", lambda packages: "pip install judges")
        if not tested:
            patch.setattr(selftest, "SelfTester", NoTest)
        # the codes of an untrained codec tell little of words
        patch.setattr(prepare, "MARGIN", -10.0)
        values = {
            "audio": audio,
            "name": NAME,
            "output": output,
            "model": adaptable_model,
            "show_progress": False,
        } | request
        try:
            result = adapt(
                AdaptationRequest(**values),
                AdaptationConfig(**(TINY | dict(config))),
                lambda question: questions.append(question) or answer,
                lines.append,
                sentences=1,
            )
        finally:
            patch.undo()
        return Session(output, lines, questions, result)

    return run


@pytest.fixture(scope="session")
def adapted(run_adaptation, recordings, tmp_path_factory) -> Session:
    """One finished adaptation. Treat as read-only."""
    return run_adaptation(recordings, tmp_path_factory.mktemp("voices") / NAME, tested=True)
