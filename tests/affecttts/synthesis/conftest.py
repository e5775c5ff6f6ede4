"""A voice that was never taught anything."""

from __future__ import annotations

import shutil

import pytest

from tiny_voices import write_random_voice


@pytest.fixture(scope="module")
def voice(tiny_model_dir, tmp_path_factory):
    """Treat as read-only."""
    return write_random_voice(
        tmp_path_factory.mktemp("voices") / "allison", tiny_model_dir, "allison"
    )


@pytest.fixture
def voice_copy(voice, tmp_path):
    return shutil.copytree(voice, tmp_path / "allison")
