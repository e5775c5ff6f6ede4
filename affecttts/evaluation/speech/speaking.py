"""Speak a plan, keeping every clip and how long it took; an interrupted run goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from affecttts.evaluation.report.journal import Journal
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.synthesizer import Synthesizer
from codec.atomic import atomic_file
from codec.audio import Audio, decoded, save_wav


@dataclass(frozen=True)
class Spoken:
    """How one clip came about."""

    seconds: float  # of sound
    # seconds of work; nothing is streamed, so it is also the time to the first sound
    elapsed: float
    finish_reason: str  # "end" or "cap"
    # resident memory of the process so far, of the model alone; None where unknown
    peak_megabytes: float | None


def speak(
    requests: dict[str, SpeechRequest],
    load: Callable[[], Synthesizer],
    folder: Path,
    journal: Journal,
    progress: Callable[[Iterable], Iterable] = iter,
) -> dict[str, Spoken]:
    """Speak what is not in the journal yet into `folder`/KEY.wav. The model is loaded only where
    something is missing.
    """
    missing = [
        key for key in requests if key not in journal.done or not (folder / f"{key}.wav").exists()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    synthesizer = load() if missing else None
    if missing:
        # the first one is slower than any other
        synthesizer.synthesize(requests[missing[0]])
    for key in progress(missing):
        started = time.perf_counter()
        result = synthesizer.synthesize(requests[key])
        elapsed = time.perf_counter() - started
        with atomic_file(folder / f"{key}.wav") as temporary:
            save_wav(temporary, Audio(result.audio, result.sample_rate))
        journal.add(
            key, asdict(Spoken(result.seconds, elapsed, result.finish_reason, peak_megabytes()))
        )
    return {key: Spoken(**journal.done[key]) for key in requests}


def clip_audio(folder: Path, key: str) -> tuple[np.ndarray, int]:
    """Audio float32 [T] and Hz of a clip that was spoken; T is 0 where nothing came."""
    audio = decoded((folder / f"{key}.wav").read_bytes())
    return audio.samples, audio.sample_rate


def peak_megabytes() -> float | None:
    """Largest resident memory of this process so far, MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )
