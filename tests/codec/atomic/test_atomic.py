"""Files and folders come into being whole, beside other writers and after kills."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import codec.atomic
from codec.atomic import append_line, atomic_file, atomic_folder, recover, sweep, whole_lines
from tiny_models import REPOSITORY


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, text: str) -> None:
    with atomic_folder(folder) as fresh:
        (fresh / "a").write_text(text)
        (fresh / "b").mkdir()


@pytest.mark.parametrize("system_swaps", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, system_swaps):
    if not system_swaps:
        monkeypatch.setattr(codec.atomic, "exchange", lambda one, other: False)
    for text in ("first", "second"):
        fill(tmp_path / "x", text)
        assert (tmp_path / "x" / "a").read_text() == text and names(tmp_path) == ["x"]
    with pytest.raises(KeyError), atomic_folder(tmp_path / "x") as fresh:
        (fresh / "a").write_text("torn")
        raise KeyError
    assert (tmp_path / "x" / "a").read_text() == "second" and names(tmp_path) == ["x"]


def test_where_the_system_swaps_there_is_never_no_folder(tmp_path):
    """A reader that looks all the time."""
    fill(tmp_path / "x", "0")
    if not codec.atomic.exchange(tmp_path / "x", tmp_path / "x"):
        pytest.skip("this system cannot swap folders")
    missing, done = [], threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                os.stat(tmp_path / "x" / "a")
            except FileNotFoundError:
                missing.append(1)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(100):
        fill(tmp_path / "x", str(number))
    done.set()
    reader.join()
    assert not missing


def test_a_kill_between_two_renames_is_completed(tmp_path, monkeypatch):
    fill(tmp_path / "x", "old")
    staging = tmp_path / ".x.part"
    (staging / "x").mkdir(parents=True)
    (staging / "x" / "a").write_text("new")
    (staging / ".lock").touch()
    os.rename(tmp_path / "x", staging / ".retired")
    recover(tmp_path / "x")
    assert (tmp_path / "x" / "a").read_text() == "new" and names(tmp_path) == ["x"]


def test_what_kills_left_is_swept_and_what_others_own_is_kept(tmp_path):
    (tmp_path / "deep" / ".x.part" / "x").mkdir(parents=True)
    (tmp_path / "deep" / ".x.part" / ".lock").touch()
    (tmp_path / ".empty.part").mkdir()
    (tmp_path / ".mine.part").mkdir()
    (tmp_path / ".mine.part" / "thesis").write_text("not of ours")
    sweep(tmp_path)
    assert names(tmp_path) == [".mine.part", "deep"] and not names(tmp_path / "deep")


def test_a_live_writer_is_not_disturbed(tmp_path):
    with atomic_file(tmp_path / "x") as mine:
        mine.write_text("mine")
        recover(tmp_path / "x")
        sweep(tmp_path)
        with atomic_file(tmp_path / "x") as other:
            assert other != mine
            other.write_text("other")
        assert (tmp_path / "x").read_text() == "other" and mine.exists()
    assert (tmp_path / "x").read_text() == "mine" and names(tmp_path) == ["x"]


def test_a_writer_in_another_process_is_not_disturbed(tmp_path):
    code = (
        "import sys\nfrom codec.atomic import atomic_file\n"
        f"with atomic_file({str(tmp_path / 'x')!r}) as path:\n"
        "    path.write_text('slow'); print('ready', flush=True); sys.stdin.readline()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        sweep(tmp_path)
        with atomic_file(tmp_path / "x") as path:
            path.write_text("quick")
        process.communicate("go on\n")
    assert process.returncode == 0
    assert (tmp_path / "x").read_text() == "slow" and names(tmp_path) == ["x"]


@pytest.mark.parametrize("links", [True, False])
def test_the_second_of_two_writers_loses(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.delattr(os, "link")
    first, second = (atomic_file(tmp_path / "x", replace=False) for _ in range(2))
    for writer, text in ((first, "first"), (second, "second")):
        writer.__enter__().write_text(text)
    first.__exit__(None, None, None)
    with pytest.raises(FileExistsError):
        second.__exit__(None, None, None)
    assert (tmp_path / "x").read_text() == "first" and names(tmp_path) == ["x"]


def test_of_many_writers_one_wins(tmp_path):
    lost, barrier = [], threading.Barrier(8)

    def write(number: int) -> None:
        barrier.wait()
        try:
            with atomic_file(tmp_path / "x", replace=False) as path:
                path.write_text(str(number) * 1000)
        except FileExistsError:
            lost.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 7 and names(tmp_path) == ["x"]
    assert len(set((tmp_path / "x").read_text())) == 1


def test_the_longest_names_can_be_written(tmp_path):
    name = "x" * 251 + ".wav"
    with atomic_file(tmp_path / name) as path:
        path.write_text("whole")
    assert names(tmp_path) == [name]


def test_a_journal_loses_at_most_the_line_that_a_kill_tore(tmp_path):
    path = tmp_path / "journal"
    lines = ["head", "one", "zwölf", ""]
    for line in lines:
        append_line(path, line)
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = whole_lines(path)
        assert kept == lines[: whole[:length].count(b"\n")]
        append_line(path, "more")
        assert whole_lines(path) == [*kept, "more"]
