"""What do the three modules keep of an emotion? A codec trained with them beside one trained
without, clip by clip.

    python benchmarks/retention.py --on ALL/codec --off NONE/codec --corpus DIR \\
        --unseen am_onyx bf_emma
    # seeds, paired in this order
    python benchmarks/retention.py --on ALL0/codec ALL1/codec --off NONE0/codec NONE1/codec ...
    python benchmarks/retention.py ... \\
        --judge affecttts.evaluation.judges.emotion:load_emotion_judge:acoustic

Three groups of clips: sentences that are not in the training split, voices that neither codec was
trained on (--unseen names them, all of their clips are used), and human recordings outside the
training split. A judge is MODULE:FACTORY[:ARGUMENT]: what the factory returns takes audio [T] and
its rate and gives probabilities, in the order of its `labels` where it has any. Words are Whisper
tiny.en's, of clips with a transcript. Probes read the emotion from Q1 alone, on speakers that they
were not fitted to. Of several seeds everything is the mean; the intervals are over clips, those of
the probes over speakers, and each seed's own difference stands beside them.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from codec_quality import reconstruct
from common import print_table, progress, write_json

from affecttts.data.audio_cache import AudioCache, CachedClip, f0_world
from affecttts.evaluation.codec.fidelity import compare_pitch, level_correlation
from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.stats.bootstrap import (
    Interval,
    difference_interval,
    ends,
    interval,
    ratio_interval,
    resamples,
)
from affecttts.evaluation.tokens.probes import ProbeAnswers, emotion_probes, probe_items
from affecttts.teachers.lessons import Lessons, lessons_for

PARTS = ("emotive", "voices", "human")  # of the corpus
SIDES = ("off", "on")
Judge = Callable[[np.ndarray, int], np.ndarray]  # audio [T] and Hz -> probabilities [E]
# measure -> off, on, on - off as `Interval`s, and "by seed" the differences alone
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Hearing:
    """What a signal sounds like."""

    audio: np.ndarray  # float32 [T]
    f0: np.ndarray  # Hz, 0 = unvoiced
    probabilities: dict[str, np.ndarray]  # judge -> [E]
    words: WordCounts | None  # None without a transcript or a word judge


@dataclass(frozen=True)
class Ears:
    """Everything that listens."""

    judges: dict[str, Judge] = field(default_factory=dict)
    words: WordJudge | None = None

    def hear(self, audio: np.ndarray, clip: CachedClip, cache: AudioCache) -> Hearing:
        """Listen to a clip or to a copy of it, [T]."""
        rate, text = cache.sample_rate, clip.utterance.text
        return Hearing(
            audio,
            f0_world(audio, rate, cache.hop_length),
            {name: judge(audio, rate) for name, judge in self.judges.items()},
            self.words(audio, rate, text) if self.words and text else None,
        )


def load_judge(name: str) -> Judge:
    """MODULE:FACTORY[:ARGUMENT] -> what the factory makes."""
    module, factory, *argument = name.split(":", 2)
    return getattr(importlib.import_module(module), factory)(*argument)


def groups(cache: AudioCache, unseen: Sequence[str], limit: int) -> dict[str, list[CachedClip]]:
    """At most `limit` clips of every group, spread evenly."""
    clips = {
        "sentences not in training": [
            c for c in cache.clips if c.utterance.emotion and c.utterance.split != "train"
        ],
        "voices not in training": [c for c in cache.clips if c.utterance.speaker in unseen],
        "human recordings not in training": [
            c for c in cache.clips if not c.utterance.emotion and c.utterance.split != "train"
        ],
    }
    picks = {
        name: np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(int)
        for name, found in clips.items()
    }
    return {name: [found[pick] for pick in picks[name]] for name, found in clips.items() if found}


@dataclass(frozen=True)
class Heard:
    """A group of clips as heard: the originals, and per side and seed the copies, all in one
    order.
    """

    original: list[Hearing]
    copies: dict[str, list[list[Hearing]]]  # side -> [seed][clip]


def listen(
    codecs: dict[str, list[Any]], cache: AudioCache, clips: Sequence[CachedClip], ears: Ears
) -> Heard:
    """Hear the originals and the copies of every codec (side -> one per seed)."""
    heard = Heard([], {side: [[] for _ in seeds] for side, seeds in codecs.items()})
    for clip in progress(clips, "clips"):
        audio = cache.audio(clip)
        heard.original.append(ears.hear(audio, clip, cache))
        for side, seeds in codecs.items():
            for place, codec in enumerate(seeds):
                heard.copies[side][place].append(
                    ears.hear(reconstruct(codec, audio, None)[0], clip, cache)
                )
    return heard


def likeness(original: Hearing, copy: Hearing, hop: int) -> dict[str, float]:
    """How near a copy is to its original; not-a-number where too little is voiced to tell."""
    correlation, cents, _ = compare_pitch(original.f0, copy.f0)
    measures = {
        "log-F0 correlation": correlation,
        "F0 error, cents": cents,
        "level correlation": level_correlation(original.audio, copy.audio, hop),
    }
    for judge, first in original.probabilities.items():
        second = copy.probabilities[judge]
        measures[f"{judge}: same emotion, %"] = 100.0 * (first.argmax() == second.argmax())
        measures[f"{judge}: probability moved, %"] = 50.0 * float(np.abs(first - second).sum())
    return measures


def likeness_rows(heard: Heard, hop: int) -> Rows:
    """Means over clips and seeds, differences paired by clip."""
    scores = {
        side: [[likeness(*pair, hop) for pair in zip(heard.original, copies)] for copies in seeds]
        for side, seeds in heard.copies.items()
    }
    rows = {}
    for name in scores["on"][0][0]:
        off, on = (
            np.array([[score[name] for score in seed] for seed in scores[side]]) for side in SIDES
        )
        rows[name] = {
            "off": interval(off.mean(0)),
            "on": interval(on.mean(0)),
            "difference": interval((on - off).mean(0)),
            "by seed": [interval(difference).mean for difference in on - off],
        }
    return rows


def word_rows(heard: Heard) -> Rows:
    """Word error rates and their paired difference; nothing without transcripts."""
    spoken = [place for place, hearing in enumerate(heard.original) if hearing.words]
    if not spoken:
        return {}
    words = np.array([heard.original[place].words.words for place in spoken])
    off, on = (
        100.0
        * np.array(
            [[copies[place].words.errors for place in spoken] for copies in heard.copies[side]]
        )
        for side in SIDES
    )
    row = {"off": ratio_interval(off.mean(0), words), "on": ratio_interval(on.mean(0), words)}
    row["difference"] = difference_interval(on.mean(0), off.mean(0), words)
    return {
        "word errors, %": row
        | {"by seed": [float(value) for value in (on - off).sum(1) / words.sum()]}
    }


def affect_rows(heard: Heard, judges: dict[str, Judge]) -> Rows:
    """Correlation over clips of the arousal and the valence that a judge's probabilities make of
    originals and copies.
    """
    from affecttts.emotion.table import load_emotions

    rows, table = {}, load_emotions()
    for name, judge in judges.items():
        if not set(getattr(judge, "labels", ("",))) <= set(table.ids):
            continue
        for index, axis in enumerate(("valence", "arousal")):
            place = np.array([table.get(label).vad[index] for label in judge.labels])
            original = _told(heard.original, name, place)
            statistics = {
                side: [_Likeness(original, _told(copies, name, place)) for copies in seeds]
                for side, seeds in heard.copies.items()
            }
            rows[f"{name}: {axis} correlation"] = both(
                statistics["off"], statistics["on"], np.arange(len(original))
            )
    return rows


def _told(hearings: Sequence[Hearing], judge: str, place: np.ndarray) -> np.ndarray:
    """What a judge's probabilities make of each hearing on one axis: [N]."""
    return np.array([hearing.probabilities[judge] @ place for hearing in hearings])


@dataclass(frozen=True)
class _Likeness:
    """Correlation of two rows of numbers over the clips that are picked; not-a-number where one
    does not vary.
    """

    first: np.ndarray  # [N]
    second: np.ndarray  # [N]

    def __call__(self, picks: np.ndarray) -> float:
        first, second = self.first[picks], self.second[picks]
        return (
            float(np.corrcoef(first, second)[0, 1])
            if first.std() and second.std()
            else float("nan")
        )


def probe_rows(
    off: Sequence[dict[str, ProbeAnswers]], on: Sequence[dict[str, ProbeAnswers]]
) -> Rows:
    """Recall of the probes on Q1, one set of answers per seed, paired by utterance; the intervals
    are over speakers.
    """
    return {
        name: both(
            [answers[name].recall for answers in off],
            [answers[name].recall for answers in on],
            on[0][name].speakers,
        )
        for name in on[0]
    }


Statistic = Callable[[np.ndarray], float]  # of picked clips, int [n]


def both(off: Sequence[Statistic], on: Sequence[Statistic], groups: np.ndarray) -> dict[str, Any]:
    """Statistics of clips, one per seed: their means and paired difference, with bootstrap
    intervals.

    Args:
        groups: [N], which of the clips are drawn together, such as those of a speaker.
    """
    everything = np.arange(len(groups))
    members = [everything[groups == group] for group in np.unique(groups)]
    draws = resamples(len(members))
    picks = [everything, *(np.concatenate([members[place] for place in draw]) for draw in draws)]
    values = np.array([[[told(pick) for told in side] for side in (off, on)] for pick in picks])
    means = values.mean(-1)
    columns = {"off": means[:, 0], "on": means[:, 1], "difference": means[:, 1] - means[:, 0]}
    rows = {name: Interval(float(x[0]), *ends(x[1:])) for name, x in columns.items()}
    return rows | {"by seed": [float(value) for value in values[0, 1] - values[0, 0]]}


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--on",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="codecs trained with the modules",
    )
    parser.add_argument(
        "--off", type=Path, nargs="+", required=True, metavar="DIR", help="as many trained without"
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with emotive, voices and human",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="decoded audio of these three, in this order; made if missing",
    )
    parser.add_argument(
        "--unseen",
        nargs="+",
        default=[],
        metavar="SPEAKER",
        help="voices that no codec was trained on",
    )
    parser.add_argument(
        "--judge",
        action="append",
        default=[],
        metavar="M:F[:A]",
        help="emotion classifier; may be repeated",
    )
    parser.add_argument("--limit", type=int, default=60, metavar="N", help="clips of each group")
    parser.add_argument(
        "--probe-clips",
        type=int,
        default=400,
        metavar="N",
        help="utterances for the probes; 0 = no probes",
    )
    parser.add_argument(
        "--taught",
        action="store_true",
        help="the probes read what codecs with modules encode with their teachers",
    )
    parser.add_argument("--no-words", action="store_true", help="leave out the word judge")
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads of the codecs and the judges"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    import torch

    from codec import Codec

    options = parse()
    torch.set_num_threads(options.threads)
    if len(options.on) != len(options.off):
        raise SystemExit(
            f"--on names {len(options.on)} codecs and --off {len(options.off)}: give "
            "one of each per seed"
        )
    codecs = {
        side: [Codec.from_pretrained(folder) for folder in getattr(options, side)] for side in SIDES
    }
    ears = Ears(
        {name.split(":", 1)[1]: load_judge(name) for name in options.judge},
        None if options.no_words else WordJudge(options.threads),
    )
    config, numbers = codecs["on"][0].config, {}
    with TemporaryDirectory() as temporary:
        manifests = [
            path for part in PARTS if (path := options.corpus / part / "manifest.jsonl").exists()
        ]
        cache = AudioCache(
            manifests,
            options.cache or Path(temporary) / "cache",
            config.sample_rate,
            config.hop_length,
        )
        for name, clips in groups(cache, options.unseen, options.limit).items():
            heard = listen(codecs, cache, clips, ears)
            numbers[name] = (
                likeness_rows(heard, cache.hop_length)
                | affect_rows(heard, ears.judges)
                | word_rows(heard)
            )
            report(f"{name}, n = {len(clips)}", numbers[name])
        if options.probe_clips:
            folder = Path(temporary) / "teachers"
            answers = {
                side: [
                    emotion_probes(
                        probe_items(
                            codec,
                            cache,
                            options.probe_clips,
                            lessons=taught_by(codec, cache, folder, options),
                        )
                    )
                    for codec in seeds
                ]
                for side, seeds in codecs.items()
            }
            numbers["probes"] = probe_rows(answers["off"], answers["on"])
            report(
                f"Probes on Q1, speakers apart, n = {options.probe_clips} or all", numbers["probes"]
            )
    write_json(options.json, numbers)


def taught_by(
    codec: Any, cache: AudioCache, folder: Path, options: argparse.Namespace
) -> Lessons | None:
    """What the teachers of a codec with modules say, where they are asked for."""
    return (
        lessons_for(codec.config, cache, folder)
        if options.taught and "teacher" in codec.modes
        else None
    )


def report(title: str, rows: Rows) -> None:
    """Print one table."""
    cells = [
        [
            name,
            *(row[column] for column in (*SIDES, "difference")),
            ", ".join(f"{value:.3g}" for value in row["by seed"]),
        ]
        for name, row in rows.items()
    ]
    print_table(title, ["measure", "off [95 %]", "on [95 %]", "on - off, paired", "by seed"], cells)


if __name__ == "__main__":
    main()
