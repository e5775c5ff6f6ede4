"""What is measured of a codec's copies: each metric takes an original and its copy, and says what
it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from affecttts.data.manifest import Utterance
from affecttts.evaluation.codec.fidelity import (
    HOP_SECONDS,
    compare_pitch,
    level_correlation,
    log_spectral_distance_db,
    mel_distance_db,
    pesq_wide_band,
    si_sdr_db,
    stoi,
)
from affecttts.evaluation.judges.base import JUDGE_RATE, to_judge_rate
from affecttts.evaluation.judges.declarations import EXTRA, SOUND, VOICE, WORDS
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import WordJudge, count_words
from affecttts.evaluation.signal.acoustics import Acoustics, acoustics, shift
from affecttts.evaluation.signal.pitch import f0_numpy

JUDGE_THREADS = 2  # of the two judges that take most of the time
KEPT = 4  # results of costly judges that are kept: the original's serves every system
# a value, or what is counted and over what, so that a corpus rate can be made
Score = float | tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pair:
    """An original and its copy."""

    original: np.ndarray  # float32 [T]
    copy: np.ndarray  # float32 [T]
    sample_rate: int  # Hz
    row: Utterance
    bits: float | None = None  # coded; None = unknown
    elapsed_seconds: float | None = None  # spent coding; None = nothing was coded

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.original) / self.sample_rate


@dataclass(frozen=True)
class Metric:
    """One row of the report; `needs` are packages."""

    name: str
    unit: str
    higher_is_better: bool | None  # None = neither
    group: str
    measure: Callable[[Pair], Score]
    needs: tuple[str, ...] = ()
    install: str = EXTRA
    by_emotion: bool = False
    judge: str = ""  # by which it can be left out


def missing(metric: Metric) -> str:
    """How to install what the metric lacks; empty where nothing is."""
    return metric.install if any(find_spec(package) is None for package in metric.needs) else ""


def _waveform(measure: Callable[..., float], **options: bool) -> Callable[[Pair], float]:
    return lambda pair: measure(pair.original, pair.copy, pair.sample_rate, **options)


@lru_cache(maxsize=KEPT)
def _f0(audio: bytes, sample_rate: int) -> np.ndarray:
    return f0_numpy(np.frombuffer(audio, dtype=np.float32), sample_rate)


def _pitch(part: int) -> Callable[[Pair], float]:
    return lambda pair: compare_pitch(
        *(_f0(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy))
    )[part]


@lru_cache(maxsize=KEPT)
def _acoustics(audio: bytes, sample_rate: int) -> Acoustics:
    return acoustics(np.frombuffer(audio, dtype=np.float32), sample_rate)


def _moved(name: str) -> Callable[[Pair], float]:
    return lambda pair: abs(
        shift(*(_acoustics(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy)))[
            name
        ]
    )


def visqol(pair: Pair) -> float:
    """ViSQOL v3, speech mode, lattice mapping (Chinen et al. 2020), 1 to 5, by the package
    visqol-python.
    """
    signals = (
        to_judge_rate(x, pair.sample_rate).astype(np.float64) for x in (pair.original, pair.copy)
    )
    try:
        return float(_visqol().measure_from_arrays(*signals, JUDGE_RATE).moslqo)
    except (IndexError, ValueError):  # its way of saying that there is too little speech
        return math.nan


@lru_cache(maxsize=1)
def _visqol():
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    return api


_word_judge, _voice_judge, _sound_judge = (
    lru_cache(maxsize=1)(judge) for judge in (WordJudge, VoiceJudge, SoundJudge)
)


@lru_cache(maxsize=KEPT)
def _heard(audio: bytes, sample_rate: int) -> str:
    return _word_judge(JUDGE_THREADS).transcribe(
        np.frombuffer(audio, dtype=np.float32), sample_rate
    )


def word_errors(pair: Pair) -> Score:
    """100 times the word errors of Whisper tiny.en, and the words; nothing where the clip has no
    English text.
    """
    if (
        not pair.row.text
        or not pair.row.language.startswith("en")
        or not any(map(str.isalnum, pair.row.text))
    ):
        return float("nan")
    counts = count_words(pair.row.text, _heard(pair.copy.tobytes(), pair.sample_rate))
    return 100.0 * counts.errors, float(counts.words)


def character_errors(pair: Pair) -> Score:
    """As `word_errors`, of characters."""
    if isinstance(word_errors(pair), float):
        return float("nan")
    import jiwer

    texts = (pair.row.text, _heard(pair.copy.tobytes(), pair.sample_rate))
    result = jiwer.process_characters(*map(_normalizer(), texts))
    errors = result.substitutions + result.deletions + result.insertions
    return 100.0 * errors, float(result.hits + result.substitutions + result.deletions)


@lru_cache(maxsize=1)
def _normalizer() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def speaker_cosine(pair: Pair) -> float:
    """Cosine of Resemblyzer's embeddings of original and copy."""
    return float(
        np.dot(*(_voice(x.tobytes(), pair.sample_rate) for x in (pair.original, pair.copy)))
    )


@lru_cache(maxsize=KEPT)
def _voice(audio: bytes, sample_rate: int) -> np.ndarray:
    samples = np.frombuffer(audio, dtype=np.float32)
    return _voice_judge()(samples, sample_rate) if np.abs(samples).max() > 0 else np.full(1, np.nan)


@lru_cache(maxsize=KEPT)
def _sound(audio: bytes, sample_rate: int) -> float:
    return _sound_judge(JUDGE_THREADS)(np.frombuffer(audio, dtype=np.float32), sample_rate)


QUALITY, SPECTRUM, PROSODY, SPEECH, EMOTION, COST = (
    "quality",
    "spectrum",
    "prosody",
    ("words and voice"),
    "emotion",
    "cost",
)
WORD_JUDGE, VOICE_JUDGE, SOUND_JUDGE = "words", "voice", "sound"
_BY_WORDS = {"needs": WORDS.packages, "install": WORDS.install, "judge": WORD_JUDGE}
_BY_VOICE = {
    "needs": (*VOICE.packages, "webrtcvad"),
    "install": VOICE.install,
    "judge": VOICE_JUDGE,
}
_BY_SOUND = {"needs": SOUND.packages, "install": SOUND.install, "judge": SOUND_JUDGE}
METRICS = (
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
    Metric(
        "DNSMOS", "", True, QUALITY, lambda p: _sound(p.copy.tobytes(), p.sample_rate), **_BY_SOUND
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
    Metric("tilt shift", "dB", False, SPECTRUM, _moved("tilt")),
    Metric("log-F0 correlation", "", True, PROSODY, _pitch(0), by_emotion=True),
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
    Metric("word errors", "%", False, SPEECH, word_errors, **_BY_WORDS),
    Metric("character errors", "%", False, SPEECH, character_errors, **_BY_WORDS),
    Metric("speaker cosine", "", True, SPEECH, speaker_cosine, **_BY_VOICE),
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
