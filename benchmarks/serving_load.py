"""How does the server bear many clients at once?

    python benchmarks/serving_load.py
    python benchmarks/serving_load.py --clients 1 4 --requests 40 --workers 1

Starts `affecttts serve` on loopback and asks it for sentences of mixed length and format; one
request in twenty is a bad one, and one in twenty hangs up after the first bytes. Afterwards a
sample of the whole answers is asked for again of a `Synthesizer` in this process, with the same
seeds: the samples must be the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from affecttts.cli.script import run_script, script_parser
from affecttts.errors import InputError
from affecttts.evaluation.report.terminal import print_table, write_numbers
from affecttts.evaluation.stats.bootstrap import median_interval

TEXTS = (
    "Yes, of course.",
    "She left her green bag beside the old kitchen door.",
    "We walked along the river until the lights went out, and then we turned round and went home.",
)
FORMATS = ("pcm", "wav", "mp3", "opus", "flac")
BAD, GONE = 0.05, 0.05
SAMPLE = 10  # answers a level that are spoken again
COLUMNS = (
    "clients", "n", "whole", "refused as bad", "503", "hung up", "lost",
    "first bytes, median s", "95 % below, s", "speech per second", "server MB",
)  # fmt: skip


@dataclass
class Level:
    """What happened with so many clients.

    Attributes:
        outcomes: how many answers were whole, bad, busy, gone or lost.
        first_bytes: seconds to the first bytes of whole answers.
        speech: seconds of PCM speech that came whole, of `wall` seconds.
        kept: request and answer of PCM answers.
    """

    clients: int
    outcomes: Counter[str] = field(default_factory=Counter)
    first_bytes: list[float] = field(default_factory=list)
    speech: float = 0.0
    wall: float = 0.0
    megabytes: float = 0.0
    kept: list[tuple[dict, bytes]] = field(default_factory=list)


def plan(count: int, seed: int) -> list[tuple[str, dict]]:
    """Kinds of request ("whole", "bad", "gone") and their bodies."""
    draw = random.Random(seed)
    calls = []
    for number in range(count):
        chance = draw.random()
        kind = "bad" if chance < BAD else "gone" if chance < BAD + GONE else "whole"
        body = {
            "input": draw.choice(TEXTS),
            "emotion": draw.choice(("neutral", "happy", "sad", "angry")),
            "response_format": draw.choice(FORMATS),
            "seed": number,
        }
        calls.append((kind, body | ({"voice": "nobody"} if kind == "bad" else {})))
    return calls


async def ask(client: httpx.AsyncClient, kind: str, body: dict, level: Level) -> None:
    """One request; what came of it is counted."""
    started, first, data = time.perf_counter(), None, bytearray()
    try:
        async with client.stream("POST", "/v1/audio/speech", json=body) as answer:
            async for piece in answer.aiter_bytes():
                first = first or time.perf_counter() - started
                data += piece
                if kind == "gone":
                    level.outcomes["gone"] += 1
                    return
    except httpx.HTTPError:
        level.outcomes["lost"] += 1
        return
    if answer.status_code == 503:
        level.outcomes["busy"] += 1
    elif answer.status_code != (400 if kind == "bad" else 200):
        level.outcomes["lost"] += 1
    else:
        level.outcomes[kind] += 1
        if kind == "whole":
            level.first_bytes.append(first or 0.0)
            if body["response_format"] == "pcm":
                level.kept.append((body, bytes(data)))
                level.speech += len(data) / 2 / int(answer.headers["x-sample-rate"])


async def load(url: str, clients: int, calls: list[tuple[str, dict]]) -> Level:
    """All calls, `clients` of them at any time."""
    level, waiting = Level(clients), list(reversed(calls))

    async def one() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=300) as client:
            while waiting:
                await ask(client, *waiting.pop(), level)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    level.wall = time.perf_counter() - started
    return level


def crossed(level: Level) -> int:
    """How many of a sample of answers are not what was asked for."""
    from affecttts import Synthesizer

    synthesizer, wrong = Synthesizer.from_pretrained(), 0
    for body, data in level.kept[:SAMPLE]:
        said = synthesizer.synthesize(body["input"], emotion=body["emotion"], seed=body["seed"])
        heard = np.frombuffer(data, "<i2") / 32768
        wrong += len(heard) != len(said.audio) or bool(np.abs(heard - said.audio).max() > 1e-3)
    return wrong


def resident(pid: int) -> float:
    """Megabytes of a process, NaN where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1000


def measured(arguments: argparse.Namespace) -> list[Level]:
    """A server's life under every number of clients in turn."""
    command = [sys.executable, "-m", "affecttts", "serve", "--port", "0", "--deadline", "300"]
    command += ["--workers", str(arguments.workers), "--waiting", str(max(arguments.clients))]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    levels = []
    try:
        line = server.stderr.readline() if server.stderr else ""
        if not (found := re.search(r"http://\S+", line)):
            raise InputError(f"the server did not start: {line.strip()}")
        for clients in arguments.clients:
            calls = plan(arguments.requests, clients)
            level = asyncio.run(load(found[0], clients, calls))
            level.megabytes = resident(server.pid)
            levels.append(level)
    finally:
        server.terminate()
        server.wait()
    return levels


def row(level: Level) -> list:
    """One line of the table."""
    counts = [level.outcomes[name] for name in ("whole", "bad", "busy", "gone", "lost")]
    slow = float(np.quantile(level.first_bytes, 0.95)) if level.first_bytes else float("nan")
    rate = level.speech / level.wall * len(FORMATS)  # one format in so many is counted
    middle = median_interval(level.first_bytes)
    return [level.clients, sum(counts), *counts, middle, slow, rate, round(level.megabytes)]


def main() -> int:
    """Measure, check and print."""
    parser = script_parser(__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 32])
    parser.add_argument("--requests", type=int, default=500, help="for each number of clients")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, metavar="JSON")
    arguments = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    levels = measured(arguments)
    rows = [row(level) for level in levels]
    print_table(f"{arguments.workers} worker(s), loopback", COLUMNS, rows)
    wrong = sum(map(crossed, levels))
    checked = sum(min(SAMPLE, len(level.kept)) for level in levels)
    print(f"\n{wrong} of {checked} answers differ from what a Synthesizer says")
    write_numbers(arguments.output, [dict(zip(COLUMNS, values)) for values in rows])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run_script(main))
