"""Classical codecs as baselines, and what to call them: Opus and MP3 through libsndfile, others
through ffmpeg.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from affecttts.errors import RequestError
from affecttts.evaluation.codec.systems import Absent, Coded, System, read_mono, run
from codec.audio import Audio, decoded, encoded, resample, save_wav

FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y")
FFMPEG_SECONDS = 120.0
OPUS_BPS = (6000, 256000)  # what libsndfile's compression levels 1 and 0 stand for
MP3_BPS = (8000, 160000)  # the same at 16 to 24 kHz
OGG_HEADER_PACKETS = 2


@dataclass(frozen=True)
class Sndfile:
    """A format of libsndfile with a bitrate to choose."""

    container: str
    subtype: str
    sample_rate: int  # Hz
    range_bps: tuple[int, int]
    payload: Callable[[bytes], int]  # bytes of what was coded, of those of a file
    bitrate_mode: str | None = None


@dataclass(frozen=True)
class Ffmpeg:
    """An encoder that ffmpeg may have."""

    encoder: str
    extension: str
    sample_rate: int  # Hz
    option: str  # of the bitrate in bit/s


@dataclass(frozen=True)
class Baseline:
    """One classical codec."""

    way: Sndfile | Ffmpeg
    usual: tuple[float, ...]  # kbit/s when none are asked for
    rates: tuple[float, ...]  # kbit/s that it has


def ogg_payload(data: bytes) -> int:
    """Bytes in the packets of an Ogg stream, its headers and pages left out (RFC 3533)."""
    place, packets, total = 0, 0, 0
    while data[place : place + 4] == b"OggS":
        lacing = data[place + 27 : place + 27 + data[place + 26]]
        for size in lacing:
            total += size if packets >= OGG_HEADER_PACKETS else 0
            packets += size < 255
        place += 27 + len(lacing) + sum(lacing)
    return total


BASELINES = {
    "opus": Baseline(
        Sndfile("OGG", "OPUS", 24000, OPUS_BPS, ogg_payload),
        (6, 8, 12),
        (6, 8, 10, 12, 16, 20, 24, 32, 48, 64),
    ),
    "mp3": Baseline(
        Sndfile("MP3", "MPEG_LAYER_III", 24000, MP3_BPS, len, "CONSTANT"),
        (16, 32),
        (16, 24, 32, 40, 48, 56, 64),
    ),
    "codec2": Baseline(
        Ffmpeg("libcodec2", "c2", 8000, "-mode"),
        (1.2, 2.4, 3.2),
        (0.7, 1.2, 1.3, 1.4, 1.6, 2.4, 3.2),
    ),
    "speex": Baseline(Ffmpeg("libspeex", "spx", 16000, "-b:a"), (4, 8), (4, 6, 8, 10, 13, 17)),
    "amr": Baseline(
        Ffmpeg("libopencore_amrnb", "amr", 8000, "-b:a"),
        (4.75, 12.2),
        (4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2),
    ),
    "amr-wb": Baseline(
        Ffmpeg("libvo_amrwbenc", "amr", 16000, "-b:a"),
        (6.6, 12.65),
        (6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05, 23.85),
    ),
}


def open_baseline(name: str, bitrates: tuple[float, ...]) -> list[System | Absent]:
    """The baseline at those of `bitrates` (kbit/s) that it has, at its usual ones where none are
    given.

    Raises:
        RequestError: it has none of them.
    """
    baseline = BASELINES[name]
    chosen = [rate for rate in baseline.rates if rate in bitrates] if bitrates else baseline.usual
    if not chosen:
        listed = ", ".join(f"{rate:g}" for rate in baseline.rates)
        raise RequestError(f"--bitrates: {name} has none of them; it has {listed} kbit/s")
    if isinstance(baseline.way, Sndfile):
        return [SndfileCodec(f"{name} {rate:g}k", baseline.way, rate) for rate in chosen]
    cure = _lack(baseline.way.encoder)
    return (
        [Absent(name, cure)]
        if cure
        else [FfmpegCodec(f"{name} {rate:g}k", baseline.way, rate) for rate in chosen]
    )


def _lack(encoder: str) -> str:
    """What to do for ffmpeg to have an encoder; empty where it has it."""
    if shutil.which("ffmpeg") is None:
        return "install ffmpeg (Debian: apt-get install ffmpeg)"
    return "" if encoder in _encoders() else f"install an ffmpeg that was built with {encoder}"


@lru_cache(maxsize=1)
def _encoders() -> frozenset[str]:
    lines = run([*FFMPEG, "-encoders"], FFMPEG_SECONDS).decode(errors="replace").splitlines()
    return frozenset(line.split()[1] for line in lines if len(line.split()) > 1)


class SndfileCodec:
    """Through libsndfile, in memory."""

    codebook_size, teachers = None, ()

    def __init__(self, name: str, way: Sndfile, kbps: float) -> None:
        self.name, self.bitrate, self.identity, self._way = (
            name,
            kbps,
            (f"libsndfile {way.subtype} {kbps:g}"),
            way,
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """See `System`."""
        way = self._way
        low, high = way.range_bps
        level = (high - 1000 * self.bitrate) / (high - low)
        heard = Audio(resample(audio, sample_rate, way.sample_rate), way.sample_rate)
        data = encoded(
            heard,
            way.container,
            way.subtype,
            compression_level=level,
            bitrate_mode=way.bitrate_mode,
        )
        copy = decoded(data)
        return Coded(resample(copy.samples, copy.sample_rate, sample_rate), 8 * way.payload(data))


class FfmpegCodec:
    """Through ffmpeg, in temporary files."""

    codebook_size, teachers = None, ()

    def __init__(self, name: str, way: Ffmpeg, kbps: float) -> None:
        self.name, self.bitrate, self.identity, self._way = (
            name,
            kbps,
            (f"ffmpeg {way.encoder} {kbps:g}"),
            way,
        )

    def code(self, audio: np.ndarray, sample_rate: int) -> Coded:
        """See `System`."""
        way = self._way
        with TemporaryDirectory() as folder:
            original, coded, copy = (
                str(Path(folder, name)) for name in ("in.wav", f"coded.{way.extension}", "out.wav")
            )
            save_wav(
                original, Audio(resample(audio, sample_rate, way.sample_rate), way.sample_rate)
            )
            rate = str(round(1000 * self.bitrate))
            run(
                [*FFMPEG, "-i", original, "-c:a", way.encoder, way.option, rate, coded],
                FFMPEG_SECONDS,
            )
            packets = run(
                [*FFMPEG, "-i", coded, "-map", "0:a", "-c", "copy", "-f", "data", "-"],
                FFMPEG_SECONDS,
            )
            run([*FFMPEG, "-i", coded, copy], FFMPEG_SECONDS)
            return Coded(read_mono(copy, sample_rate), 8 * len(packets))
