"""What a vocoder would have to be told to speak as the recordings of an audio cache do."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np

from affecttts.data.audio_cache import AudioCache, CachedClip
from affecttts.machine import usable_cpus
from codec.atomic import atomic_file
from codec.nn.vocoder import aperiodicity_bands, mel_cosines, mel_points

POINTS = 256  # of the mel scale at which an envelope is read
DITHER = 1e-5  # amplitude of the noise under digital silence
LOWEST_HZ = 55.0  # F0 that the analysis window must be long enough for


def vocoder_parameters(
    audio: np.ndarray, f0: np.ndarray, sample_rate: int, hop_length: int, coefficients: int
) -> np.ndarray:
    """Envelope by CheapTrick (Morise 2015) and aperiodicity by D4C (Morise 2016), both of WORLD.

    Args:
        audio: [T].
        f0: [N] Hz at the centre of every hop, 0 = unvoiced.

    Returns:
        float32 [N, C + A]: see `VocoderParameters`.
    """
    import pyworld

    dither = np.random.default_rng(0).standard_normal(len(audio))
    signal, f0 = audio + DITHER * dither, np.ascontiguousarray(f0, np.float64)
    times = (np.arange(len(f0)) + 0.5) * hop_length / sample_rate
    size = pyworld.get_cheaptrick_fft_size(sample_rate, LOWEST_HZ)
    power = pyworld.cheaptrick(signal, f0, times, sample_rate, f0_floor=LOWEST_HZ, fft_size=size)
    envelope = np.log(power) / 2 @ _mel_cepstrum(size, sample_rate, coefficients)
    aperiodicity = pyworld.d4c(signal, f0, times, sample_rate, fft_size=size)
    bands = pyworld.code_aperiodicity(aperiodicity, sample_rate)
    return np.concatenate([envelope, bands], axis=1).astype(np.float32)


@cache
def _mel_cepstrum(size: int, sample_rate: int, coefficients: int) -> np.ndarray:
    """Log amplitudes at the bins of an FFT -> coefficients of `mel_cosines`: [size // 2 + 1, C]."""
    bins = np.linspace(0, sample_rate / 2, size // 2 + 1)
    points = mel_points(POINTS, sample_rate)
    reading = np.stack([np.interp(points.numpy(), bins, row) for row in np.eye(len(bins))])
    cosines = mel_cosines(coefficients, points, sample_rate).numpy()
    return reading @ cosines.T / POINTS


class VocoderCache:
    """Parameters of every clip of an audio cache, analysed once (all cores, progress bar)."""

    def __init__(self, audio: AudioCache, folder: str | Path, coefficients: int) -> None:
        self.hop_length = audio.hop_length
        path = Path(folder) / f"vocoder{coefficients}.f16"
        if not path.exists():
            self._build(audio, path, coefficients)
        width = coefficients + aperiodicity_bands(audio.sample_rate)
        self._values = np.memmap(path, np.float16, "r").reshape(-1, width)

    @staticmethod
    def _build(audio: AudioCache, path: Path, coefficients: int) -> None:
        from tqdm import tqdm

        shape = audio.sample_rate, audio.hop_length, coefficients
        analyse = partial(_analyse, shape=shape)
        work = ((audio.audio(clip), audio.f0(clip)) for clip in audio.clips)
        with (
            atomic_file(path) as temporary,
            open(temporary, "wb") as file,
            ProcessPoolExecutor(usable_cpus()) as pool,
        ):
            for rows in tqdm(
                pool.map(analyse, work, chunksize=16),
                total=len(audio.clips),
                desc="vocoder",
                unit="clip",
            ):
                file.write(rows.tobytes())

    def parameters(self, clip: CachedClip) -> np.ndarray:
        """float32 [N, C + A] of a clip."""
        start, count = clip.start // self.hop_length, clip.length // self.hop_length
        return self._values[start : start + count].astype(np.float32)


def _analyse(item: tuple[np.ndarray, np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    return vocoder_parameters(*item, *shape).astype(np.float16)
