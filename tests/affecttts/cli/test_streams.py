"""Closed pipes, full disks, two writers: one line, the right exit code, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tiny_models import REPOSITORY

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture
def shell(tmp_path, tiny_model_dir, wav_file):
    """Run a line of bash in which $A is the command line."""

    def run(line: str) -> subprocess.CompletedProcess:
        environment = os.environ | {
            "PYTHONPATH": str(REPOSITORY),
            "A": f"{sys.executable} -m affecttts",
            "CODEC": str(tiny_model_dir / "codec"),
            "WAV": str(wav_file),
        }
        command = ["bash", "-c", f"set -o pipefail; {line}"]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path
        )

    return run


def is_refused(result: subprocess.CompletedProcess, part: str) -> bool:
    lines = result.stderr.splitlines()
    assert result.returncode == 1, result
    assert len(lines) == 1 and lines[0].startswith("affecttts: ") and part in lines[0], lines
    return True


@pytest.mark.parametrize("command", ["list voices", "list emotions --json"])
@pytest.mark.parametrize(
    ("where", "reason"),
    [("> /dev/full", "No space left"), ("| true", "Broken pipe"), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_told_in_one_line(shell, command, where, reason):
    assert is_refused(shell(f"$A {command} {where}"), reason)


@pytest.mark.parametrize(
    ("where", "reason"), [("> /dev/full", "No space left"), ("| true", "Broken pipe")]
)
def test_audio_that_cannot_be_written_is_told_in_one_line(shell, where, reason):
    assert is_refused(shell(f"$A reconstruct $WAV --codec $CODEC -o - {where}"), reason)


@pytest.mark.parametrize("where", ["2> /dev/full", "2>&-"])
def test_success_is_not_undone_by_a_standard_error_that_cannot_be_written(shell, where, tmp_path):
    result = shell(f"$A encode $WAV --codec $CODEC -o out.safetensors {where}")
    assert result.returncode == 0 and not result.stdout
    assert (tmp_path / "out.safetensors").stat().st_size > 100


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_a_full_disk_leaves_the_earlier_file(shell, command, tmp_path):
    """A limit on the size of files stands in for the disk."""
    (tmp_path / "out").write_text("earlier")
    before = sorted(path.name for path in tmp_path.iterdir())
    line = f"ulimit -f 0; $A {command} $WAV --codec $CODEC -o out --force"
    assert is_refused(shell(line), "File too large")
    assert (tmp_path / "out").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_second_of_two_commands_loses(cli, tmp_path, tiny_model_dir, wav_file, monkeypatch):
    """Another writer is done while this one works."""
    from codec import Codec

    encode, out = Codec.encode, tmp_path / "out.safetensors"

    def slowly(*arguments, **options):
        out.write_text("of somebody else")
        return encode(*arguments, **options)

    monkeypatch.setattr(Codec, "encode", slowly)
    outcome = cli("encode", wav_file, "--codec", tiny_model_dir / "codec", "-o", out)
    assert outcome.refused(2, "out.safetensors", "meanwhile", "--force")
    assert out.read_text() == "of somebody else"
