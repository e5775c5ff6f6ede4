"""How does an emotion move a voice in a corpus? Clips beside neutral ones of the same text and
speaker: shifts of pitch, range, rate, level and tilt, for the package's corpus_shifts.json.

    python recipes/corpora/measure_shifts.py --manifest corpus/emotive/manifest.jsonl

A cell (emotion x measure x voice) is clear where the mean shift exceeds the standard deviation of
its pairs; `affecttts evaluate tts` judges only clear cells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.evaluation.report.terminal import print_table, progress
from affecttts.evaluation.resources import CORPUS_SHIFTS
from affecttts.evaluation.signal.acoustics import SHIFTS, acoustics, letters
from affecttts.evaluation.speech.shifts import (
    ALL_VOICES,
    NEUTRAL,
    Pair,
    Spoken,
    summarize,
    twins,
    write_cells,
)
from codec.audio import read_samples


def corpus_pairs(manifest: Path) -> list[Pair]:
    """Measure every clip that has a neutral clip of the same text and speaker."""
    rows = [row for row in read_manifest(manifest) if row.emotion and row.text]
    heard = {(row.speaker, row.text) for row in rows if row.emotion == NEUTRAL}
    said = {(row.speaker, row.text) for row in rows if row.emotion != NEUTRAL}

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


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, metavar="M", help="of the corpus")
    parser.add_argument(
        "--output", type=Path, default=CORPUS_SHIFTS, metavar="JSON", help="where the shifts go"
    )
    options = parser.parse_args()
    pairs = corpus_pairs(options.manifest)
    cells = summarize(pairs)
    write_cells(
        options.output,
        cells,
        f"emotive corpus, all splits, {len(pairs)} pairs of the same text and speaker",
    )
    single = [cell for (_, voice, _), cell in cells.items() if voice != ALL_VOICES]
    emotions = dict.fromkeys(emotion for emotion, _, _ in cells)
    print_table(
        f"{len(pairs)} pairs: mean shift +- deviation; {sum(c.clear for c in single)} of "
        f"{len(single)} cells (emotion x voice x measure) are clear",
        ["emotion", *(f"{name}, {unit}" for name, unit in SHIFTS.items())],
        [
            [e, *("{:+.1f} +- {:.1f}".format(*cells[e, ALL_VOICES, name]) for name in SHIFTS)]
            for e in emotions
        ],
    )


if __name__ == "__main__":
    main()
