"""F0 by normalised autocorrelation and a best path over candidates (Boersma 1993), in numpy.

Two passes: the first finds the voice's register, the second searches only around it, which removes
octave errors.
"""

from __future__ import annotations

import numpy as np

FLOOR_HZ = 60.0
CEILING_HZ = 650.0
FRAMES_PER_SECOND = 100
ANALYSIS_RATE = 12000  # Hz; the signal is brought near this rate first
REGISTER = (0.7, 2.0)  # second pass: from this times the first quartile to this times the third
CANDIDATES = 6  # voiced candidates per frame
VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03  # of the loudest frame's peak
OCTAVE_COST = 0.01  # per octave below the ceiling
JUMP_COST = 0.35  # per octave between frames
VOICING_COST = 0.14  # per switch between voiced and unvoiced
AGREEMENT = 1.0  # semitones within which two trackers are of one opinion


def f0_numpy(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """F0 of mono audio [T] in Hz, 100 frames per second, 0 where unvoiced."""
    if len(audio) == 0:
        return np.zeros(0)
    step = max(1, round(sample_rate / ANALYSIS_RATE))
    signal, rate = _decimate(np.asarray(audio, dtype=np.float64), step), sample_rate / step
    f0 = _track(signal, rate, FLOOR_HZ, CEILING_HZ)
    if not (f0 > 0).any():
        return f0
    low, high = np.percentile(f0[f0 > 0], [25, 75]) * REGISTER
    return _track(signal, rate, max(FLOOR_HZ, low), min(CEILING_HZ, high))


def agreed_f0(own: np.ndarray, audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """`f0_numpy`'s answer [N] about mono audio [T], Hz, with 0 wherever WORLD's Harvest (Morise
    2017, by pyworld) disagrees by more than a semitone.

    Every tracker takes creaky stretches now for one octave and now for another. A copy that sounds
    alike then seems to have another pitch; two trackers seldom err in the same way at the same
    place.
    """
    import pyworld

    if not own.any():
        return own
    wide, period = np.asarray(audio, dtype=np.float64), 1000 / FRAMES_PER_SECOND
    other, _ = pyworld.harvest(
        wide, sample_rate, f0_floor=FLOOR_HZ, f0_ceil=CEILING_HZ, frame_period=period
    )
    other = np.pad(other, (0, max(0, len(own) - len(other))))[: len(own)]
    both = (own > 0) & (other > 0)
    distance = 12 * np.abs(np.log2(np.where(both, own, 1.0) / np.where(both, other, 1.0)))
    return np.where(both & (distance <= AGREEMENT), own, 0.0)


def f0_dio(audio: np.ndarray, sample_rate: int, hop_length: int) -> np.ndarray:
    """F0 by DIO and StoneMask (WORLD), at the centre of every hop: audio [T] -> [T //
    hop_length] Hz, 0 = unvoiced.
    """
    import pyworld

    wide, period = audio.astype(np.float64), 500 * hop_length / sample_rate
    rough, times = pyworld.dio(wide, sample_rate, 55.0, 700.0, frame_period=period)
    f0 = pyworld.stonemask(wide, rough, times, sample_rate)
    return f0[1::2][: len(audio) // hop_length].astype(np.float32)


def _track(signal: np.ndarray, rate: float, floor: float, ceiling: float) -> np.ndarray:
    """One pass between two frequencies in Hz; `rate` is that of the signal, Hz."""
    frames, peaks = _frames(signal, rate, int(3 * rate / floor))
    if len(frames) == 0 or peaks.max() == 0:
        return np.zeros(len(frames))
    lags, strengths = _candidates(
        _autocorrelation(frames), int(rate / ceiling), int(rate / floor) + 1
    )
    frequencies = np.where(lags > 0, rate / np.maximum(lags, 1), 0.0)
    octaves = np.log2(np.maximum(frequencies, 1) / ceiling)
    silence = 2 - (peaks / peaks.max()) / (SILENCE_THRESHOLD / (1 + VOICING_THRESHOLD))
    unvoiced = VOICING_THRESHOLD + np.maximum(0.0, silence)
    voiced = np.where(lags > 0, strengths + OCTAVE_COST * octaves, -1.0)
    return _best_path(
        np.column_stack([np.zeros(len(frames)), frequencies]), np.column_stack([unvoiced, voiced])
    )


def _decimate(signal: np.ndarray, step: int) -> np.ndarray:
    """Low-pass with a Hann-windowed sinc and keep every `step`-th sample."""
    if step == 1:
        return signal
    taps = np.arange(-8 * step, 8 * step + 1)
    kernel = np.sinc(taps / step) * np.hanning(len(taps))
    return np.convolve(signal, kernel / kernel.sum(), mode="same")[::step]


def _frames(signal: np.ndarray, rate: float, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean-free frames [N,width], and the peak of each."""
    hop = rate / FRAMES_PER_SECOND
    padded = np.pad(signal, width // 2)
    starts = np.round(np.arange(0, len(signal), hop)).astype(int)
    starts = starts[starts + width <= len(padded)]
    frames = (
        np.lib.stride_tricks.sliding_window_view(padded, width)[starts]
        if len(starts)
        else np.zeros((0, width))
    )
    frames = frames - frames.mean(axis=1, keepdims=True)
    return frames, np.abs(frames).max(axis=1, initial=0.0)


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """Autocorrelation of windowed frames over that of the window: [N,L], 1 at lag 0."""
    width = frames.shape[1]
    size = 1 << (2 * width - 1).bit_length()
    window = np.hanning(width)

    def correlate(x: np.ndarray) -> np.ndarray:
        return np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2)[..., : width // 2]

    of_frames, of_window = correlate(frames * window), correlate(window)
    return of_frames / np.maximum(of_frames[:, :1], 1e-20) / (of_window / of_window[0])


def _candidates(correlation: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """The strongest peaks of each frame at lags `first` <= lag < `last`, refined by a parabola.

    Returns:
        Lags [N,C] in samples, 0 where there are fewer peaks, and heights [N,C].
    """
    last = min(last, correlation.shape[1] - 2)
    left, middle, right = (correlation[:, first + k : last + k] for k in (-1, 0, 1))
    peaks = (middle > left) & (middle >= right)
    weight = OCTAVE_COST * np.log2(np.arange(first, last))
    order = np.argsort(np.where(peaks, weight - middle, np.inf), axis=1)[:, :CANDIDATES]
    left, middle, right, peaks = (
        np.take_along_axis(x, order, axis=1) for x in (left, middle, right, peaks)
    )
    bend = np.minimum(left - 2 * middle + right, -1e-12)
    offset = 0.5 * (left - right) / bend
    heights = np.minimum(middle - 0.25 * (left - right) * offset, 1.0)
    return np.where(peaks, first + order + offset, 0.0), heights


def _best_path(frequencies: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Viterbi over candidates; column 0 is 'unvoiced' (0 Hz)."""
    voiced = frequencies > 0
    octaves = np.log2(np.where(voiced, frequencies, 1.0))
    total, back = scores[0], np.zeros(frequencies.shape, dtype=int)
    for n in range(1, len(frequencies)):
        both = voiced[n - 1][:, None] & voiced[n][None]
        change = voiced[n - 1][:, None] != voiced[n][None]
        cost = np.where(
            both,
            JUMP_COST * np.abs(octaves[n - 1][:, None] - octaves[n][None]),
            VOICING_COST * change,
        )
        paths = total[:, None] - cost
        back[n] = paths.argmax(axis=0)
        total = paths.max(axis=0) + scores[n]
    path = np.empty(len(frequencies), dtype=int)
    path[-1] = total.argmax()
    for n in range(len(frequencies) - 1, 0, -1):
        path[n - 1] = back[n, path[n]]
    return frequencies[np.arange(len(path)), path]
