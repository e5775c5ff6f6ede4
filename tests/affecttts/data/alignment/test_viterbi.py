"""The aligner finds phones where they are heard, and says where they are not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from affecttts.data.alignment.likelihoods import (
    ACOUSTIC_WEIGHT,
    load_phone_classifier,
    phone_likelihoods,
)
from affecttts.data.alignment.units import ENGLISH
from affecttts.data.alignment.viterbi import Aligner
from affecttts.lm.layout import MAX_DURATION
from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME
from affecttts.text.symbols import SYMBOLS
from codec.errors import CheckpointError
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig
from tiny_models import random_phone_classifier

IPA = [
    "ðɪs mˈæn ɪz ɹˈɪʧ.",
    "wi sˈɔ ðə dˈɔɡ.",
    "hi ɹˈæn həʊm, ænd slˈɛpt.",
    "kˈæts ænd dˈɔɡz dɹˈɪŋk.",
]
SPACE = SYMBOLS.index(" ")


def fitted(clips) -> Aligner:
    """At the codec's frame rate, where a margin is the mean over its frames."""
    return Aligner.fit(ENGLISH, clips, MAX_DURATION, 25.0)


def spoken(
    seed: int, clips: int = 24, doubt: float = 1.5
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(likelihoods [F,C], classes [P], counts [P]) of clips in which what is said is heard, less or
    more clearly.
    """
    generator, result = np.random.default_rng(seed), []
    for index in range(clips):
        classes = ENGLISH.classes(IPA[index % len(IPA)])
        counts = generator.integers(1, 5, len(classes))
        frames = generator.normal(size=(counts.sum(), ENGLISH.size)) * doubt
        frames[np.arange(len(frames)), np.repeat(classes, counts)] += 4
        result.append((frames, classes, counts))
    return result


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return fitted((classes, counts) for _, classes, counts in spoken(1) + spoken(2))


def test_phones_are_found_where_they_are_heard(aligner):
    found = [(aligner.align(heard, classes).counts, counts) for heard, classes, counts in spoken(9)]
    mistakes = np.concatenate([np.abs(np.cumsum(a) - np.cumsum(b))[:-1] for a, b in found])
    assert mistakes.mean() < 0.2 and (mistakes <= 1).mean() > 0.97


def test_durations_decide_where_nothing_is_heard(aligner):
    classes = ENGLISH.classes("hi")
    certain = fitted([(classes, np.array([2, 1, 5, 2]))] * 50)
    nothing = np.zeros((10, ENGLISH.size))
    assert certain.align(nothing, classes).counts.tolist() == [2, 1, 5, 2]


def test_counts_cover_every_frame(aligner):
    for heard, classes, _ in spoken(3):
        alignment = aligner.align(heard, classes)
        assert alignment.counts.sum() == len(heard) and len(alignment.counts) == len(classes)
        assert alignment.counts.min() >= 0 and alignment.counts.max() <= MAX_DURATION


def test_more_phones_than_frames_and_a_single_frame(aligner):
    heard, classes, _ = spoken(3, 1)[0]
    for length in (1, 5):
        assert aligner.align(heard[:length], classes).counts.sum() == length


def test_the_margin_tells_right_words_from_wrong_ones(aligner):
    clips = spoken(4)
    right = [aligner.align(heard, classes).margin for heard, classes, _ in clips]
    wrong = [
        aligner.align(heard, clips[(i + 1) % len(clips)][1]).margin
        for i, (heard, _, _) in enumerate(clips)
    ]
    assert min(right) > np.percentile(wrong, 90) and np.median(wrong) < 0.3 * np.median(right)


def test_a_speaker_may_pause_for_longer_than_the_base_data_ever_did(aligner):
    heard, classes, counts = spoken(6, 1)[0]
    place = int(counts[: list(classes).index(SPACE)].sum())
    pause = np.zeros((20, ENGLISH.size))
    pause[:, [SPACE, ENGLISH.silence]] = 3
    alignment = aligner.align(np.concatenate([heard[:place], pause, heard[place:]]), classes)
    assert alignment.counts[classes == SPACE].max() >= 19


def test_every_frame_hears_the_phone_classifier_at_its_time():
    """A codec frame adds up what was heard in it; a pause is heard as itself or as silence; what is
    past the end is not.
    """
    phone_classifier, audio = (
        random_phone_classifier(),
        0.1 * np.random.default_rng(0).normal(size=24_000).astype(np.float32),
    )
    heard = phone_likelihoods(phone_classifier, ENGLISH, audio, 24_000, 20, 25.0)
    with torch.no_grad():
        logits = (
            phone_classifier(phone_classifier.features(torch.from_numpy(audio)[None, None]))
            .logits[0]
            .log_softmax(dim=0)
        )
    expected = ACOUSTIC_WEIGHT * logits[:, :80].reshape(ENGLISH.size, 20, 4).sum(dim=-1).T.numpy()
    sounds = [k for k in range(ENGLISH.size) if k == ENGLISH.silence or SYMBOLS[k] not in " .,?!"]
    assert heard.shape == (20, ENGLISH.size)
    np.testing.assert_allclose(heard[:, sounds], expected[:, sounds], rtol=1e-5)
    np.testing.assert_allclose(
        heard[:, SPACE], np.maximum(expected[:, SPACE], expected[:, ENGLISH.silence]), rtol=1e-5
    )


def test_audio_of_another_rate_is_resampled():
    phone_classifier, audio = (
        random_phone_classifier(),
        np.sin(np.arange(16_000) / 9).astype(np.float32),
    )
    assert np.isfinite(phone_likelihoods(phone_classifier, ENGLISH, audio, 16_000, 25, 25.0)).all()


def test_models_without_a_phone_classifier_or_with_one_of_other_phones_are_refused(
    tiny_model_dir, tmp_path
):
    model = shutil.copytree(tiny_model_dir, tmp_path / "model")
    assert (
        load_phone_classifier(model / PHONE_CLASSIFIER_NAME, ENGLISH).config
        == load_phone_classifier(tiny_model_dir / PHONE_CLASSIFIER_NAME, ENGLISH).config
    )
    PhoneClassifier(PhoneClassifierConfig(dim=8, dilations=(1,), classes=3)).save_pretrained(
        model / PHONE_CLASSIFIER_NAME
    )
    with pytest.raises(CheckpointError, match="knows 3 phones"):
        load_phone_classifier(model / PHONE_CLASSIFIER_NAME, ENGLISH)
    shutil.rmtree(model / PHONE_CLASSIFIER_NAME)
    with pytest.raises(CheckpointError, match="has no phone_classifier.*train_phone_classifier"):
        load_phone_classifier(model / PHONE_CLASSIFIER_NAME, ENGLISH)


def test_classes_have_no_stress():
    assert ENGLISH.classes("ˈæt").tolist() == [
        ENGLISH.silence,
        SYMBOLS.index("æ"),
        SYMBOLS.index("t"),
        ENGLISH.silence,
    ]
