"""Corpora side by side: F0, range, rate, level and tilt by emotion, word errors and DNSMOS. Of the
same rules they must agree.

    python recipes/corpora/corpus_twins.py corpus/emotive /elsewhere/emotive --limit 400

Each corpus is a folder with manifest.jsonl. What is measured of an emotion is its shift from the
speaker's neutral clips, so that corpora of other voices can be compared.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.data.splits import evenly
from affecttts.emotion.table import load_emotions
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.words import WordJudge
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.signal.acoustics import SHIFTS, Acoustics, acoustics, letters, shift
from affecttts.evaluation.speech.shifts import NEUTRAL
from affecttts.evaluation.stats.bootstrap import Interval, interval, ratio_interval
from codec.audio import load_audio

RATE = 24_000  # Hz


def drawn(corpus: Path, limit: int) -> list[Utterance]:
    """`limit` labelled rows with a text, evenly from the whole manifest."""
    rows = [row for row in read_manifest(corpus / "manifest.jsonl") if row.text and row.emotion]
    return evenly(rows, limit)


def shifts_by_emotion(
    measured: list[tuple[Utterance, Acoustics]],
) -> dict[str, dict[str, Interval | int]]:
    """Mean shift of every measure from the mean of the speaker's neutral clips, by emotion, and of
    how many clips.
    """
    neutral = defaultdict(list)
    for row, values in measured:
        if row.emotion == NEUTRAL:
            neutral[row.speaker].append(values)
    bases = {speaker: _mean(values) for speaker, values in neutral.items()}
    found = defaultdict(list)
    for row, values in measured:
        if row.speaker in bases:
            found[row.emotion].append(shift(bases[row.speaker], values))
    return {emotion: _mean_shift(shifts) for emotion, shifts in found.items()}


def _mean_shift(shifts: list[dict[str, float]]) -> dict[str, Interval | int]:
    return {"clips": len(shifts)} | {
        name: interval([values[name] for values in shifts]) for name in SHIFTS
    }


def _mean(values: list[Acoustics]) -> Acoustics:
    columns = zip(*(asdict(value).values() for value in values))
    return Acoustics(*(float(np.nanmean(column)) for column in columns))


def describe(corpus: Path, limit: int, judged: int, threads: int) -> dict:
    """Everything that is printed of one corpus."""
    words, sound = WordJudge(threads), SoundJudge(threads)
    measured, errors, scores = [], [], []
    for index, row in enumerate(progress(drawn(corpus, limit), corpus.name)):
        audio = load_audio(
            audio_path(corpus / "manifest.jsonl", row), RATE, row.start, row.seconds
        ).samples
        measured.append((row, acoustics(audio, RATE, letters(row.text))))
        if index % max(1, limit // judged) == 0:
            counts = words(audio, RATE, row.text)
            errors.append((counts.errors, counts.words))
            scores.append(sound(audio, RATE))
    wrong, spoken = zip(*errors)
    return {
        "clips": len(measured),
        "judged": len(scores),
        "shifts": shifts_by_emotion(measured),
        "word_error_percent": ratio_interval([100 * count for count in wrong], spoken),
        "dnsmos": interval(scores),
    }


def rows_of(found: dict[str, dict]) -> Iterator[list]:
    """Table rows: an emotion and a measure, one column a corpus."""
    known = {name for corpus in found.values() for name in corpus["shifts"]}
    for emotion in load_emotions().ids:
        if emotion == NEUTRAL or emotion not in known:
            continue
        for measure, unit in {"clips": "", **SHIFTS}.items():
            shifts = (
                corpus["shifts"].get(emotion, {}).get(measure, "") for corpus in found.values()
            )
            yield [f"{emotion} {measure}" + (f", {unit}" if unit else ""), *shifts]
    yield ["clips judged", *(corpus["judged"] for corpus in found.values())]
    yield ["word errors, %", *(corpus["word_error_percent"] for corpus in found.values())]
    yield ["DNSMOS overall", *(corpus["dnsmos"] for corpus in found.values())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "corpora", nargs="+", type=Path, metavar="CORPUS", help="folder with manifest.jsonl"
    )
    parser.add_argument(
        "--limit", type=int, default=400, help="clips measured of each (default 400)"
    )
    parser.add_argument(
        "--judged",
        type=int,
        default=60,
        help="of them heard by the word and sound judges (default 60)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the judges")
    options = parser.parse_args()
    found = {
        str(corpus): describe(corpus, options.limit, options.judged, options.threads)
        for corpus in options.corpora
    }
    print_table(
        "Mean shift from the speaker's neutral clips [95 %]", ["", *found], list(rows_of(found))
    )
    write_numbers(options.output, found)


if __name__ == "__main__":
    main()
