"""Decoded audio and F0 of whole manifests in flat files, decoded and tracked once for all epochs.

A cache folder holds audio.i16 (samples), f0.f16 (Hz at feature rate, 0 = unvoiced) and index.json.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from affecttts.data.codes.store import audio_digest
from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.machine import usable_cpus
from codec.atomic import atomic_folder, recover
from codec.audio import load_audio
from codec.files import read_json, write_json

INDEX_NAME = "index.json"
TRACKER = "harvest"  # of F0


@dataclass(frozen=True)
class CachedClip:
    """Where one utterance lies in the cache."""

    utterance: Utterance
    start: int  # first sample
    length: int  # samples, a multiple of hop_length


def f0_world(
    audio: np.ndarray,
    sample_rate: int,
    hop_length: int,
    f0_min: float = 55.0,
    f0_max: float = 700.0,
) -> np.ndarray:
    """F0 by Harvest (Morise 2017, of WORLD) at the centre of every hop. audio [T] -> [T //
    hop_length] Hz, 0 = unvoiced.

    It calls more frames voiced than other trackers, which speech made from F0 needs: what is rough
    in them is left to the aperiodicity (docs/lab/codec_vocoder.md).
    """
    import pyworld

    count = len(audio) // hop_length
    if not count:
        return np.zeros(0, np.float32)
    f0, _ = pyworld.harvest(
        audio.astype(np.float64),
        sample_rate,
        f0_min,
        f0_max,
        frame_period=500 * hop_length / sample_rate,
    )
    return f0[1::2][:count].astype(np.float32)


def _prepare(
    item: tuple[Path, Utterance], sample_rate: int, hop_length: int
) -> tuple[np.ndarray, np.ndarray, str]:
    manifest, utterance = item
    path, start, seconds = audio_path(manifest, utterance), utterance.start, utterance.seconds
    audio = load_audio(path, sample_rate, start, seconds).samples
    audio = audio[: len(audio) // hop_length * hop_length]
    f0 = f0_world(audio, sample_rate, hop_length)
    return (
        (audio * 32767).clip(-32768, 32767).astype(np.int16),
        f0.astype(np.float16),
        audio_digest(path, start, seconds),
    )


def build_cache(
    manifests: Iterable[str | Path], folder: str | Path, sample_rate: int, hop_length: int
) -> None:
    """Decode and pitch-track every utterance of the manifests into `folder` (all cores, progress
    bar).
    """
    from tqdm import tqdm

    utterances = [(Path(m), u) for m in manifests for u in read_manifest(m)]
    work = partial(_prepare, sample_rate=sample_rate, hop_length=hop_length)
    rows, start = [], 0
    with atomic_folder(folder) as temporary, ProcessPoolExecutor(usable_cpus()) as pool:
        with (
            open(temporary / "audio.i16", "wb") as audio_file,
            open(temporary / "f0.f16", "wb") as f0_file,
        ):
            results = tqdm(
                pool.map(work, utterances, chunksize=16),
                total=len(utterances),
                desc="audio",
                unit="clip",
            )
            for (_, utterance), (audio, f0, digest) in zip(utterances, results):
                audio_file.write(audio.tobytes())
                f0_file.write(f0.tobytes())
                rows.append(
                    {"id": utterance.id, "start": start, "length": len(audio), "sha256": digest}
                )
                start += len(audio)
        index = {"sample_rate": sample_rate, "hop_length": hop_length, "tracker": TRACKER}
        write_json(temporary / INDEX_NAME, index | {"clips": rows})


class AudioCache:
    """Read access to a cache: `clips`, `audio(clip)` float32 [T], `f0(clip)` float32 [T //
    hop_length].
    """

    def __init__(
        self, manifests: Iterable[str | Path], folder: str | Path, sample_rate: int, hop_length: int
    ) -> None:
        manifests, folder = list(manifests), Path(folder)
        recover(folder)
        if not (folder / INDEX_NAME).exists():
            build_cache(manifests, folder, sample_rate, hop_length)
        index = read_json(folder / INDEX_NAME)
        utterances = [u for m in manifests for u in read_manifest(m)]
        if index.get("tracker") != TRACKER:
            raise ValueError(
                f"{folder}: its F0 is not by {TRACKER}; remove the folder to track it anew"
            )
        made_for = index["sample_rate"], index["hop_length"], [row["id"] for row in index["clips"]]
        if made_for != (sample_rate, hop_length, [u.id for u in utterances]):
            raise ValueError(
                f"{folder}: made for other manifests or another rate; remove the "
                "folder to rebuild it"
            )
        self.sample_rate, self.hop_length = sample_rate, hop_length
        self.clips = [
            CachedClip(u, row["start"], row["length"]) for u, row in zip(utterances, index["clips"])
        ]
        self.digests = {u.id: row["sha256"] for u, row in zip(utterances, index["clips"])}
        self._audio = np.memmap(folder / "audio.i16", dtype=np.int16, mode="r")
        self._f0 = np.memmap(folder / "f0.f16", dtype=np.float16, mode="r")

    def audio(self, clip: CachedClip) -> np.ndarray:
        """Samples in [-1,1]."""
        return self._audio[clip.start : clip.start + clip.length].astype(np.float32) / 32767

    def f0(self, clip: CachedClip) -> np.ndarray:
        """Hz per feature frame, 0 = unvoiced."""
        start, count = clip.start // self.hop_length, clip.length // self.hop_length
        return self._f0[start : start + count].astype(np.float32)


def usual_f0(cache: AudioCache) -> dict[str, float]:
    """Median F0 in Hz of every speaker of a cache, 150 where nothing is voiced."""
    voiced = defaultdict(list)
    for clip in cache.clips:
        f0 = cache.f0(clip)
        voiced[clip.utterance.speaker].append(f0[f0 > 0])
    joined = {speaker: np.concatenate(parts) for speaker, parts in voiced.items()}
    return {speaker: float(np.median(f0)) if len(f0) else 150.0 for speaker, f0 in joined.items()}


def usual_level(cache: AudioCache) -> dict[str, float]:
    """Median level of every speaker's clips in a cache, log10 of their mean power."""
    levels = defaultdict(list)
    for clip in cache.clips:
        levels[clip.utterance.speaker].append(level(cache.audio(clip)))
    return {speaker: float(np.median(found)) for speaker, found in levels.items()}


def level(audio: np.ndarray) -> float:
    """log10 of the mean power of audio [T]: units of 10 dB."""
    return float(np.log10(max(1e-9, np.square(audio).mean())))
