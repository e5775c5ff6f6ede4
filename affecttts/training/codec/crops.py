"""Random crops of cached audio, with what the codec's losses and modules need to know of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.data.codes.store import CodeStore
from affecttts.data.manifest import Utterance
from affecttts.data.vocoder_cache import VocoderCache
from affecttts.errors import RequestError
from affecttts.teachers.targets import FrameTargets, TeacherTargets, collate
from codec.config import CodecConfig


@dataclass(frozen=True)
class CropConfig:
    """How crops are drawn."""

    batch_size: int
    seconds: float
    gain_jitter_db: float
    speaker_weights: dict[str, float]  # sampling weight of a speaker's audio, 1 where not named
    seed: int
    reach: int = 1  # tokens to either side of a frame's own that come with it
    predicted_share: float = 0.0  # of the crops that come with predicted codes, where there are any


def check_any_to_train_on(
    utterances: Iterable[Utterance], speaker_weights: Mapping[str, float]
) -> None:
    """Refuse data of which nothing would ever be drawn.

    Raises:
        RequestError: no utterance of the train split has a speaker of a weight above 0.
    """
    if not any(u.split == "train" and speaker_weights.get(u.speaker, 1) > 0 for u in utterances):
        raise RequestError(
            "no clip to train on: set `split` to train in some rows whose speaker_weights are not 0"
        )


@dataclass(frozen=True)
class CropBatch:
    """One batch; N feature frames."""

    audio: Tensor  # float32 [B,1,T]
    f0: Tensor  # float32 [B,N] Hz, 0 = unvoiced
    ids: tuple[str, ...]  # utterances, for error messages
    mask: Tensor  # bool [B,F], codec frames that begin within the recording; the others are padding
    targets: FrameTargets | None = None  # None without teachers
    # int64 [B,K,F] as a language model predicted them, rows of -1 where none; None: nowhere
    codes: Tensor | None = None
    vocoder: Tensor | None = None  # float32 [B,N,C+A], see `VocoderParameters`; None: nothing asks

    def to(self, device: torch.device) -> CropBatch:
        """The same batch on a device."""
        targets, codes, vocoder = (
            part if part is None else part.to(device)
            for part in (self.targets, self.codes, self.vocoder)
        )
        audio, f0, mask = (part.to(device) for part in (self.audio, self.f0, self.mask))
        return CropBatch(audio, f0, self.ids, mask, targets, codes, vocoder)


class CropSampler:
    """Random crops as a pure function of the step: the data position needs no state.

    Raises:
        RequestError: there is nothing to draw from.
    """

    def __init__(
        self,
        cache: AudioCache,
        config: CropConfig,
        codec: CodecConfig,
        rank: int = 0,
        targets: TeacherTargets | None = None,
        predicted: CodeStore | None = None,
        vocoder: VocoderCache | None = None,
    ) -> None:
        self.cache, self.config, self.codec, self.rank = cache, config, codec, rank
        self.targets, self.predicted, self.vocoder = targets, predicted, vocoder
        self.frames = round(config.seconds * codec.frame_rate) * codec.frame_stride
        check_any_to_train_on((clip.utterance for clip in cache.clips), config.speaker_weights)
        train = [index for index, clip in enumerate(cache.clips) if clip.utterance.split == "train"]
        self.clips = [index for index in train if self._weight(index) > 0]
        lengths = np.array([self._weight(index) for index in self.clips])
        self.cumulative = np.cumsum(lengths / lengths.sum())

    def _weight(self, index: int) -> float:
        clip = self.cache.clips[index]
        return clip.length * self.config.speaker_weights.get(clip.utterance.speaker, 1.0)

    def batch(self, step: int) -> CropBatch:
        """The crops of one step."""
        generator = np.random.default_rng((self.config.seed, step, self.rank))
        rows = [self._crop(generator) for _ in range(self.config.batch_size)]
        audio, f0, mask = (
            torch.from_numpy(np.stack([row[name] for row in rows]))
            for name in ("audio", "f0", "mask")
        )
        targets = collate([row["targets"] for row in rows]) if self.targets else None
        codes, vocoder = (
            torch.from_numpy(np.stack([row[name] for row in rows])) if source else None
            for name, source in (("codes", self.predicted), ("vocoder", self.vocoder))
        )
        ids = tuple(row["id"] for row in rows)
        return CropBatch(audio[:, None], f0, ids, mask, targets, codes, vocoder)

    def _crop(self, generator: np.random.Generator) -> dict:
        place = min(int(np.searchsorted(self.cumulative, generator.random())), len(self.clips) - 1)
        index, hop = self.clips[place], self.codec.hop_length
        clip = self.cache.clips[index]
        audio, f0 = self.cache.audio(clip), self.cache.f0(clip)
        start = int(generator.integers(0, max(1, len(f0) - self.frames + 1)))
        if self.predicted:
            start -= start % self.codec.frame_stride  # codes have no finer place
        f0 = f0[start : start + self.frames]
        audio = audio[start * hop : (start + self.frames) * hop]
        gain = 10 ** (generator.uniform(-1, 1) * self.config.gain_jitter_db / 20)
        gain = min(gain, 0.99 / max(1e-3, float(np.abs(audio).max(initial=0))))
        missing = self.frames - len(f0)
        row = {
            "id": clip.utterance.id,
            "audio": np.pad(audio * np.float32(gain), (0, missing * hop)),
            "f0": np.pad(f0, (0, missing)),
            "mask": np.arange(0, self.frames, self.codec.frame_stride) < len(f0),
        }
        if self.vocoder:
            values = self.vocoder.parameters(clip)[start : start + self.frames]
            values[:, 0] += math.log(gain)
            row["vocoder"] = np.pad(values, ((0, missing), (0, 0)), "edge")
        if self.predicted:
            row["codes"] = self._codes(clip.utterance.id, start, generator)
        return row | (
            {"targets": self._targets(index, start, 2 * math.log10(gain))} if self.targets else {}
        )

    def _codes(self, utterance_id: str, start: int, generator: np.random.Generator) -> np.ndarray:
        """int64 [K,F] of a crop for a share of the crops, else -1. Past the end the last frame is
        held.
        """
        count, first = self.frames // self.codec.frame_stride, start // self.codec.frame_stride
        if utterance_id not in self.predicted or generator.random() >= self.config.predicted_share:
            return np.full((self.predicted.num_codebooks, count), -1, dtype=np.int64)
        codes = self.predicted[utterance_id]
        return codes[:, np.minimum(first + np.arange(count), codes.shape[1] - 1)].astype(np.int64)

    def _targets(self, index: int, start: int, gain: float) -> dict[str, np.ndarray]:
        codec = self.codec
        begin, count = (
            start * codec.hop_length / codec.sample_rate,
            self.frames // codec.frame_stride,
        )
        return self.targets.stretch(index, begin, count, codec, self.config.reach, gain)
