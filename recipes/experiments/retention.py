"""What do the three modules keep of an emotion? A codec trained with them beside one trained
without, clip by clip.

    python -m recipes.experiments.retention --on ALL/codec --off NONE/codec --corpus DIR \\
        --unseen am_onyx bf_emma
    # seeds, paired in this order
    python -m recipes.experiments.retention --on ALL0/codec ALL1/codec \\
        --off NONE0/codec NONE1/codec ...
    python -m recipes.experiments.retention ... \\
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from affecttts.data.audio_cache import AudioCache, CachedClip, f0_world
from affecttts.data.splits import evenly
from affecttts.evaluation.judges.words import WordJudge
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.tokens.probes import emotion_probes, probe_items
from affecttts.teachers.targets import TeacherTargets, targets_for
from recipes.experiments.retention_rows import (
    SIDES,
    Heard,
    Hearing,
    Judge,
    Rows,
    affect_rows,
    likeness_rows,
    probe_rows,
    word_rows,
)

PARTS = ("emotive", "voices", "human")  # of the corpus


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
    return {name: evenly(found, limit) for name, found in clips.items() if found}


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
                heard.copies[side][place].append(ears.hear(reconstruct(codec, audio), clip, cache))
    return heard


def reconstruct(codec: Any, audio: np.ndarray) -> np.ndarray:
    """Audio [T] through the codec and back, with all codebooks."""
    import torch

    codes = codec.encode(torch.from_numpy(audio)[None, None]).codes
    return codec.decode(codes)[0, 0, : len(audio)].numpy()


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    folders = {"type": Path, "nargs": "+", "required": True, "metavar": "DIR"}
    add("--on", **folders, help="codecs trained with the modules")
    add("--off", **folders, help="as many trained without")
    corpus = "folder with emotive, voices and human"
    add("--corpus", type=Path, required=True, metavar="DIR", help=corpus)
    cache = "decoded audio of these three, in this order; made if missing"
    add("--cache", type=Path, metavar="DIR", help=cache)
    unseen = "voices that no codec was trained on"
    add("--unseen", nargs="+", default=[], metavar="SPEAKER", help=unseen)
    judge = "emotion classifier; may be repeated"
    add("--judge", action="append", default=[], metavar="M:F[:A]", help=judge)
    add("--limit", type=int, default=60, metavar="N", help="clips of each group")
    probes = "utterances for the probes; 0 = no probes"
    add("--probe-clips", type=int, default=400, metavar="N", help=probes)
    taught = "the probes read what codecs with modules encode with their teachers"
    add("--taught", action="store_true", help=taught)
    add("--no-words", action="store_true", help="leave out the word judge")
    add("--output", type=Path, metavar="OUT", help="also write the numbers to this file")
    add("--threads", type=int, default=1, help="CPU threads of the codecs and the judges")
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
            numbers["probes"] = probed(codecs, cache, Path(temporary) / "teachers", options)
            title = f"Probes on Q1, speakers apart, n = {options.probe_clips} or all"
            report(title, numbers["probes"])
    write_numbers(options.output, numbers)


def probed(
    codecs: dict[str, list[Any]], cache: AudioCache, folder: Path, options: argparse.Namespace
) -> dict:
    """Rows of the emotion probes, codecs without modules beside those with."""
    answers = {
        side: [
            emotion_probes(
                probe_items(
                    codec,
                    cache,
                    options.probe_clips,
                    targets=taught_by(codec, cache, folder, options),
                )
            )
            for codec in seeds
        ]
        for side, seeds in codecs.items()
    }
    return probe_rows(answers["off"], answers["on"])


def taught_by(
    codec: Any, cache: AudioCache, folder: Path, options: argparse.Namespace
) -> TeacherTargets | None:
    """What the teachers of a codec with modules say, where they are asked for."""
    return (
        targets_for(codec.config, cache, folder)
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
