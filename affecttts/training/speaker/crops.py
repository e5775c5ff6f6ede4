"""Crops of many speakers' clips, as they might have been recorded, a pure function of the step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.training.speaker.config import SpeakerTrainingConfig
from affecttts.training.speaker.disturbances import coloured_noise, filtered, in_room, mixed
from codec.audio import load_audio, resample

SHORTEST = 0.5  # seconds of a clip that is of any use
NOISE_DB, VOICES_DB = 3.0, 10.0  # least levels of the voice above noise and above other voices
OTHER_VOICES = 3  # that speak at once in the background


class Clips:
    """Clips of manifests by speaker, decoded when first asked for.

    Args:
        sample_rate: Hz.
        hours: of decoded audio that is kept.
    """

    def __init__(self, manifests: Iterable[str | Path], sample_rate: int, hours: float) -> None:
        self.sample_rate, self._room = sample_rate, hours * 3600
        self.by_speaker: dict[str, list[tuple[Path, Utterance]]] = {}
        self._decoded: dict[tuple[Path, str], np.ndarray] = {}
        for manifest in map(Path, manifests):
            for row in read_manifest(manifest):
                if row.seconds >= SHORTEST:
                    self.by_speaker.setdefault(row.speaker, []).append((manifest, row))

    def audio(self, manifest: Path, row: Utterance) -> np.ndarray:
        """Samples of a clip, float32 [T]."""
        key = manifest, row.id
        if key not in self._decoded:
            path = audio_path(manifest, row)
            samples = load_audio(path, self.sample_rate, row.start, row.seconds).samples
            if self._room < row.seconds:
                return samples
            self._room -= row.seconds
            self._decoded[key] = (samples * 32767).astype(np.int16)
        return self._decoded[key].astype(np.float32) / 32767


class SpeakerCrops:
    """Batches of crops, each of another speaker at some speed.

    Raises:
        RequestError: fewer than two speakers to train on.
    """

    def __init__(self, clips: Clips, config: SpeakerTrainingConfig, rank: int = 0) -> None:
        self.clips, self.config, self.rank = clips, config, rank
        names = sorted(set(clips.by_speaker) - set(config.held_out))
        if len(names) < 2:
            raise RequestError(
                f"{len(names)} speakers to train on; at least 2 are needed, and hundreds are good"
            )
        self.speakers = [(name, speed) for name in names for speed in config.speeds]
        self.length = round(config.crop_seconds * clips.sample_rate)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """audio [B,1,T] and the numbers of the speakers, int64 [B]."""
        generator = np.random.default_rng((self.config.seed, step, self.rank))
        count = min(self.config.batch_size, len(self.speakers))
        chosen = generator.permutation(len(self.speakers))[:count]
        crops = [self._crop(*self.speakers[index], generator) for index in chosen]
        rows = [self._disturbed(crop, crops, generator) for crop in crops]
        audio = torch.from_numpy(np.stack(rows))[:, None]
        return audio, torch.from_numpy(chosen.astype(np.int64))

    def _crop(self, name: str, speed: float, generator: np.random.Generator) -> np.ndarray:
        clips = self.clips.by_speaker[name]
        audio = self.clips.audio(*clips[int(generator.integers(len(clips)))])
        wanted = round(self.length * speed)
        if len(audio) < wanted:
            audio = np.tile(audio, -(-wanted // len(audio)))
        first = int(generator.integers(len(audio) - wanted + 1))
        rate = self.clips.sample_rate
        crop = resample(audio[first : first + wanted], round(rate * speed), rate)
        return np.pad(crop[: self.length], (0, max(0, self.length - len(crop))))

    def _disturbed(
        self, crop: np.ndarray, crops: list[np.ndarray], generator: np.random.Generator
    ) -> np.ndarray:
        config, rate = self.config, self.clips.sample_rate
        if generator.random() < config.room_share:
            crop = in_room(crop, rate, generator)
        if generator.random() < config.noise_share:
            if generator.random() < 0.5:
                noise = coloured_noise(self.length, generator)
                crop = mixed(crop, noise, generator, NOISE_DB)
            else:
                others = generator.integers(len(crops), size=OTHER_VOICES)
                voices = np.sum([crops[other] for other in others], axis=0)
                crop = mixed(crop, voices, generator, VOICES_DB)
        if generator.random() < config.band_share:
            crop = filtered(crop, rate, generator)
        return crop
