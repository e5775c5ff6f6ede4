"""Functionals, and the judges that hear them or spectra; no training here, see tests/recipes."""

import json

import numpy as np
import pytest
import torch

from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import JudgeCard
from affecttts.evaluation.judges.emotion import (
    CARD_NAME,
    AcousticJudge,
    SpectralJudge,
    SpectralNet,
    StoredJudge,
    load_emotion_judge,
    save_judge,
    shipped_judges,
)
from affecttts.evaluation.signal.functionals import NAMES, functionals
from affecttts.evaluation.signal.spectra import FFT, RATE, cepstrum, frames, log_mel, power
from codec.audio import load_audio
from codec.errors import CheckpointError
from tiny_models import DATA

LABELS = ("angry", "neutral", "sad")
CARD = JudgeCard("test", "emotion", "MIT", "random numbers")


def value(audio, name, rate=24000):
    """One functional by name."""
    return functionals(audio, rate)[NAMES.index(name)]


def test_pitch_level_and_slope_move_what_they_should(pulses):
    low, high = functionals(pulses(100.0), 24000), functionals(pulses(200.0), 24000)
    assert high[0] - low[0] == pytest.approx(12, abs=0.3)
    assert (
        value(pulses(glide_st=6.0), "f0 slope") > 2 > -2 > value(pulses(glide_st=-6.0), "f0 slope")
    )
    louder = functionals(2 * pulses(100.0), 24000)
    moved = dict(zip(NAMES, np.abs(louder - low)))
    assert moved["level mean"] == pytest.approx(6.02, abs=0.05) and moved["f0 mean"] < 0.01
    assert max(moved[f"mfcc {k} mean"] for k in range(1, 14)) < 1, "cepstra hear hardly any level"


def test_noise_lowers_harmonicity_and_the_rate_of_the_file_does_not_matter(pulses):
    voice = pulses()
    noisy = voice + 0.03 * np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32)
    assert value(voice, "harmonicity") > value(noisy, "harmonicity") + 3
    import soxr

    assert np.allclose(
        functionals(soxr.resample(voice, 24000, 16000), 16000), functionals(voice, 24000), atol=0.05
    )


@pytest.mark.parametrize("audio", [np.zeros(0), np.zeros(20000), np.full(100, 0.1)])
def test_nothing_to_hear_gives_zeros(audio):
    assert not functionals(audio, 24000).any()


def test_mel_bands_of_a_tone_peak_at_the_tone_and_cepstra_are_orthonormal():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    mel = log_mel(power(frames(tone)), 40)[50]
    centres = 700 * (
        10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), 42)[1:-1] / 2595) - 1
    )
    assert abs(centres[mel.argmax()] - 1000) < 2 * RATE / FFT * 4
    basis = cepstrum(np.eye(26), 13)
    assert np.allclose(basis.T @ basis, np.eye(13), atol=1e-9) and np.allclose(
        cepstrum(np.ones((1, 26)), 13), 0, atol=1e-9
    )


def acoustic(relative=False, inputs=NAMES):
    """A judge with random weights."""
    draw = torch.Generator().manual_seed(0)
    tensors = {
        "mean": torch.zeros(len(NAMES)),
        "scale": torch.ones(len(NAMES)),
        "neutral": torch.ones(len(NAMES)),
        "bias": torch.zeros(3),
        "weight": 0.05 * torch.randn(len(NAMES), 3, generator=draw),
    }
    return StoredJudge("acoustic", LABELS, CARD, inputs, relative), tensors


@pytest.mark.parametrize("kind", ["acoustic", "spectral"])
def test_judges_are_stored_without_pickle_and_answer_as_before(kind, tmp_path, pulses):
    if kind == "acoustic":
        stored, tensors = acoustic()
    else:
        torch.manual_seed(0)
        stored, tensors = StoredJudge(kind, LABELS, CARD), SpectralNet(3).state_dict()
    save_judge(tmp_path / "j", stored, tensors)
    assert sorted(path.name for path in (tmp_path / "j").iterdir()) == [
        "card.json",
        "model.safetensors",
    ]
    judge = load_emotion_judge(tmp_path / "j")
    answer = judge(pulses(), 24000)
    assert (
        answer.shape == (3,)
        and answer.sum() == pytest.approx(1, abs=1e-5)
        and judge.labels == LABELS
    )
    assert np.allclose(
        answer,
        (AcousticJudge if kind == "acoustic" else SpectralJudge)(stored, tensors)(pulses(), 24000),
    )
    assert judge.card == CARD


def test_the_spectral_judge_does_not_hear_the_level(pulses):
    torch.manual_seed(0)
    judge = SpectralJudge(StoredJudge("spectral", LABELS, CARD), SpectralNet(3).state_dict())
    assert np.allclose(judge(pulses(), 24000), judge(0.3 * pulses(), 24000), atol=1e-3)


def test_a_relative_judge_hears_differences_from_the_speakers_own_neutral():
    judge = AcousticJudge(*acoustic(relative=True))
    heard, own = np.full(len(NAMES), 3.0), np.full(len(NAMES), 2.0)
    assert np.allclose(judge.of_functionals(heard, own), judge.of_functionals(heard - 1)), (
        "2 stands for the average 1"
    )
    assert not np.allclose(judge.of_functionals(heard, own), judge.of_functionals(heard))
    plain = AcousticJudge(*acoustic())
    assert np.allclose(plain.of_functionals(heard, own), plain.of_functionals(heard))


def test_what_is_no_judge_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no emotion judge 'nobody'; shipped: acoustic"):
        load_emotion_judge("nobody")
    stored, tensors = acoustic(inputs=NAMES[:-1])
    save_judge(tmp_path / "other", stored, tensors)
    with pytest.raises(CheckpointError, match="other functionals"):
        load_emotion_judge(tmp_path / "other")
    card = json.loads((tmp_path / "other" / CARD_NAME).read_text())
    for change in ({"kind": "oracle"}, {"surprise": 1}, {"declaration": {}}):
        (tmp_path / "other" / CARD_NAME).write_text(json.dumps(card | change))
        with pytest.raises(CheckpointError, match="judge"):
            load_emotion_judge(tmp_path / "other")


def test_the_shipped_judges_are_declared_small_and_better_than_chance(utterances):
    assert len(shipped_judges()) >= 2
    clips = [(row, load_audio(DATA / row.path, 16000).samples) for row in utterances if row.emotion]
    for name in shipped_judges():
        judge = load_emotion_judge(name)
        assert judge.card.licence and "trained" in judge.card.provenance and judge.stored.folds
        assert all(fold["mean_recall"][1] > fold["chance"][1] for fold in judge.stored.folds)
        right = np.mean(
            [judge.labels[judge(audio, 16000).argmax()] == row.emotion for row, audio in clips]
        )
        assert right > 2 / 8, name
