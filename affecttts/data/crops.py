"""Random crops of cached audio, with what the codec's losses and teachers need to know of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache, CachedClip
from affecttts.teachers.phonology import UNKNOWN, PhoneTrack, phone_track, window_symbols
from codec.config import CodecConfig

SYMBOL_REACH = 1  # phones to either side of a frame's own among which the alignment may choose


@dataclass(frozen=True)
class CropConfig:
    """How crops are drawn."""

    batch_size: int
    seconds: float
    gain_jitter_db: float
    speaker_weights: dict[str, float]  # sampling weight of a speaker's audio, 1 where not named
    seed: int


@dataclass(frozen=True)
class CropBatch:
    """One batch; N feature frames, F codec frames."""

    audio: Tensor  # float32 [B,1,T]
    f0: Tensor  # float32 [B,N] Hz, 0 = unvoiced
    usual_f0: Tensor  # float32 [B] Hz, median of the speaker
    symbols: Tensor  # int64 [B,F,2 * SYMBOL_REACH + 1] rows of the phonological table
    ids: tuple[str, ...]  # utterances, for error messages

    def to(self, device: torch.device) -> CropBatch:
        """The same batch on a device."""
        moved = (part.to(device) for part in (self.audio, self.f0, self.usual_f0, self.symbols))
        return CropBatch(*moved, self.ids)


class CropSampler:
    """Random crops as a pure function of the step: the data position needs no state."""

    def __init__(self, cache: AudioCache, config: CropConfig, codec: CodecConfig, rank: int) -> None:
        self.cache, self.config, self.codec, self.rank = cache, config, codec, rank
        self.frames = round(config.seconds * codec.frame_rate) * codec.frame_stride
        self.clips = [clip for clip in cache.clips if clip.utterance.split == "train"]
        self.tracks = [self._track(clip) for clip in self.clips]
        self.usual_f0 = usual_f0(cache)
        lengths = np.array([clip.length * config.speaker_weights.get(clip.utterance.speaker, 1.0) for clip in self.clips])
        self.cumulative = np.cumsum(lengths / lengths.sum())

    def _track(self, clip: CachedClip) -> PhoneTrack | None:
        hop = self.codec.hop_length
        return phone_track(clip.utterance, clip.length // hop, self.codec.sample_rate / hop)

    def batch(self, step: int) -> CropBatch:
        """The crops of one step."""
        generator = np.random.default_rng((self.config.seed, step, self.rank))
        rows = [self._crop(generator) for _ in range(self.config.batch_size)]
        ids = tuple(row.pop("id") for row in rows)
        audio, f0, usual, symbols = (torch.from_numpy(np.stack([row[k] for row in rows])) for k in rows[0])
        return CropBatch(audio[:, None], f0, usual, symbols, ids)

    def _crop(self, generator: np.random.Generator) -> dict:
        index = min(int(np.searchsorted(self.cumulative, generator.random())), len(self.clips) - 1)
        clip, hop = self.clips[index], self.codec.hop_length
        audio, f0 = self.cache.audio(clip), self.cache.f0(clip)
        start = int(generator.integers(0, max(1, len(f0) - self.frames + 1)))
        f0 = f0[start : start + self.frames]
        audio = audio[start * hop : (start + self.frames) * hop]
        gain = 10 ** (generator.uniform(-1, 1) * self.config.gain_jitter_db / 20)
        gain = min(gain, 0.99 / max(1e-3, float(np.abs(audio).max(initial=0))))
        missing = self.frames - len(f0)
        return {
            "id": clip.utterance.id,
            "audio": np.pad(audio * np.float32(gain), (0, missing * hop)),
            "f0": np.pad(f0, (0, missing)),
            "usual_f0": np.float32(self.usual_f0[clip.utterance.speaker]),
            "symbols": self._symbols(self.tracks[index], start),
        }

    def _symbols(self, track: PhoneTrack | None, start: int) -> np.ndarray:
        stride = self.codec.frame_stride
        if track is None:
            return np.full((self.frames // stride, 2 * SYMBOL_REACH + 1), UNKNOWN)
        return window_symbols(track, start, self.frames, stride, SYMBOL_REACH)


def usual_f0(cache: AudioCache) -> dict[str, float]:
    """Median F0 in Hz of every speaker of a cache, 150 where nothing is voiced."""
    voiced = defaultdict(list)
    for clip in cache.clips:
        f0 = cache.f0(clip)
        voiced[clip.utterance.speaker].append(f0[f0 > 0])
    joined = {speaker: np.concatenate(parts) for speaker, parts in voiced.items()}
    return {speaker: float(np.median(f0)) if len(f0) else 150.0 for speaker, f0 in joined.items()}
