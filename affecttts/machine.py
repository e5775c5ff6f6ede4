"""The processors that this process may use, and how its threads share them."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # version 2: "quota period" in microseconds, or "max"
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def usable_cpus() -> int:
    """Processors that the affinity of this process and the limit of its container leave it."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, math.ceil(min(count, _container_limit())))


def _container_limit() -> float:
    try:
        if CGROUP_LIMIT.exists():
            quota, period = CGROUP_LIMIT.read_text().split()
        else:
            quota, period = (path.read_text().strip() for path in CGROUP_LIMITS)
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf


def prepare_environment() -> None:
    """Let threads that wait for others sleep, and no more of them run than there are processors.

    By default OpenMP's threads spin at barriers; where another process has one of the processors,
    all of them then wait for that one. Works only before torch is loaded, and changes nothing that
    is set already.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # the same for Intel's runtime
    os.environ.setdefault("OMP_THREAD_LIMIT", str(usable_cpus()))


def chosen_threads(default: int) -> int:
    """Threads as OMP_NUM_THREADS says, else `default`."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(told) if told.isdigit() and int(told) > 0 else default


_lock = threading.Lock()
_inside = 0
_before = 1


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads while the block lasts.

    torch has one number for the whole process: while several blocks overlap it stays, and the last
    one to end brings back what was before.
    """
    import torch

    global _inside, _before
    with _lock:
        if not _inside:
            _before = torch.get_num_threads()
        _inside += 1
        torch.set_num_threads(count)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                torch.set_num_threads(_before)
