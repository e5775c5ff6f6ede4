"""Codecs under test: ours, others', and any command, each as one object that takes audio and gives
its copy.
"""

from __future__ import annotations

import math
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import teachers_of
from codec.audio import Audio, read_samples, resample, save_wav
from codec.files import fingerprint

MAX_DELAY_SECONDS = 0.2
ENVELOPE_RATE = 1000  # Hz, of the loudness contours that find a delay
ENVELOPE_SECONDS = 0.02
KEPT_WAVEFORM = 0.5  # correlation from which on a codec keeps the waveform
FINE_SECONDS = 0.01  # around the delay of the contours, where that of the waveforms is looked for


@dataclass(frozen=True, eq=False)
class Coded:
    """One signal after a codec."""

    audio: np.ndarray  # float32 [T'], at the rate that came in
    bits: float | None = None  # of what was coded, a container's own bytes left out; None = unknown
    codes: np.ndarray | None = None  # int64 [K,F]; None = no codebooks


class System(Protocol):
    """A codec under test."""

    name: str
    bitrate: float | None  # kbit/s as declared; None = unknown, or only known once it has coded
    identity: str  # results of another identity are not its results
    codebook_size: int | None
    teachers: tuple[str, ...]  # models that took part in its training

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """Copy of audio [T] at `sample_rate` Hz."""
        ...


@dataclass(frozen=True)
class Absent:
    """A codec that was asked for and cannot run here."""

    name: str
    cure: str


class AffectCodec:
    """One of our codecs."""

    def __init__(self, name: str, folder: Path, codec: Any, num_codebooks: int | None) -> None:
        config = codec.config
        if num_codebooks is not None and not 1 <= num_codebooks <= config.all_codebooks:
            raise RequestError(
                f"{folder}: has {config.all_codebooks} codebooks, not "
                f"{num_codebooks}; lower --num-codebooks"
            )
        self.name, self._codec, self._num_codebooks = name, codec, num_codebooks
        self.identity = (
            f"{fingerprint(folder, decoder=True)} {num_codebooks or config.all_codebooks}"
        )
        self.codebook_size, self.teachers = config.codebook_size, teachers_of(folder)
        frames = config.sample_rate / config.samples_per_frame
        self.bitrate = (
            (num_codebooks or config.all_codebooks)
            * frames
            * math.log2(config.codebook_size)
            / 1000
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """See `System`."""
        import torch

        rate = self._codec.config.sample_rate
        with torch.inference_mode():
            encoded = self._codec.encode(
                torch.from_numpy(resample(audio, sample_rate, rate))[None, None],
                self._num_codebooks,
            )
            copy = self._codec.decode(encoded.codes, encoded.num_samples)[0, 0].numpy()
        bits = encoded.codes.numel() * math.log2(self.codebook_size)
        return Coded(resample(copy, rate, sample_rate), bits, encoded.codes[0].numpy())


class Transformers:
    """EnCodec, DAC or Mimi of the package transformers, its first codebooks."""

    teachers = ()

    def __init__(self, name: str, model: Any, num_codebooks: int | None) -> None:
        config = model.config
        self._all = getattr(config, "num_quantizers", None) or config.n_codebooks
        if num_codebooks is not None and not 1 <= num_codebooks <= self._all:
            raise RequestError(
                f"{name}: has {self._all} codebooks, not {num_codebooks}; lower --num-codebooks"
            )
        self.name, self._model, self._kept = name, model, num_codebooks or self._all
        self.identity, self.codebook_size, self.bitrate = (
            f"{model.name_or_path} {self._kept}",
            config.codebook_size,
            None,
        )
        self._options = (
            {"bandwidth": config.target_bandwidths[-1]} if config.model_type == "encodec" else {}
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """See `System`."""
        import torch

        rate, encodec = self._model.config.sampling_rate, self._model.config.model_type == "encodec"
        heard = torch.from_numpy(resample(audio, sample_rate, rate))[None, None]
        with torch.inference_mode():
            encoded = self._model.encode(heard, **self._options)
            codes = encoded.audio_codes[..., : self._kept, :]
            scales = {"audio_scales": encoded.audio_scales} if encodec else {}
            copy = self._model.decode(audio_codes=codes, **scales).audio_values.reshape(-1).numpy()
        codes = codes.reshape(-1, codes.shape[-1])
        return Coded(
            resample(copy, rate, sample_rate),
            codes.numel() * math.log2(self.codebook_size),
            codes.numpy(),
        )


class Command:
    """A program that reads one audio file and writes another; it is started without a shell."""

    codebook_size, teachers = None, ()

    def __init__(
        self, name: str, command: str, bitrate: float | None, timeout_seconds: float
    ) -> None:
        self._words = shlex.split(command)
        if not {"{in}", "{out}"} <= {
            mark for word in self._words for mark in ("{in}", "{out}") if mark in word
        }:
            raise RequestError(
                f"--external {name}: the command needs {{in}} and {{out}}: "
                f'"{name}=program {{in}} {{out}}"'
            )
        self.name, self.identity, self.bitrate, self._timeout = (
            name,
            command,
            bitrate,
            timeout_seconds,
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """See `System`.

        Raises:
            RequestError: the command is missing, fails, takes too long or writes nothing readable.
        """
        with TemporaryDirectory() as folder:
            paths = {"{in}": f"{folder}/in.wav", "{out}": f"{folder}/out.wav"}
            save_wav(paths["{in}"], Audio(audio, sample_rate))
            run(
                [
                    word.replace("{in}", paths["{in}"]).replace("{out}", paths["{out}"])
                    for word in self._words
                ],
                self._timeout,
            )
            if not Path(paths["{out}"]).exists():
                raise RequestError(
                    f"{self.identity}: wrote no {{out}}; it must be a file that "
                    "libsndfile reads, such as WAV"
                )
            return Coded(read_mono(paths["{out}"], sample_rate))


def run(words: Sequence[str], timeout_seconds: float) -> bytes:
    """What a program prints.

    Raises:
        RequestError: it is missing, fails or takes too long.
    """
    command = shlex.join(words)
    try:
        done = subprocess.run(
            words, capture_output=True, timeout=timeout_seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise RequestError(
            f"{command}: took over {timeout_seconds:g} s; raise --timeout or mend the command"
        ) from error
    except OSError as error:
        raise RequestError(
            f"{command}: cannot be started ({error.strerror}); install {words[0]} "
            "or correct its path"
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:] or "nothing on stderr"
        raise RequestError(f"{command}: ended with exit code {done.returncode}: {said}")
    return done.stdout


def read_mono(path: str | Path, sample_rate: int) -> np.ndarray:
    """A decoded file at `sample_rate` Hz, float32 [T]; unlike originals, copies may be silent or
    loud.
    """
    samples, rate = read_samples(path)
    return np.nan_to_num(resample(samples.mean(axis=1), rate, sample_rate))


class Aligned:
    """A system whose copies are as long as their originals and free of its constant delay."""

    def __init__(self, system: System, probes: Sequence[np.ndarray], sample_rate: int) -> None:
        """Measure the delay on `probes`, originals [T] at `sample_rate` Hz."""
        self.system, self.name, self.identity = system, system.name, system.identity
        self.delay_seconds = delay_seconds(
            [(probe, system.code(probe, sample_rate).audio) for probe in probes], sample_rate
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """As that of the system, [T]."""
        coded = self.system.code(audio, sample_rate)
        shift = round(self.delay_seconds * sample_rate)
        moved = coded.audio[shift:] if shift >= 0 else np.pad(coded.audio, (-shift, 0))
        moved = np.pad(moved, (0, max(0, len(audio) - len(moved))))[: len(audio)]
        return replace(coded, audio=np.ascontiguousarray(moved, dtype=np.float32))


def delay_seconds(pairs: Sequence[tuple[np.ndarray, np.ndarray]], sample_rate: int) -> float:
    """How much later than the originals the copies are; negative where they are earlier.

    The loudness contours' cross-correlation finds it to a millisecond; that of the waveforms to a
    sample, where the codec keeps the waveform at all. Correlations are summed over the pairs [T],
    [T'], as the delay is taken to be constant.
    """
    contours = [(_contour(a, sample_rate), _contour(b, sample_rate)) for a, b in pairs]
    coarse, _ = _best_lag(contours, 0, round(MAX_DELAY_SECONDS * ENVELOPE_RATE))
    middle = round(coarse / ENVELOPE_RATE * sample_rate)
    fine, strength = _best_lag(pairs, middle, round(FINE_SECONDS * sample_rate))
    return fine / sample_rate if strength >= KEPT_WAVEFORM else coarse / ENVELOPE_RATE


def _contour(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log energy without its mean, at ENVELOPE_RATE."""
    sums = np.cumsum(np.pad(np.square(audio, dtype=np.float64), (1, 0)))
    half = round(ENVELOPE_SECONDS * sample_rate / 2)
    centres = np.arange(0, len(audio), sample_rate / ENVELOPE_RATE).round().astype(int)
    energy = sums[np.minimum(centres + half, len(audio))] - sums[np.maximum(centres - half, 0)]
    levels = np.log(np.maximum(energy, 1e-5 * energy.max(initial=1e-9)))
    return levels - levels.mean()


def _best_lag(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], middle: int, reach: int
) -> tuple[int, float]:
    """Lag of the second behind the first within `reach` of `middle`, and the mean correlation
    there.
    """
    lags, total = np.arange(middle - reach, middle + reach + 1), 0.0
    for first, second in pairs:
        size = 1 << (len(first) + len(second) + abs(middle) + reach).bit_length()
        product = np.fft.irfft(np.conj(np.fft.rfft(first, size)) * np.fft.rfft(second, size), size)
        total = total + product[lags % size] / np.sqrt(
            max(float((first @ first) * (second @ second)), 1e-12)
        )
    best = int(np.argmax(total))
    return int(lags[best]), float(total[best]) / len(pairs)
