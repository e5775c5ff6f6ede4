"""What the benchmarks share: arguments, sentences, synthesis with a cache on disk, tables and JSON.

The cache keeps one WAV and one JSON per request, named by a hash of every setting and of the
model's and the code's files, so benchmarks share audio and a changed model or sampler never reads
stale clips.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from affecttts.evaluation.judges.base import package_folder
from affecttts.evaluation.stats.bootstrap import Interval

REPOSITORY = Path(__file__).parents[1]
VOICES = ("heart", "bella", "fenrir", "michael")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "surprised", "disgusted")
AFFECTED = EMOTIONS[1:]
SEED = 7
Item = TypeVar("Item")


@dataclass(frozen=True)
class Request:
    """One synthesis, as `Synthesizer.synthesize` takes it; `prompt` replaces the emotion where
    given.
    """

    text: str
    emotion: str = "neutral"
    voice: str = "heart"
    intensity: float = 1.0
    seed: int = SEED
    guidance: float | None = None
    prompt: str | None = None


@dataclass(frozen=True)
class Clip:
    """What came back for a request."""

    request: Request
    audio: np.ndarray  # float32 [T]
    sample_rate: int  # Hz
    finish_reason: str  # "end" or "cap"


def arguments(description: str, limit: int) -> argparse.ArgumentParser:
    """A parser with the options all benchmarks of the model take.

    Args:
        description: first line of the help.
        limit: default number of sentences.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--model", metavar="DIR", help="model folder; the shipped model if left out"
    )
    parser.add_argument("--limit", type=int, default=limit, metavar="N", help="number of sentences")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep synthesised clips here and reuse them"
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads of the model and the judges"
    )
    return parser


def spread(texts: Sequence[str], limit: int) -> list[Request]:
    """`limit` requests: texts in turn, over all voices and emotions, a new seed each time round the
    texts.

    Voice and emotion step together with a slip, so all 32 pairs come up in every 32 requests.
    """
    return [
        Request(
            text=texts[index % len(texts)],
            voice=VOICES[index % len(VOICES)],
            emotion=EMOTIONS[(index // len(VOICES)) % len(EMOTIONS)],
            seed=SEED + index // len(texts),
        )
        for index in range(limit)
    ]


def progress(items: Sequence[Item], label: str) -> Iterable[Item]:
    """`items` under a progress bar on stderr."""
    from tqdm import tqdm

    return tqdm(items, desc=label, file=sys.stderr)


class Studio:
    """Synthesises requests, or takes them from the cache. The model is loaded at the first miss."""

    def __init__(self, model: str | None, cache: Path | None, threads: int) -> None:
        """Args:
        model: model folder, None = the shipped one.
        cache: folder of clips, None = nothing is kept.
        threads: CPU threads.
        """
        self._model, self._cache, self._threads = model, cache, threads

    @cached_property
    def _synthesizer(self) -> Any:
        import torch

        from affecttts import Synthesizer

        torch.set_num_threads(self._threads)
        return Synthesizer.from_pretrained(self._model)

    @cached_property
    def _fingerprint(self) -> str:
        folders = [package_folder("affecttts"), package_folder("codec"), REPOSITORY / "prompts"]
        return fingerprint(folders + ([Path(self._model)] if self._model else []))

    def __call__(self, request: Request) -> Clip:
        """Clip of one request."""
        if self._cache is None:
            return self._synthesize(request)
        settings = json.dumps({**asdict(request), "model": self._fingerprint}, sort_keys=True)
        stem = self._cache / hashlib.sha256(settings.encode()).hexdigest()[:32]
        if not stem.with_suffix(".json").exists():
            _store(stem, self._synthesize(request))
        return _recall(stem, request)

    def all(self, requests: Sequence[Request], label: str) -> Iterator[Clip]:
        """Clips of many requests, under a progress bar."""
        return (self(request) for request in progress(requests, label))

    def _synthesize(self, request: Request) -> Clip:
        settings = asdict(request)
        if request.prompt is not None:
            del settings["emotion"]
        result = self._synthesizer.synthesize(**settings)
        return Clip(
            request,
            np.asarray(result.audio, dtype=np.float32),
            result.sample_rate,
            result.finish_reason,
        )


def studio(options: argparse.Namespace) -> Studio:
    """The studio that parsed `arguments` ask for."""
    return Studio(options.model, options.cache, options.threads)


def fingerprint(folders: Iterable[Path]) -> str:
    """Hash of the names and bytes of all files under `folders`, compiled Python left out."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _store(stem: Path, clip: Clip) -> None:
    """Write the WAV, then the JSON that says it is whole."""
    import soundfile

    stem.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(stem.with_suffix(".wav"), clip.audio, clip.sample_rate, subtype="FLOAT")
    record = {**asdict(clip.request), "finish_reason": clip.finish_reason}
    temporary = stem.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    temporary.replace(stem.with_suffix(".json"))


def _recall(stem: Path, request: Request) -> Clip:
    import soundfile

    record = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    audio, sample_rate = soundfile.read(stem.with_suffix(".wav"), dtype="float32")
    return Clip(request, audio, sample_rate, record["finish_reason"])


def show(value: Any) -> str:
    """A cell: intervals as 'mean [low, high]', floats with three significant digits, the rest as it
    is.
    """
    if isinstance(value, Interval):
        return f"{value.mean:.3g} [{value.low:.3g}, {value.high:.3g}]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table under its title."""
    cells = [list(columns)] + [[show(value) for value in row] for row in rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    print(f"\n{title}\n\n" + "\n".join([lines[0], rule, *lines[1:]]))


def write_json(path: Path | None, numbers: Any) -> None:
    """Write `numbers` where a path is given; intervals become [mean, low, high]."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
