"""How fast and how large? Cold start, real-time factor and memory, beside Kokoro-82M int8,
hibari-tts and Piper.

    python benchmarks/speed.py
    python benchmarks/speed.py --kokoro-voices kokoro-js/voices --threads 1 2

Everything is text to sound, in fresh processes, system by system in turn: cold start is a process
that speaks ten words once, from its start to its end; the real-time factor is seconds of work per
second of sound over the sentences of a process that has warmed up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from systems import SYSTEMS, Setting, missing

from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.stats.bootstrap import Interval, interval, ratio_interval

TEN_WORDS = "She left her green bag beside the old kitchen door."


@dataclass
class Speed:
    """Measurements of one system on so many threads."""

    cold_seconds: list[float] = field(default_factory=list)  # one a fresh process
    peak_megabytes: list[float] = field(default_factory=list)  # resident, of those processes
    work_seconds: list[float] = field(default_factory=list)  # one an utterance
    sound_seconds: list[float] = field(default_factory=list)

    @property
    def real_time_factor(self) -> Interval:
        """Seconds of work per second of sound."""
        return ratio_interval(self.work_seconds, self.sound_seconds)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of systems and timing."""
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="our model folder; the shipped model if left out"
    )
    parser.add_argument(
        "--kokoro-voices", type=Path, metavar="DIR", help="folder with af_heart.bin and others"
    )
    parser.add_argument(
        "--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="measurements of each")


def present(options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """Systems that work here, and what the others lack."""
    setting = Setting(1, options.model, options.kokoro_voices)
    absent = {name: cure for name in options.systems if (cure := missing(name, setting))}
    return [name for name in options.systems if name not in absent], absent


def measure(names: Sequence[str], options: argparse.Namespace) -> dict[tuple[str, int], Speed]:
    """Time every system on every number of threads, in turn."""
    speeds = {(name, threads): Speed() for threads in options.threads for name in names}
    for _ in progress(range(options.runs), "speed"):
        for (name, threads), speed in speeds.items():
            _, seconds, megabytes = _child(name, threads, 0, options)
            speed.cold_seconds.append(seconds)
            speed.peak_megabytes.append(megabytes)
    for (name, threads), speed in speeds.items():
        pairs, _, _ = _child(name, threads, options.runs, options)
        speed.work_seconds, speed.sound_seconds = (list(column) for column in zip(*pairs))
    return speeds


def _child(
    name: str, threads: int, runs: int, options: argparse.Namespace
) -> tuple[list[tuple[float, float]], float, float]:
    """Run this file as a fresh process that speaks.

    Returns:
        What it measured (work and sound, seconds), its seconds from start to end, and its peak
        resident megabytes.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, __file__, "--speak", name, "--threads", str(threads)]
    command += ["--runs", str(runs)]
    for option in ("model", "kokoro_voices"):
        if value := getattr(options, option):
            command += [f"--{option.replace('_', '-')}", str(value)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode} from: {' '.join(command)}")
    per_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return json.loads(output.splitlines()[-1]), seconds, usage.ru_maxrss / per_megabyte


def speak(name: str, setting: Setting, runs: int) -> Iterable[tuple[float, float]]:
    """Speak once, and `runs` times more under the clock: seconds of work and of sound."""
    system = SYSTEMS[name].open(setting)
    system(TEN_WORDS, 0)
    for turn in range(runs):
        started = time.perf_counter()
        audio = system(TEN_WORDS, turn)
        yield time.perf_counter() - started, len(audio) / system.sample_rate


def rows_of(speeds: dict[tuple[str, int], Speed]) -> list[list]:
    """Rows of a table: system, threads, and four measures with intervals."""
    return [
        [
            name,
            threads,
            speed.real_time_factor,
            interval(speed.cold_seconds),
            interval(speed.peak_megabytes),
            len(speed.work_seconds),
        ]
        for (name, threads), speed in speeds.items()
    ]


COLUMNS = ("system", "threads", "real-time factor", "cold start, s", "peak memory, MB", "n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--output", type=Path, metavar="OUT", help="also write the numbers there")
    parser.add_argument("--speak", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.speak:
        setting = Setting(options.threads[0], options.model, options.kokoro_voices)
        print(json.dumps(list(speak(options.speak, setting, options.runs))))
        return
    load = os.getloadavg()[0]
    names, absent = present(options)
    speeds = measure(names, options)
    print_table(
        f"Ten words, text to sound; load average before {load:.1f} (should be near 0)",
        COLUMNS,
        rows_of(speeds),
    )
    for name, cure in absent.items():
        print(f"{name}: left out; {cure}")
    write_numbers(
        options.output,
        [{"system": n, "threads": t, **asdict(speed)} for (n, t), speed in speeds.items()],
    )


if __name__ == "__main__":
    main()
