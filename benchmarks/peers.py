"""How does it sound beside others, on the same sentences in the same run? Kokoro-82M int8 (whose
speech ours learnt from), hibari-tts and Piper joe.

    python benchmarks/peers.py --report peers --kokoro-voices kokoro-js/voices
    python benchmarks/peers.py --report peers --limit 6 --runs 1      # a quick look

40 sentences of the IEEE Harvard lists and 20 in the style of news, neutral, each system's voices in
turn. Judges: DistillMOS v7, DNSMOS overall, Whisper base (words). An interrupted run goes on; the
clips stay in the report's folder with an items.jsonl for `affecttts evaluate listening`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from speed import COLUMNS as SPEED_COLUMNS
from speed import Speed, add_options, measure, present, rows_of
from systems import SYSTEMS, Setting

from affecttts.evaluation.judges.declarations import NATURALNESS, SOUND, WHISPER_BASE
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.words import BASE, WordJudge
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.resources import read_lines
from affecttts.evaluation.speech.plan import evenly
from affecttts.evaluation.stats.bootstrap import Interval, interval, ratio_interval
from affecttts.synthesis.model_folder import SHIPPED
from codec.atomic import atomic_file, write_text
from codec.audio import Audio, load_audio, save_wav
from codec.files import fingerprint

SENTENCES = Path(__file__).with_name("peer_sentences.jsonl")
KINDS = ("harvard", "news")
QUALITY_COLUMNS = (
    "system",
    "n",
    "DistillMOS",
    "DNSMOS",
    "word errors, Harvard, %",
    "word errors, news, %",
)
NOTE = "Brackets: 95 % bootstrap intervals over sentences (1000 resamples)."


def chosen(limit: int) -> list[dict[str, str]]:
    """At most `limit` sentences {id, text, kind}, evenly of both kinds."""
    return evenly(read_lines(SENTENCES), limit)


def speak(name: str, setting: Setting, sentences: Sequence[dict], folder: Path) -> dict[str, Path]:
    """Sentence -> a WAV file in `folder`; those that are there already are not spoken again."""
    paths = {row["id"]: folder / f"{row['id']}.wav" for row in sentences}
    folder.mkdir(parents=True, exist_ok=True)
    places = {row["id"]: place for place, row in enumerate(read_lines(SENTENCES))}
    todo = [row for row in sentences if not paths[row["id"]].exists()]
    system = SYSTEMS[name].open(setting) if todo else None
    for row in progress(todo, name):
        audio = system(row["text"], places[row["id"]])
        with atomic_file(paths[row["id"]]) as temporary:
            save_wav(temporary, Audio(audio, system.sample_rate))
    return paths


class Judges:
    """Those of sound and words; loaded once."""

    def __init__(self, threads: int) -> None:
        self._mos, self._sound = NaturalnessJudge(), SoundJudge(threads)
        self._words = WordJudge(threads, BASE)

    def __call__(self, path: Path, text: str) -> dict[str, float]:
        clip = load_audio(path, 24000)
        counts = self._words(clip.samples, clip.sample_rate, text)
        return {
            "distillmos": self._mos(clip.samples, clip.sample_rate),
            "dnsmos": self._sound(clip.samples, clip.sample_rate),
            "errors": counts.errors,
            "words": counts.words,
        }


def summarise(sentences: Sequence[dict], marks: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Means of one system; marks by sentence."""
    values: dict[str, Any] = {"n": len(sentences)}
    for name in ("distillmos", "dnsmos"):
        values[name] = interval([marks[row["id"]][name] for row in sentences])
    for kind in KINDS:
        of_kind = [marks[row["id"]] for row in sentences if row["kind"] == kind]
        errors, words = ([mark[key] for mark in of_kind] for key in ("errors", "words"))
        values[f"wer_{kind}"] = ratio_interval([100 * count for count in errors], words)
        values[f"n_{kind}"] = len(of_kind)
    return values


def quality_rows(quality: dict[str, dict[str, Any]]) -> list[list]:
    """Rows of the table."""
    return [
        [name, *(v[key] for key in ("n", "distillmos", "dnsmos", "wer_harvard", "wer_news"))]
        for name, v in quality.items()
    ]


def plot(
    path: Path, quality: dict[str, dict[str, Any]], speeds: dict[tuple[str, int], Speed]
) -> None:
    """Bars with intervals: naturalness, sound, words and, where measured, speed."""
    from matplotlib.figure import Figure

    panels: dict[str, dict[str, Interval]] = {
        "DistillMOS ↑": {name: v["distillmos"] for name, v in quality.items()},
        "DNSMOS ↑": {name: v["dnsmos"] for name, v in quality.items()},
        "word errors, Harvard, % ↓": {name: v["wer_harvard"] for name, v in quality.items()},
        "word errors, news, % ↓": {name: v["wer_news"] for name, v in quality.items()},
    }
    for threads in sorted({threads for _, threads in speeds}):
        panels[f"real-time factor, {threads} thread{'s' * (threads > 1)} ↓"] = {
            name: speed.real_time_factor for (name, t), speed in speeds.items() if t == threads
        }
    figure = Figure(figsize=(11, 2.6 * -(-len(panels) // 2)), layout="constrained")
    grid = figure.subplots(-(-len(panels) // 2), 2, squeeze=False).ravel()
    for axes, (title, values) in zip(grid, panels.items()):
        means = np.array([value.mean for value in values.values()])
        low, high = (
            np.array([getattr(v, end) for v in values.values()]) for end in ("low", "high")
        )
        spread = np.nan_to_num([np.maximum(means - low, 0), np.maximum(high - means, 0)])
        axes.barh(list(values), means, xerr=spread, capsize=3, color="C0", alpha=0.7)
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def listening_items(report: Path, clips: dict[str, dict[str, Path]]) -> None:
    """Write items.jsonl for a listening test."""
    lines = [
        json.dumps({"id": name, "system": system, "path": str(path.relative_to(report))})
        for system, paths in clips.items()
        for name, path in paths.items()
    ]
    write_text(report / "items.jsonl", "\n".join(lines) + "\n")


def judge(
    clips: dict[str, dict[str, Path]], sentences: Sequence[dict], journal: Journal, threads: int
) -> dict[str, dict[str, Any]]:
    """System -> what the judges say of its clips; what the journal has is not judged again."""
    texts = {row["id"]: row["text"] for row in sentences}
    todo = [
        (f"{system} {name}", path, texts[name])
        for system, paths in clips.items()
        for name, path in paths.items()
        if f"{system} {name}" not in journal.done
    ]
    judges = Judges(threads) if todo else None
    for key, path, text in progress(todo, "judging"):
        journal.add(key, judges(path, text))
    return {
        system: summarise(sentences, {name: journal.done[f"{system} {name}"] for name in paths})
        for system, paths in clips.items()
    }


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--report", type=Path, required=True, metavar="DIR", help="what is kept")
    parser.add_argument("--limit", type=int, default=60, metavar="N", help="sentences")
    add_options(parser)
    parser.add_argument("--no-speed", action="store_true", help="leave out the timing")
    return parser.parse_args()


def main() -> None:
    """Speak, judge, time, print, draw."""
    options = parse()
    for card in (NATURALNESS, SOUND, WHISPER_BASE):
        if card.missing:
            raise SystemExit(f"the judge {card.name} is missing: {card.missing}")
    load, (names, absent) = os.getloadavg()[0], present(options)
    model, sentences = options.model or SHIPPED, chosen(options.limit)
    ours = {"lm": fingerprint(model / "lm"), "codec": fingerprint(model / "codec", decoder=True)}
    journal = Journal(options.report / "judged.jsonl", ours)
    speeds = {} if options.no_speed else measure(names, options)
    setting = Setting(max(options.threads), options.model, options.kokoro_voices)
    clips = {
        name: speak(name, setting, sentences, options.report / "clips" / name.replace(" ", "_"))
        for name in names
    }
    listening_items(options.report, clips)
    quality = judge(clips, sentences, journal, setting.threads)
    print_table(
        f"Same {len(sentences)} sentences; judges: {NATURALNESS.name}, {SOUND.name}, "
        f"{WHISPER_BASE.name} (beam 5). {NOTE}",
        QUALITY_COLUMNS,
        quality_rows(quality),
    )
    if speeds:
        title = f"Ten words, text to sound; load average before {load:.1f} (should be near 0)"
        print_table(title, SPEED_COLUMNS, rows_of(speeds))
    for name, cure in absent.items():
        print(f"{name}: left out; {cure}")
    rows = [dict(zip(SPEED_COLUMNS, row)) for row in rows_of(speeds)]
    numbers = {"quality": quality, "speed": rows, "left out": absent, "load": load}
    write_numbers(options.report / "peers.json", numbers)
    plot(options.report / "peers.svg", quality, speeds)


if __name__ == "__main__":
    main()
