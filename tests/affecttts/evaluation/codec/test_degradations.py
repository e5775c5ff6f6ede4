"""Known degradations move the metric that is for them, and leave the others."""

import numpy as np
import pytest

from affecttts.data.manifest import Utterance
from affecttts.evaluation.codec import heard as hearing
from affecttts.evaluation.codec.emotion_retention import emotion_metrics
from affecttts.evaluation.codec.metric import Pair
from affecttts.evaluation.codec.metrics import METRICS
from affecttts.evaluation.codec.report import _finite
from affecttts.evaluation.judges.declarations import JudgeCard
from affecttts.evaluation.judges.words import TINY_EN

RATE = 24000
NAMES = (
    "SI-SDR",
    "log spectral distance",
    "tilt shift",
    "log-F0 correlation",
    "F0 error",
    "voicing errors",
    "pitch range shift",
    "level correlation",
    "level shift",
)
CEILING = {"SI-SDR": 100, "log-F0 correlation": 1, "level correlation": 1}


def row(**values):
    return Utterance(
        **({"id": "a", "path": "a.wav", "speaker": "s", "seconds": 2.0, "split": "test"} | values)
    )


def measured(original, copy):
    pair = Pair(original, copy.astype(np.float32), RATE, row())
    return {metric.name: metric.measure(pair) for metric in METRICS if metric.name in NAMES}


@pytest.fixture
def voice(pulses):
    return pulses(glide_st=6.0)


def test_nothing_moves_in_a_perfect_copy(voice):
    for name, value in measured(voice, voice).items():
        assert value == pytest.approx(CEILING.get(name, 0), abs=1e-6), name


def test_low_pass_moves_spectrum_and_tilt_but_not_pitch(voice):
    spectrum = np.fft.rfft(voice)
    spectrum[np.fft.rfftfreq(len(voice), 1 / RATE) > 1000] = 0
    found = measured(voice, np.fft.irfft(spectrum, len(voice)))
    assert found["log spectral distance"] > 5 and found["tilt shift"] > 5
    assert (
        found["log-F0 correlation"] > 0.99
        and found["F0 error"] < 20
        and found["pitch range shift"] < 0.3
    )
    assert found["level correlation"] > 0.95


def test_noise_moves_waveform_and_spectrum_but_not_pitch(voice):
    found = measured(voice, voice + 0.003 * np.random.default_rng(0).standard_normal(len(voice)))
    assert found["SI-SDR"] < 30 and found["log spectral distance"] > 3
    assert (
        found["log-F0 correlation"] > 0.99
        and found["F0 error"] < 20
        and found["tilt shift"] < 1
        and found["level shift"] < 1
    )


def test_flattened_pitch_moves_pitch_but_not_level_and_tilt(voice, pulses):
    found = measured(voice, pulses(glide_st=0.5))
    assert found["F0 error"] > 100 and found["pitch range shift"] > 3
    assert (
        found["level correlation"] > 0.95
        and found["level shift"] < 0.5
        and found["voicing errors"] < 5
    )


def test_changed_rate_moves_timing_but_not_timbre(voice, pulses):
    fast = pulses(glide_st=6.0, seconds=1.0)
    found = measured(voice, np.pad(fast, (0, len(voice) - len(fast))))
    assert (
        found["voicing errors"] > 15 and found["level correlation"] < 0.8 and found["F0 error"] > 50
    )
    assert found["pitch range shift"] < 1 and found["level shift"] < 0.5 and found["tilt shift"] < 1


class Loudness:
    """Loud is angry, quiet is calm."""

    card = JudgeCard("loudness", "emotion", "Apache-2.0", "made here")
    labels = ("angry", "calm")

    def __init__(self):
        self.calls = 0

    def __call__(self, audio, sample_rate):
        self.calls += 1
        loud = float(np.sqrt(np.mean(np.square(audio))) > 0.03)
        return np.array([loud, 1 - loud])

    def affect(self, audio, sample_rate):
        return {"valence": 0.0, "arousal": float(np.abs(audio).max())}


def emotion(original, copy, label, judge=None):
    pair = Pair(original, copy.astype(np.float32), RATE, row(emotion=label))
    return {
        m.name.split(",")[0]: _finite(m.measure(pair)) for m in emotion_metrics(judge or Loudness())
    }


def test_a_swapped_emotion_is_a_degradation(voice):
    judge = Loudness()
    lost = emotion(voice, 0.1 * voice, "angry", judge)
    assert judge.calls == 2  # one for each signal
    assert (
        lost["emotion agreement"] == 0
        and lost["emotion degradation"] == [100, 1]
        and lost["emotion loss"] == 100
    )
    kept = emotion(voice, 0.9 * voice, "angry")
    assert (
        kept["emotion agreement"] == 100
        and kept["emotion degradation"] == [0, 1]
        and kept["emotion accuracy"] == 100
    )
    never = emotion(voice, 0.9 * voice, "calm")  # the original was heard wrongly: nothing to lose
    assert never["emotion degradation"] == [0, 0] and never["emotion loss"] == 0
    assert (
        emotion(voice, voice, "sad")["emotion accuracy"] is None
        and emotion(voice, voice, None)["emotion agreement"] == 100
    )
    assert lost["arousal"] < kept["arousal"]


def test_words_are_counted_once_for_words_and_characters(voice, monkeypatch):
    for package in ("jiwer", "whisper_normalizer"):
        pytest.importorskip(package)
    heard = []

    class Judge:
        def __init__(self, threads, whisper): ...

        def transcribe(self, audio, sample_rate):
            heard.append(len(audio))
            return "the cat sit"

    monkeypatch.setattr(hearing, "_word_judge", Judge)
    hearing._transcript.cache_clear()
    pair = Pair(voice, voice, RATE, row(text="The cat sat."))
    assert hearing.word_errors(TINY_EN)(pair) == (100.0, 3.0)
    assert hearing.character_errors(TINY_EN)(pair) == (100.0, 11.0)
    assert len(heard) == 1
    hearing._transcript.cache_clear()
    for other in (row(text=None), row(text="Hola", language="es"), row(text="...")):
        for measure in (
            hearing.word_errors,
            hearing.word_errors_at_most_all,
            hearing.character_errors,
        ):
            assert np.isnan(measure(TINY_EN)(Pair(voice, voice, RATE, other)))

    monkeypatch.setattr(Judge, "transcribe", lambda self, *audio: "the cat " * 40)
    measures = (hearing.word_errors, hearing.word_errors_at_most_all)
    looped, bounded = (measure(TINY_EN)(pair) for measure in measures)
    assert looped[0] > 1000 and bounded == (300.0, 3.0)
