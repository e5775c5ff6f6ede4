"""Does the voice move as the emotion does in the corpus? Same words, voice and seed, neutral
against each emotion.

    python benchmarks/emotion.py --cache clips                    # 10 sentences x 4 voices
    python benchmarks/emotion.py --limit 1 --ordering 1           # a quick look
    # writes affecttts/evaluation/data/corpus_shifts.json
    python benchmarks/emotion.py --measure-corpus DIR

A cell (emotion x measure x voice) is clear where the corpus's mean shift exceeds the standard
deviation of its pairs; only clear cells are judged.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    AFFECTED,
    VOICES,
    Clip,
    Request,
    Studio,
    arguments,
    print_table,
    progress,
    studio,
    write_json,
)

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.evaluation.resources import CORPUS_SHIFTS, sentences
from affecttts.evaluation.signal.acoustics import SHIFTS, Acoustics, acoustics, letters, shift
from affecttts.evaluation.speech.shifts import (
    ALL_VOICES,
    Cells,
    Pair,
    Spoken,
    ordered_cells,
    read_cells,
    right_cells,
    right_pairs,
    strengths,
    summarize,
    twins,
    write_cells,
)
from affecttts.evaluation.stats.bootstrap import interval
from codec.audio import read_samples

ORDERED_INTENSITIES = (0.5, 1.0, 1.5)


def measure(clip: Clip) -> Acoustics:
    """Acoustics of a clip, rate in letters per second."""
    return acoustics(clip.audio, clip.sample_rate, letters(clip.request.text))


def model_pairs(
    synthesize: Studio, texts: Sequence[str], emotions: Sequence[str], intensity: float = 1.0
) -> list[Pair]:
    """Shifts of each text x voice x emotion from the neutral clip of the same text, voice and
    seed.
    """
    requests = [Request(text, "neutral", voice) for text in texts for voice in VOICES]
    neutral = {
        (c.request.text, c.request.voice): measure(c) for c in synthesize.all(requests, "neutral")
    }
    requests = [
        Request(r.text, emotion, r.voice, intensity) for r in requests for emotion in emotions
    ]
    return [
        Pair(
            clip.request.emotion,
            clip.request.voice,
            shift(neutral[clip.request.text, clip.request.voice], measure(clip)),
        )
        for clip in synthesize.all(requests, f"intensity {intensity}")
    ]


def shift_rows(model: Cells, corpus: Cells) -> list[list[str]]:
    """One row per emotion: 'model / corpus' for each measure, voices together, a star where
    clear.
    """

    def entry(emotion: str, name: str) -> str:
        cell = corpus[emotion, ALL_VOICES, name]
        return (
            f"{model[emotion, ALL_VOICES, name].mean:+.1f} / "
            f"{cell.mean:+.1f}{'*' if cell.clear else ''}"
        )

    return [[emotion, *(entry(emotion, name) for name in SHIFTS)] for emotion in AFFECTED]


def corpus_pairs(corpus: Path) -> list[Pair]:
    """Measure every clip of the emotive part that has a neutral clip of the same text and speaker.

    Args:
        corpus: folder with `emotive/manifest.jsonl`.
    """
    manifest = corpus / "emotive" / "manifest.jsonl"
    rows = list(read_manifest(manifest))
    heard = {(row.speaker, row.text) for row in rows if row.emotion == "neutral"}
    said = {(row.speaker, row.text) for row in rows if row.emotion != "neutral"}

    def spoken(row: Utterance) -> Spoken:
        audio, sample_rate = read_samples(audio_path(manifest, row), row.start, row.seconds)
        return Spoken(
            row.emotion,
            row.speaker,
            row.text,
            acoustics(audio[:, 0], sample_rate, letters(row.text)),
        )

    return twins(
        spoken(row)
        for row in progress(
            [r for r in rows if (r.speaker, r.text) in heard & said], "corpus pairs"
        )
    )


def measure_corpus(corpus: Path) -> None:
    """Write the corpus's shifts to the package's data and print them."""
    pairs = corpus_pairs(corpus)
    cells = summarize(pairs)
    write_cells(
        CORPUS_SHIFTS,
        cells,
        f"emotive corpus, all splits, {len(pairs)} pairs of the same text and speaker",
    )
    single = [cell for (_, voice, _), cell in cells.items() if voice != ALL_VOICES]
    print_table(
        f"Corpus, {len(pairs)} pairs: mean shift +- deviation; {sum(c.clear for c in single)} of "
        f"{len(single)} "
        "emotion x voice x measure cells are clear",
        ["emotion", *(f"{name}, {unit}" for name, unit in SHIFTS.items())],
        [
            [e, *("{:+.1f} +- {:.1f}".format(*cells[e, ALL_VOICES, name]) for name in SHIFTS)]
            for e in AFFECTED
        ],
    )


def summary(
    synthesize: Studio, texts: Sequence[str], ordering: int
) -> tuple[Cells, dict[str, tuple[int, Any]]]:
    """All of the benchmark's numbers: the cells, and name -> (n, value).

    Args:
        synthesize: where clips come from.
        texts: sentences for the comparison with the corpus.
        ordering: how many of them are also spoken at the other intensities.
    """
    corpus = read_cells()
    pairs = model_pairs(synthesize, texts, AFFECTED)
    cells = summarize(pairs)
    steps = [
        summarize(model_pairs(synthesize, texts[:ordering], AFFECTED, x))
        for x in ORDERED_INTENSITIES
    ]
    ratios = strengths(cells, corpus)
    shares = {
        "right sign, share of clear cells": right_cells(cells, corpus),
        "right sign, share of single shifts in clear cells": right_pairs(pairs, corpus),
        f"ordered 0.5 < 1.0 < 1.5, share of clear cells ({ordering} sentences)": ordered_cells(
            steps, corpus
        ),
    }
    rows = {name: (len(values), interval(values)) for name, values in shares.items()}
    return cells, {**rows, "median shift, model / corpus": (len(ratios), float(np.median(ratios)))}


def parse() -> argparse.Namespace:
    """Command line."""
    parser = arguments(__doc__.splitlines()[0], limit=10)
    parser.add_argument(
        "--ordering",
        type=int,
        default=4,
        metavar="N",
        help="sentences for the order of intensities",
    )
    parser.add_argument(
        "--measure-corpus", type=Path, metavar="DIR", help="measure the training corpus and stop"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    options = parse()
    if options.measure_corpus:
        measure_corpus(options.measure_corpus)
        return
    texts = [row["text"] for row in sentences("normal")][: options.limit]
    cells, numbers = summary(studio(options), texts, options.ordering)
    print_table(
        f"Mean shift from neutral, model / corpus (* = clear in the corpus), {len(texts)} "
        "sentences x "
        f"{len(VOICES)} voices",
        ["emotion", *(f"{name}, {unit}" for name, unit in SHIFTS.items())],
        shift_rows(cells, read_cells()),
    )
    print_table(
        "Against the corpus's parallel clips; judge: acoustic measures",
        ["measure", "n", "value [95 %]"],
        [[name, n, value] for name, (n, value) in numbers.items()],
    )
    write_json(options.json, numbers)


if __name__ == "__main__":
    main()
