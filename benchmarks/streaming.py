"""How early does sound come, and what does streaming cost?

    python benchmarks/streaming.py
    python benchmarks/streaming.py --sentences 20 --timestamps --speeds 0.5 0.75 1.5 2

Prints, over the sentences of peer_sentences.jsonl: processor and wall-clock seconds to the first
chunk of a warm model, the work of streaming over the work of the same codes decoded at once, and
how often a player would have run dry. In place of that, `--timestamps` compares the borders of
words with a forced alignment of the sound, and `--speeds` the rates asked for with those got.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from affecttts.adaptation.replay import fit_aligner, open_base_data
from affecttts.data.alignment.likelihoods import load_phone_classifier, phone_likelihoods
from affecttts.data.alignment.units import ENGLISH
from affecttts.errors import run_command
from affecttts.evaluation.report.terminal import print_table
from affecttts.evaluation.stats.bootstrap import median_interval, ratio_interval
from affecttts.machine import torch_threads
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.result import SpeechResult
from affecttts.synthesis.speaker import UNIT_SECONDS
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.timing import written_words
from codec.files import fingerprint

SENTENCES = Path(__file__).with_name("peer_sentences.jsonl")
SEED = 0


def read_sentences(count: int) -> list[str]:
    """The first sentences."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()[:count]
    return [json.loads(line)["text"] for line in lines]


def streamed(synthesizer: Synthesizer, text: str) -> dict[str, float]:
    """Times of one request, in chunks and with one decoding at the end, in processor seconds."""
    wall, begin = time.perf_counter(), time.process_time()
    arrivals, first_wall = [], 0.0
    for chunk in synthesizer.stream(text, seed=SEED):
        first_wall = first_wall or time.perf_counter() - wall
        arrivals.append((time.process_time() - begin, chunk.start))
    work = time.process_time() - begin
    result = synthesizer.synthesize(text, seed=SEED)
    first = arrivals[0][0]
    return {
        "first": first,
        "first_wall": first_wall,
        "work": work,
        "whole": work - decoding(synthesizer, result, True) + decoding(synthesizer, result, False),
        "sound": result.seconds,
        "dry": float(any(came > first + start for came, start in arrivals)),
    }


def decoding(synthesizer: Synthesizer, result: SpeechResult, pieces: bool) -> float:
    """Processor seconds of decoding the codes of a result, in pieces as streams do or at once."""
    import torch

    from codec.streaming import StreamingDecoder

    codec = synthesizer.codec
    codes = torch.from_numpy(result.codes)[None]
    size = max(1, round(UNIT_SECONDS * codec.config.frame_rate))
    with torch_threads(1):
        begin = time.process_time()
        if pieces:
            decoder = StreamingDecoder(codec)
            for start in range(0, codes.shape[-1], size):
                decoder.push(codes[..., start : start + size])
            decoder.finish()
        else:
            codec.decode(codes)
        return time.process_time() - begin


def latency(synthesizer: Synthesizer, texts: Sequence[str]) -> None:
    """Print the table of times."""
    streamed(synthesizer, texts[0])  # warm
    rows = [streamed(synthesizer, text) for text in texts]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    table = [
        ["first chunk, processor s", median_interval(columns["first"])],
        ["first chunk, wall-clock s", median_interval(columns["first_wall"])],
        ["work / sound", median_interval(columns["work"] / columns["sound"])],
        ["streamed / whole", median_interval(columns["work"] / columns["whole"])],
        ["share that runs dry", float(columns["dry"].mean())],
    ]
    print_table(f"{len(texts)} sentences, warm", ["", "median"], table)


def timestamps(synthesizer: Synthesizer, texts: Sequence[str]) -> None:
    """Print how far the borders of words are from those of a forced alignment of the sound."""
    folder, rate = synthesizer.folder, synthesizer.codec.config.frame_rate
    classifier = load_phone_classifier(folder / "phone_classifier", ENGLISH)
    base = open_base_data(folder, synthesizer.voices, fingerprint(folder / "codec"))
    aligner, errors = fit_aligner(base, rate), []
    for text in texts:
        prepared, pieces = synthesizer.prepare(SpeechRequest(text, seed=SEED)), []
        chunks = list(synthesizer.start(prepared, on_piece=pieces.append))
        if len(pieces) > 1:
            continue
        audio, frames = np.concatenate([chunk.audio for chunk in chunks]), sum(pieces[0].counts)
        recording = audio, chunks[0].sample_rate
        sounds = phone_likelihoods(classifier, ENGLISH, *recording, frames, rate)
        aligned = aligner.align(sounds, ENGLISH.classes(prepared.phones[0])).counts
        own, other = (np.cumsum([0, *counts]) / rate for counts in (pieces[0].counts, aligned))
        (words,) = written_words(text, prepared.pieces)
        borders = [border for word in words for border in word.blocks]
        errors += (1000 * np.abs(own - other)[borders]).tolist()
    table = [
        ["error, ms", median_interval(errors)],
        ["share below 50 ms", float(np.mean(np.array(errors) < 50))],
        ["share below 100 ms", float(np.mean(np.array(errors) < 100))],
    ]
    print_table(f"{len(errors)} borders of words", ["", "median"], table)


def rates(synthesizer: Synthesizer, texts: Sequence[str], speeds: Sequence[float]) -> None:
    """Print how fast the words come beside speed 1, from the first one to the last."""
    usual = [_spoken_seconds(synthesizer, text, 1.0) for text in texts]
    table = []
    for speed in speeds:
        changed = [_spoken_seconds(synthesizer, text, speed) for text in texts]
        table.append([f"{speed:g}", ratio_interval(usual, changed)])
    print_table(f"{len(texts)} sentences", ["speed asked", "got"], table)


def _spoken_seconds(synthesizer: Synthesizer, text: str, speed: float) -> float:
    words = synthesizer.synthesize(text, seed=SEED, speed=speed).words
    return words[-1].end - words[0].start


def run(arguments: argparse.Namespace) -> int:
    """Measure; returns the exit code."""
    synthesizer, texts = Synthesizer.from_pretrained(arguments.model), read_sentences(arguments.n)
    if arguments.speeds:
        rates(synthesizer, texts, arguments.speeds)
    if arguments.timestamps:
        timestamps(synthesizer, texts)
    if not arguments.timestamps and not arguments.speeds:
        latency(synthesizer, texts)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (default: shipped)")
    parser.add_argument("--sentences", dest="n", type=int, default=60, metavar="N")
    parser.add_argument("--timestamps", action="store_true", help="check the times of words")
    parser.add_argument("--speeds", type=float, nargs="+", metavar="X", help="check these speeds")
    arguments = parser.parse_args(argv)
    return run_command(lambda: run(arguments), "streaming.py")


if __name__ == "__main__":
    sys.exit(main())
