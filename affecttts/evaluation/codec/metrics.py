"""What is measured of a codec's copies."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from affecttts.evaluation.codec.heard import (
    character_errors,
    naturalness,
    sound,
    speaker_cosine,
    visqol,
    word_errors,
    word_errors_at_most_all,
)
from affecttts.evaluation.codec.metric import (
    COST,
    ENVELOPE,
    KEPT,
    PROSODY,
    QUALITY,
    SPECTRUM,
    SPEECH,
    Metric,
    Pair,
)
from affecttts.evaluation.judges.declarations import (
    NATURALNESS,
    SOUND,
    VOICE,
    WHISPER_BASE,
    WORDS,
    JudgeCard,
)
from affecttts.evaluation.judges.words import BASE, TINY_EN
from affecttts.evaluation.signal.acoustics import Acoustics, acoustics, shift
from affecttts.evaluation.signal.envelope import BANDS, Envelope, compare_envelopes
from affecttts.evaluation.signal.fidelity import (
    HOP_SECONDS,
    compare_pitch,
    level_correlation,
    log_spectral_distance_db,
    mel_distance_db,
    pesq_wide_band,
    si_sdr_db,
    stoi,
)
from affecttts.evaluation.signal.pitch import agreed_f0, f0_numpy

JUDGES = {  # by the names that leave them out
    "words": WORDS,
    "whisper_base": WHISPER_BASE,
    "voice": VOICE,
    "sound": SOUND,
    "distillmos": NATURALNESS,
}
ENVELOPE_MEASURES = ("spread", "change", "correlation")  # of `Envelope`, by band


def envelope_name(measure: str, band: str) -> str:
    """Name of a metric: a measure of `ENVELOPE_MEASURES` in a band of quefrency."""
    return f"envelope {measure} {band}"


def _by(judge: str, *more: str) -> dict:
    card: JudgeCard = JUDGES[judge]
    return {"needs": (*card.packages, *more), "install": card.install, "judge": judge}


def _waveform(measure: Callable[..., float], **options: bool) -> Callable[[Pair], float]:
    return lambda pair: measure(pair.original, pair.copy, pair.sample_rate, **options)


@lru_cache(maxsize=KEPT)
def _f0(audio: bytes, sample_rate: int) -> np.ndarray:
    return f0_numpy(np.frombuffer(audio, dtype=np.float32), sample_rate)


@lru_cache(maxsize=KEPT)
def _agreed_f0(audio: bytes, sample_rate: int) -> np.ndarray:
    return agreed_f0(_f0(audio, sample_rate), np.frombuffer(audio, dtype=np.float32), sample_rate)


def _pitch(part: int, track: Callable[[bytes, int], np.ndarray] = _f0) -> Callable[[Pair], float]:
    return lambda pair: compare_pitch(
        *(track(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy))
    )[part]


def _agreed(pair: Pair) -> tuple[float, float]:
    audio = pair.original.tobytes()
    agreed = (_agreed_f0(audio, pair.sample_rate) > 0).sum()
    return 100.0 * float(agreed), float((_f0(audio, pair.sample_rate) > 0).sum())


@lru_cache(maxsize=KEPT)
def _acoustics(audio: bytes, sample_rate: int) -> Acoustics:
    return acoustics(np.frombuffer(audio, dtype=np.float32), sample_rate)


def _moved(name: str) -> Callable[[Pair], float]:
    return lambda pair: abs(
        shift(*(_acoustics(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy)))[
            name
        ]
    )


@lru_cache(maxsize=1)
def _envelope(original: bytes, copy: bytes, sample_rate: int) -> Envelope:
    signals = (np.frombuffer(x, dtype=np.float32) for x in (original, copy))
    return compare_envelopes(*signals, sample_rate)


def _envelope_of(pair: Pair) -> Envelope:
    return _envelope(pair.original.tobytes(), pair.copy.tobytes(), pair.sample_rate)


def _envelope_metric(measure: str, place: int) -> Metric:
    def value(pair: Pair) -> float:
        return float(getattr(_envelope_of(pair), measure)[place])

    better = True if measure == "correlation" else None
    return Metric(envelope_name(measure, BANDS[place]), "", better, ENVELOPE, value)


METRICS = (
    Metric("DistillMOS", "", True, QUALITY, naturalness, of_copy=True, **_by("distillmos")),
    Metric("DNSMOS", "", True, QUALITY, sound, of_copy=True, **_by("sound")),
    Metric("PESQ-WB", "", True, QUALITY, _waveform(pesq_wide_band), ("pesq",)),
    Metric(
        "ViSQOL",
        "",
        True,
        QUALITY,
        visqol,
        ("visqol", "ai_edge_litert"),
        "pip install 'visqol-python[lattice]'",
    ),
    Metric("STOI", "", True, QUALITY, _waveform(stoi), ("pystoi",)),
    Metric("ESTOI", "", True, QUALITY, _waveform(stoi, extended=True), ("pystoi",)),
    Metric("SI-SDR", "dB", True, SPECTRUM, lambda p: si_sdr_db(p.original, p.copy)),
    Metric("mel distance", "dB", False, SPECTRUM, _waveform(mel_distance_db), ("librosa",)),
    Metric(
        "log spectral distance",
        "dB",
        False,
        SPECTRUM,
        lambda p: log_spectral_distance_db(p.original, p.copy),
    ),
    Metric("envelope error", "dB", False, SPECTRUM, lambda p: _envelope_of(p).error_db),
    Metric("tilt shift", "dB", False, SPECTRUM, _moved("tilt")),
    *(
        _envelope_metric(measure, place)
        for measure in ENVELOPE_MEASURES
        for place in range(len(BANDS))
    ),
    Metric("log-F0 correlation", "", True, PROSODY, _pitch(0), by_emotion=True),
    Metric(
        "log-F0 correlation, where two trackers agree",
        "",
        True,
        PROSODY,
        _pitch(0, _agreed_f0),
        ("pyworld",),
        "pip install 'affecttts[train]'",
    ),
    Metric(
        "voiced frames where two trackers agree",
        "%",
        None,
        PROSODY,
        _agreed,
        ("pyworld",),
        "pip install 'affecttts[train]'",
    ),
    Metric("F0 error", "cents", False, PROSODY, _pitch(1), by_emotion=True),
    Metric("voicing errors", "%", False, PROSODY, _pitch(2)),
    Metric("pitch range shift", "st", False, PROSODY, _moved("range"), by_emotion=True),
    Metric(
        "level correlation",
        "",
        True,
        PROSODY,
        lambda p: level_correlation(p.original, p.copy, round(HOP_SECONDS * p.sample_rate)),
    ),
    Metric("level shift", "dB", False, PROSODY, _moved("level")),
    Metric("word errors", "%", False, SPEECH, word_errors(TINY_EN), of_copy=True, **_by("words")),
    Metric(
        "word errors, a clip at most all wrong",
        "%",
        False,
        SPEECH,
        word_errors_at_most_all(TINY_EN),
        of_copy=True,
        **_by("words"),
    ),
    Metric(
        "character errors",
        "%",
        False,
        SPEECH,
        character_errors(TINY_EN),
        of_copy=True,
        **_by("words"),
    ),
    Metric(
        "word errors, Whisper base",
        "%",
        False,
        SPEECH,
        word_errors(BASE),
        of_copy=True,
        **_by("whisper_base"),
    ),
    Metric("speaker cosine", "", True, SPEECH, speaker_cosine, **_by("voice", "webrtcvad")),
    Metric(
        "bitrate",
        "kbit/s",
        False,
        COST,
        lambda p: (p.bits / 1000, p.seconds) if p.bits is not None else math.nan,
    ),
    Metric(
        "real-time factor",
        "",
        False,
        COST,
        lambda p: (p.elapsed_seconds, p.seconds) if p.elapsed_seconds is not None else math.nan,
    ),
)
