"""What do the three modules keep of an emotion? A codec trained with them beside one trained without, clip by clip.

    python benchmarks/retention.py --on ALL/codec --off NONE/codec --corpus DIR --unseen am_onyx bf_emma
    python benchmarks/retention.py ... --judge affecttts.evaluation.emotion_judges:load_emotion_judge:acoustic

Three groups of clips: sentences that are not in the training split, voices that neither codec was trained on (--unseen names
them, all of their clips are used), and human recordings outside the training split. A judge is MODULE:FACTORY[:ARGUMENT]: what the
factory returns takes audio [T] and its rate and gives probabilities, in the order of its `labels` where it has any. Words are
Whisper tiny.en's, of clips with a transcript. Probes read the emotion from Q1 alone, on speakers that they were not fitted to.
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

from affecttts.data.audio_cache import AudioCache, CachedClip, track_f0
from affecttts.evaluation.fidelity import compare_pitch, level_correlation
from affecttts.evaluation.intervals import COVERAGE, RESAMPLES, Interval, difference_interval, interval, ratio_interval
from affecttts.evaluation.judges import WordCounts, WordJudge
from affecttts.evaluation.probes import ProbeAnswers, emotion_probes, probe_items
from codec_quality import reconstruct
from common import print_table, progress, write_json

PARTS = ("emotive", "voices", "human")  # of the corpus
SIDES = ("off", "on")
Judge = Callable[[np.ndarray, int], np.ndarray]  # audio [T] and Hz -> probabilities [E]
Rows = dict[str, dict[str, Interval]]  # measure -> off, on, on - off


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
            audio, track_f0(audio, rate, cache.hop_length), {name: judge(audio, rate) for name, judge in self.judges.items()},
            self.words(audio, rate, text) if self.words and text else None,
        )  # fmt: skip


def load_judge(name: str) -> Judge:
    """MODULE:FACTORY[:ARGUMENT] -> what the factory makes."""
    module, factory, *argument = name.split(":", 2)
    return getattr(importlib.import_module(module), factory)(*argument)


def groups(cache: AudioCache, unseen: Sequence[str], limit: int) -> dict[str, list[CachedClip]]:
    """At most `limit` clips of every group, spread evenly."""
    clips = {
        "sentences not in training": [c for c in cache.clips if c.utterance.emotion and c.utterance.split != "train"],
        "voices not in training": [c for c in cache.clips if c.utterance.speaker in unseen],
        "human recordings not in training": [c for c in cache.clips if not c.utterance.emotion and c.utterance.split != "train"],
    }
    picks = {name: np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(int) for name, found in clips.items()}
    return {name: [found[pick] for pick in picks[name]] for name, found in clips.items() if found}


def listen(codecs: dict[str, Any], cache: AudioCache, clips: Sequence[CachedClip], ears: Ears) -> dict[str, list[Hearing]]:
    """Hearings of the originals and of both codecs' copies, in the order of the clips."""
    heard: dict[str, list[Hearing]] = {"original": [], **{side: [] for side in codecs}}
    for clip in progress(clips, "clips"):
        audio = cache.audio(clip)
        copies = {side: reconstruct(codec, audio, None)[0] for side, codec in codecs.items()}
        for side, signal in {"original": audio, **copies}.items():
            heard[side].append(ears.hear(signal, clip, cache))
    return heard


def likeness(original: Hearing, copy: Hearing, hop: int) -> dict[str, float]:
    """How near a copy is to its original; not-a-number where too little is voiced to tell."""
    correlation, cents, _ = compare_pitch(original.f0, copy.f0)
    measures = {
        "log-F0 correlation": correlation, "F0 error, cents": cents,
        "level correlation": level_correlation(original.audio, copy.audio, hop),
    }  # fmt: skip
    for judge, first in original.probabilities.items():
        second = copy.probabilities[judge]
        measures[f"{judge}: same emotion, %"] = 100.0 * (first.argmax() == second.argmax())
        measures[f"{judge}: probability moved, %"] = 50.0 * float(np.abs(first - second).sum())
    return measures


def likeness_rows(heard: dict[str, list[Hearing]], hop: int) -> Rows:
    """Means over clips, differences paired by clip."""
    scores = {side: [likeness(*pair, hop) for pair in zip(heard["original"], heard[side])] for side in SIDES}
    rows = {}
    for name in scores["on"][0]:
        off, on = (np.array([score[name] for score in scores[side]]) for side in SIDES)
        rows[name] = {"off": interval(off), "on": interval(on), "difference": interval(on - off)}
    return rows


def word_rows(heard: dict[str, list[Hearing]]) -> Rows:
    """Word error rates and their paired difference; nothing without transcripts."""
    spoken = [place for place, hearing in enumerate(heard["original"]) if hearing.words]
    if not spoken:
        return {}
    words = [heard["original"][place].words.words for place in spoken]
    errors = {side: [100 * heard[side][place].words.errors for place in spoken] for side in SIDES}
    values = {side: ratio_interval(errors[side], words) for side in SIDES}
    return {"word errors, %": values | {"difference": difference_interval(errors["on"], errors["off"], words)}}


def affect_rows(heard: dict[str, list[Hearing]], judges: dict[str, Judge]) -> Rows:
    """Correlation over clips of the arousal and the valence that a judge's probabilities make of originals and copies."""
    from affecttts.emotion import load_emotions

    rows, table = {}, load_emotions()
    for name, judge in judges.items():
        if not set(getattr(judge, "labels", ("",))) <= set(table.ids):
            continue
        for index, axis in enumerate(("valence", "arousal")):
            place = np.array([table.get(label).vad[index] for label in judge.labels])
            told = {side: np.array([h.probabilities[name] @ place for h in hearings]) for side, hearings in heard.items()}
            statistics = [lambda picks, side=side: _correlation(told["original"][picks], told[side][picks]) for side in SIDES]
            rows[f"{name}: {axis} correlation"] = both(*statistics, len(told["on"]))
    return rows


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first, second)[0, 1]) if first.std() and second.std() else float("nan")


def probe_rows(off: dict[str, ProbeAnswers], on: dict[str, ProbeAnswers]) -> Rows:
    """Recall of the probes on Q1, paired by utterance."""
    return {name: both(off[name].recall, on[name].recall, len(on[name].right)) for name in on}


def both(off: Callable[[np.ndarray], float], on: Callable[[np.ndarray], float], count: int) -> dict[str, Interval]:
    """Two statistics of resampled clips, int [count], and their paired difference, with bootstrap intervals."""
    draws = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    values = np.array([(off(picks), on(picks)) for picks in [np.arange(count), *draws]])
    columns = {"off": values[:, 0], "on": values[:, 1], "difference": values[:, 1] - values[:, 0]}
    return {name: Interval(float(x[0]), *_ends(x[1:])) for name, x in columns.items()}


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Of the interval that holds most of the finite values; not-a-numbers where there are none."""
    finite, tail = values[np.isfinite(values)], (1 - COVERAGE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (np.nan, np.nan)
    return float(low), float(high)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--on", type=Path, required=True, metavar="DIR", help="codec trained with the modules")
    parser.add_argument("--off", type=Path, required=True, metavar="DIR", help="codec trained without")
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder with emotive, voices and human")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="decoded audio of these three, in this order; made if missing")
    parser.add_argument("--unseen", nargs="+", default=[], metavar="SPEAKER", help="voices that no codec was trained on")
    parser.add_argument("--judge", action="append", default=[], metavar="M:F[:A]", help="emotion classifier; may be repeated")
    parser.add_argument("--limit", type=int, default=60, metavar="N", help="clips of each group")
    parser.add_argument("--probe-clips", type=int, default=400, metavar="N", help="utterances for the probes; 0 = no probes")
    parser.add_argument("--no-words", action="store_true", help="leave out the word judge")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the numbers to this file")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the codecs and the judges")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    import torch

    from codec import Codec

    options = parse()
    torch.set_num_threads(options.threads)
    codecs = {side: Codec.from_pretrained(getattr(options, side)) for side in SIDES}
    ears = Ears(
        {name.split(":", 1)[1]: load_judge(name) for name in options.judge}, None if options.no_words else WordJudge(options.threads)
    )
    config, numbers = codecs["on"].config, {}
    with TemporaryDirectory() as temporary:
        manifests = [path for part in PARTS if (path := options.corpus / part / "manifest.jsonl").exists()]
        cache = AudioCache(manifests, options.cache or Path(temporary) / "cache", config.sample_rate, config.hop_length)
        for name, clips in groups(cache, options.unseen, options.limit).items():
            heard = listen(codecs, cache, clips, ears)
            numbers[name] = likeness_rows(heard, cache.hop_length) | affect_rows(heard, ears.judges) | word_rows(heard)
            report(f"{name}, n = {len(clips)}", numbers[name])
        if options.probe_clips:
            answers = {side: emotion_probes(probe_items(codec, cache, options.probe_clips)) for side, codec in codecs.items()}
            numbers["probes"] = probe_rows(answers["off"], answers["on"])
            report(f"Probes on Q1, speakers apart, n = {options.probe_clips} or all", numbers["probes"])
    write_json(options.json, numbers)


def report(title: str, rows: Rows) -> None:
    """Print one table."""
    cells = [[name, *(row[column] for column in (*SIDES, "difference"))] for name, row in rows.items()]
    print_table(title, ["measure", "off [95 %]", "on [95 %]", "on - off, paired"], cells)


if __name__ == "__main__":
    main()
