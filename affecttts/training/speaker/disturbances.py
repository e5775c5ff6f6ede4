"""What recordings add to a voice: rooms, noise, other voices, microphones. All of it at random."""

from __future__ import annotations

import numpy as np

SPEED_OF_DECAY = 6.9  # natural logarithm of 60 dB


def in_room(audio: np.ndarray, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """audio float32 [T] with the reverberation of a room of 0.1 to 0.6 s, 0 to 15 dB below it."""
    seconds = generator.uniform(0.1, 0.6)
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    tail = generator.standard_normal(len(times)) * np.exp(-SPEED_OF_DECAY * times / seconds)
    tail *= 10 ** (-generator.uniform(0, 15) / 20) / np.linalg.norm(tail)
    tail[0] = 1.0
    size = len(audio) + len(tail) - 1
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(tail, size), size)
    return wet[: len(audio)].astype(np.float32)


def coloured_noise(length: int, generator: np.random.Generator) -> np.ndarray:
    """float32 [T] of unit power, between white and brown."""
    spectrum = np.fft.rfft(generator.standard_normal(length))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** generator.uniform(0, 1)
    return _unit(np.fft.irfft(spectrum, length))


def mixed(
    audio: np.ndarray, noise: np.ndarray, generator: np.random.Generator, least: float
) -> np.ndarray:
    """audio [T] with noise [T] behind it, `least` to 30 dB below."""
    level = np.sqrt(np.square(audio).mean()) * 10 ** (-generator.uniform(least, 30) / 20)
    return audio + np.float32(level) * _unit(noise)


def filtered(audio: np.ndarray, sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """audio [T] under a tilt of up to 6 dB an octave and the cut-offs of a microphone or line."""
    bins = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    gain = generator.uniform(-6, 6) * np.log2(np.maximum(bins, 50) / 1000)
    low, high = generator.uniform(20, 300), generator.uniform(3000, sample_rate / 2)
    gain -= 24 * np.log2(np.maximum(bins / high, 1)) + 24 * np.log2(
        np.maximum(low / np.maximum(bins, 1), 1)
    )
    shaped = np.fft.irfft(np.fft.rfft(audio) * 10 ** (np.maximum(gain, -80) / 20), len(audio))
    return shaped.astype(np.float32)


def _unit(signal: np.ndarray) -> np.ndarray:
    return (signal / np.sqrt(np.square(signal).mean() + 1e-12)).astype(np.float32)
