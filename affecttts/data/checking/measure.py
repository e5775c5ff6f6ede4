"""What one audio file is like: rate, channels, length, level, clipping, silence, loudness, and a
hash of its samples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.audio import checked, read_blocks
from codec.inputs.sound import mono_shares

FULL_SCALE = 0.999  # of the largest value: a sample at least so large may be clipped
CLIPPED_RUN = 3  # consecutive samples at full scale that count as clipped
FRAME_SECONDS = 0.02  # of the silence measure
SILENCE_DB = -40.0  # a frame so far below the loudest one is silent
BLOCK_SECONDS, BLOCK_OVERLAP = 0.4, 0.75  # gating blocks, ITU-R BS.1770-4
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS, LU


@dataclass(frozen=True)
class AudioFacts:
    """Measurements of one utterance, of the mean of its channels."""

    sample_rate: int  # Hz
    channels: int
    seconds: float
    peak: float  # 1 = full scale
    clipped: float  # share of samples in runs at full scale
    silence: float  # share of 20 ms frames far below the loudest one
    loudness: float  # LUFS
    digest: str  # of the decoded samples: copies in other containers have the same


def measure(
    path: str | Path, start: float | None = None, seconds: float | None = None
) -> AudioFacts:
    """Decode a file, or a part of it as `codec.audio.read_blocks` does, and measure it.

    Raises:
        AudioError: missing, unreadable, too short or long, NaN or infinite samples, digital
            silence.
    """
    parts, peak, clipped, digest = [], 0.0, ClippedSamples(), hashlib.sha256()
    for block, sound in read_blocks(path, start, seconds):
        parts.append(block @ mono_shares(sound.channels, sound.vorbis))
        peak = max(peak, float(np.abs(block).max()))
        clipped.add(block)
        whole = np.clip(np.nan_to_num(np.rint(block * 32768)), -32768, 32767)
        digest.update(whole.astype("<i2").tobytes())
    samples, rate = np.concatenate(parts), sound.rate
    checked(path, samples)
    digest.update(f"{rate} {sound.channels}".encode())
    return AudioFacts(
        rate,
        sound.channels,
        len(samples) / rate,
        peak,
        clipped.share,
        silent_share(samples, rate),
        loudness(samples, rate),
        digest.hexdigest()[:16],
    )


class ClippedSamples:
    """Counts samples in runs of at least `CLIPPED_RUN` at full scale, block by block."""

    def __init__(self) -> None:
        self.clipped = self.samples = 0
        # at full scale, and counted: the last samples of the block before, which a run may go on
        self._full = self._counted = None

    def add(self, block: np.ndarray) -> None:
        """One more block [n,C]."""
        full = np.abs(block) >= FULL_SCALE
        self.samples += block.size
        if self._full is not None:
            full = np.concatenate([self._full, full])
            self.clipped -= int(self._counted.sum())
        counted = _in_runs(full)
        if self._counted is not None:
            counted[: len(self._counted)] |= self._counted
        self.clipped += int(counted.sum())
        self._full, self._counted = full[1 - CLIPPED_RUN :], counted[1 - CLIPPED_RUN :]

    @property
    def share(self) -> float:
        """Of all samples."""
        return self.clipped / max(1, self.samples)


def _in_runs(full: np.ndarray) -> np.ndarray:
    """Which samples of [T,C] lie in a run of at least `CLIPPED_RUN` that are true."""
    inside = np.zeros_like(full)
    if len(full) >= CLIPPED_RUN and full.any():
        last = len(full) - CLIPPED_RUN + 1
        runs = np.stack([full[i : last + i] for i in range(CLIPPED_RUN)]).all(axis=0)
        for i in range(CLIPPED_RUN):
            inside[i : last + i] |= runs
    return inside


def silent_share(samples: np.ndarray, rate: int) -> float:
    """Share of frames of samples [T] whose power lies `SILENCE_DB` below that of the loudest."""
    length = max(1, round(FRAME_SECONDS * rate))
    frames = samples[: max(1, len(samples) // length) * length].reshape(
        -1, min(length, len(samples))
    )
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    return float((power < power.max() * 10 ** (SILENCE_DB / 10)).mean())


def loudness(samples: np.ndarray, rate: int) -> float:
    """Gated loudness of samples [T] in LUFS (ITU-R BS.1770-4); shorter than one block counts as one
    block.
    """
    weighted = np.square(_k_weighted(samples, rate))
    length = min(len(weighted), round(BLOCK_SECONDS * rate))
    step = max(1, round(length * (1 - BLOCK_OVERLAP)))
    total = np.concatenate([[0.0], np.cumsum(weighted)])
    starts = np.arange(0, len(weighted) - length + 1, step)
    power = np.maximum(total[starts + length] - total[starts], 1e-20) / length
    audible = power[_lufs(power) > ABSOLUTE_GATE]
    if not len(audible):
        return float(_lufs(power.mean()))
    return float(_lufs(audible[_lufs(audible) > _lufs(audible.mean()) + RELATIVE_GATE].mean()))


def _lufs(power: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(power)


def _k_weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """BS.1770's shelf and high-pass, applied to the spectrum. Their analogue parameters, so that
    any rate will do, are those of De Man, "Evaluation of implementations of the EBU R128 loudness
    measurement", AES 145 (2018).
    """
    # the tail of the high-pass must not wrap around
    size = 1 << (len(samples) + rate // 10).bit_length()
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response = _biquad(z, *_shelf(rate)) * _biquad(z, *_high_pass(rate))
    return np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: len(samples)]


def _biquad(z: np.ndarray, numerator: tuple, denominator: tuple) -> np.ndarray:
    """Response of a second-order section where z is the unit delay."""
    return np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)


def _shelf(rate: int) -> tuple[tuple, tuple]:
    k, q = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band, bottom = high**0.4996667741545416, 1 + k / q + k * k
    numerator = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    return tuple(b / bottom for b in numerator), (
        1.0,
        2 * (k * k - 1) / bottom,
        (1 - k / q + k * k) / bottom,
    )


def _high_pass(rate: int) -> tuple[tuple, tuple]:
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    bottom = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / bottom, (1 - k / q + k * k) / bottom)
