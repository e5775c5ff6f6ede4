"""Prosody of an utterance as five numbers from its codes, and their shifts by emotion in base data.

Pitch and voicing are those that the codec's decoder predicts from the codes, so recordings, base
data and synthesis are measured alike, without a pitch tracker or audio of the base data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from affecttts.adaptation.replay import BaseData
from affecttts.data.alignment.units import ENGLISH
from affecttts.text.symbols import SYMBOLS
from codec import Codec
from codec.nn.features import magnitude

# measures and the units of their shifts
MEASURES = {"f0": "st", "range": "st", "rate": "%", "level": "dB", "tilt": "dB"}
BORDER_HZ = 1000  # energy above over energy below is the tilt
TRIM_DB = 35.0  # below the loud frames = silence at the ends
ACTIVE_DB = 25.0  # below the loud frames = not counted in level and tilt
CLIPS_A_KIND = 6  # base clips measured for every voice and emotion
SURE = 0.7  # posterior of an emotion below which a clip counts as neutral
NEUTRAL = "neutral"


def spoken_phones(ipa: str) -> int:
    """How many phones of a phone string are not pauses, at least 1."""
    silent = {SYMBOLS[kind] for kind in ENGLISH.pauses} | set("ˈˌ")
    return max(1, sum(symbol not in silent for symbol in ipa))


@torch.inference_mode()
def measure(codec: Codec, codes: np.ndarray, ipa: str) -> np.ndarray:
    """codes [K,F] and their phone string -> float64 [5] in the order of `MEASURES`.

    Mean F0 and its 5 to 95 % range in semitones, 100 ln of the phones per second, level and tilt in
    dB; NaN where nothing is voiced.
    """
    if codes.shape[1] == 0:
        return np.full(len(MEASURES), np.nan)
    config = codec.config
    decoded = codec.decode_latents(
        codec.quantizer.lookup(torch.from_numpy(codes.astype(np.int64))[None])
    )
    window = torch.hann_window(config.n_fft)
    power = (
        magnitude(decoded.audio[:, 0].float(), config.n_fft, config.hop_length, window)[0]
        .square()
        .double()
        .numpy()
    )
    power = power[:, : decoded.log_f0.shape[1]] + 1e-12
    levels = 10 * np.log10(power.mean(axis=0))
    loud = np.percentile(levels, 95)
    sounding, active = np.flatnonzero(levels > loud - TRIM_DB), levels > loud - ACTIVE_DB
    voiced = (decoded.voicing[0] > 0).numpy() & active
    seconds = (sounding[-1] - sounding[0] + 1) * config.hop_length / config.sample_rate
    rate = 100 * np.log(spoken_phones(ipa) / seconds)
    level = 10 * np.log10(power[:, active].mean())
    if not voiced.any():
        return np.array([np.nan, np.nan, rate, level, np.nan])
    semitones = 12 / np.log(2) * decoded.log_f0[0].double().numpy()[voiced]
    border = round(BORDER_HZ * config.n_fft / config.sample_rate)
    tilt = 10 * np.log10(power[border:, voiced].sum() / power[1:border, voiced].sum())
    return np.array(
        [semitones.mean(), np.subtract(*np.percentile(semitones, [95, 5])), rate, level, tilt]
    )


@dataclass(frozen=True)
class ProsodyReference:
    """Shifts from a voice's neutral speech over the base voices, for every emotion but neutral."""

    emotions: tuple[str, ...]
    means: np.ndarray  # [E,5]
    deviations: np.ndarray  # [E,5]
    usual: np.ndarray  # [5] standard deviation of neutral clips about their voice's mean

    @property
    def clear(self) -> np.ndarray:
        """Where the direction of a shift is reliable: bool [E,5]."""
        return np.abs(self.means) > self.deviations

    def label(self, shifts: np.ndarray) -> str:
        """The emotion whose usual shift is nearest, or neutral where none clearly is.

        Args:
            shifts: [5] from the voice's median.
        """
        if not np.isfinite(shifts).all():
            return NEUTRAL
        centres = np.vstack([np.zeros(len(MEASURES)), self.means])
        distances = (((shifts - centres) / self.usual) ** 2).sum(axis=1)
        likelihoods = np.exp(-0.5 * (distances - distances.min()))
        best = int(likelihoods.argmax())
        return (
            (NEUTRAL, *self.emotions)[best]
            if likelihoods[best] > SURE * likelihoods.sum()
            else NEUTRAL
        )


def fit_reference(
    base: BaseData, codec: Codec, progress: Callable[[Sequence], Sequence] = lambda x: x
) -> ProsodyReference:
    """Measure base clips; voices without neutral clips are left out.

    Args:
        progress: wraps the list of clips, for a progress bar.
    """
    kinds = defaultdict(list)
    for utterance in base.utterances:
        if len(kinds[utterance.speaker, utterance.emotion]) < CLIPS_A_KIND:
            kinds[utterance.speaker, utterance.emotion].append(utterance)
    clips = [u for members in kinds.values() for u in members if (u.speaker, NEUTRAL) in kinds]
    measured = defaultdict(list)
    for utterance in progress(clips):
        measured[utterance.speaker, utterance.emotion].append(
            measure(codec, base.store[utterance.id], utterance.ipa)
        )
    centres = {
        speaker: mean(rows) for (speaker, emotion), rows in measured.items() if emotion == NEUTRAL
    }
    shifts = defaultdict(list)
    for (speaker, emotion), rows in measured.items():
        shifts[emotion] += [row - centres[speaker] for row in rows]
    usual = deviation(shifts.pop(NEUTRAL, []))
    names = tuple(sorted(shifts))
    means = np.array([mean(shifts[name]) for name in names]).reshape(-1, len(MEASURES))
    deviations = np.array([deviation(shifts[name]) for name in names]).reshape(-1, len(MEASURES))
    return ProsodyReference(names, means, deviations, np.where(usual > 1e-3, usual, np.inf))


def mean(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Mean [5] of rows [5] without NaN; NaN where there is nothing else."""
    return np.ma.masked_invalid(np.reshape(rows, (-1, len(MEASURES)))).mean(axis=0).filled(np.nan)


def deviation(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Standard deviation [5] of rows [5] in the same way."""
    return np.ma.masked_invalid(np.reshape(rows, (-1, len(MEASURES)))).std(axis=0).filled(np.nan)


def label_clips(reference: ProsodyReference, measured: Sequence[np.ndarray]) -> list[str]:
    """Emotions of one speaker's clips [5] each, against the median of them all."""
    usual = np.ma.median(np.ma.masked_invalid(np.array(measured)), axis=0).filled(np.nan)
    return [reference.label(row - usual) for row in measured]
