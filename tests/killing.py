"""Ends a process at a chosen operation on files, as kill -9 would.

Operations are what Python tells its audit hooks of (opening to write, renaming, linking, removing,
making folders, truncating) and every fsync, so a process can be ended between any two of them.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from unittest.mock import patch

WATCHED = ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.truncate")
UNSTABLE = ("events.out.tfevents", "cache/")  # in a path: TensorBoard's, by time; what is read only


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    killed: bool
    code: int | None
    operations: list[str]  # none of a killed one
    told: str  # on standard output and error


class Runner:
    """Runs functions in children of a process that has loaded everything already."""

    def __init__(self, module: str, scratch: Path) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([module])
        self._scratch = scratch
        with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
            forkserver.ensure_running()  # a server finds the module by its environment alone

    def run(
        self, work: Callable[[Path, Path], None], inputs: Path, output: Path, kill_at: int = -1
    ) -> Ended:
        """Run `work(inputs, output)`, killed just before operation `kill_at` (-1: never)."""
        told, record = self._scratch / "told.txt", self._scratch / "operations.json"
        record.unlink(missing_ok=True)
        arguments = (work, inputs, output, kill_at, told, record)
        process = self._context.Process(target=_child, args=arguments)
        process.start()
        process.join(300)
        if process.is_alive():
            process.kill()
            process.join()
            raise TimeoutError(told.read_text())
        try:
            os.killpg(process.pid, signal.SIGKILL)  # workers that it leaves behind
        except ProcessLookupError:
            pass
        killed = process.exitcode == -signal.SIGKILL
        operations = json.loads(record.read_text()) if record.exists() else []
        return Ended(killed, process.exitcode, operations, told.read_text(errors="replace"))


def _child(
    work: Callable, inputs: Path, output: Path, kill_at: int, told: Path, record: Path
) -> None:
    os.setsid()
    if sys.platform == "linux":  # as a command does; a server of its own would load all again
        multiprocessing.set_start_method("fork", force=True)
    handle = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", closefd=False) for fd in (1, 2))
    operations = _watch(output, kill_at)
    work(inputs, output)
    done = list(operations)
    record.write_text(json.dumps(done))


def _watch(root: Path, kill_at: int) -> list[str]:
    """Count what this process does beneath `root` and end it before operation `kill_at`."""
    operations: list[str] = []
    me, beneath, real_fsync = os.getpid(), str(root), os.fsync

    def tick(what: str) -> None:
        if os.getpid() != me:
            return
        if len(operations) == kill_at:
            os.kill(me, signal.SIGKILL)
        operations.append(what)

    def hook(event: str, arguments: tuple) -> None:
        if event in WATCHED or (event == "open" and _writes(*arguments[1:3])):
            path = _whole_path(event, arguments)
            if path.startswith(beneath) and "tfevents" not in path:
                tick(f"{event} {path.removeprefix(beneath)}")

    def fsync(handle: int) -> None:
        tick("fsync")
        real_fsync(handle)

    os.fsync = fsync
    sys.addaudithook(hook)
    return operations


def _writes(mode: str | None, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if mode is None else mode[0] != "r"


def _whole_path(event: str, arguments: tuple) -> str:
    """The path, also where it is named from an open folder as shutil does."""
    path = arguments[0]
    if not isinstance(path, (str, bytes, os.PathLike)):
        return ""
    path = os.fsdecode(path)
    folder = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2}.get(event)
    if folder and not os.path.isabs(path) and arguments[folder] not in (-1, None):
        path = os.path.join(os.readlink(f"/proc/self/fd/{arguments[folder]}"), path)
    return path


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that two runs must have in common."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part in name for part in UNSTABLE):
            found[name] = hashlib.sha256(_content(path)).hexdigest()
    return found


def _content(path: Path) -> bytes:
    """Of Opus files the samples alone, for their streams have random numbers."""
    import soundfile

    return soundfile.read(path)[0].tobytes() if path.suffix == ".opus" else path.read_bytes()


def leftovers(folder: Path) -> list[str]:
    """Names that no finished run leaves."""
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.startswith(".") or path.name.endswith((".old", ".tmp"))
    ]


def sampled(operations: list[str], count: int = 12) -> list[int]:
    """All renames and links with what comes right after them, and others, evenly."""
    moves = [i for i, name in enumerate(operations) if name.startswith(("os.rename", "os.link"))]
    chosen = {place for i in moves for place in (i, i + 1)}
    step = max(1, len(operations) // count)
    return sorted(chosen | set(range(0, len(operations), step)) - {len(operations)})
