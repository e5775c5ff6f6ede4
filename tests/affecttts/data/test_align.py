"""The aligner finds phones where they are, in voices that it was not counted on."""

from __future__ import annotations

import numpy as np
import pytest

from affecttts.data.align import Aligner, Clip, latents, phone_classes
from affecttts.lm.layout import MAX_DURATION
from affecttts.text.symbols import SYMBOLS

IPA = ["ðɪs mˈæn ɪz ɹˈɪʧ.", "wi sˈɔ ðə dˈɔɡ.", "hi ɹˈæn həʊm, ænd slˈɛpt.", "kˈæts ænd dˈɔɡz dɹˈɪŋk."]
DIM = 12


def speaker(seed: int, clips: int = 24, shift: float = 0.0, noise: float = 0.7) -> list[Clip]:
    """Every phone has a sound of its own; a speaker moves and stretches them all."""
    sounds = np.random.default_rng(0).normal(size=(len(SYMBOLS) + 1, DIM)) * 2
    generator = np.random.default_rng(seed)
    scale, offset = generator.uniform(0.7, 1.4, DIM), generator.normal(size=DIM) * 3
    sounds = sounds + generator.normal(size=sounds.shape) * shift
    result = []
    for index in range(clips):
        classes = phone_classes(IPA[index % len(IPA)])
        counts = generator.integers(1, 5, len(classes))
        frames = np.repeat(sounds[classes], counts, axis=0)
        features = (frames + generator.normal(size=frames.shape) * noise) * scale + offset
        result.append(Clip(features.astype(np.float32), classes, counts))
    return result


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner.fit([speaker(1), speaker(2)])


def unknown(clips: list[Clip]) -> list[Clip]:
    return [Clip(clip.features, clip.classes) for clip in clips]


def errors(model: Aligner, clips: list[Clip]) -> np.ndarray:
    """Absolute errors of all inner borders, frames."""
    found = model.align(unknown(clips))
    return np.concatenate([np.abs(np.cumsum(a.counts) - np.cumsum(c.counts))[:-1] for a, c in zip(found, clips)])


def test_a_new_voice_is_aligned(aligner):
    mistakes = errors(aligner, speaker(9))
    assert mistakes.mean() < 0.2 and (mistakes <= 1).mean() > 0.97


def test_bending_towards_a_strange_voice_helps(aligner):
    strange = speaker(5, clips=96, shift=1.7, noise=1.2)
    before, after = (errors(model, strange).mean() for model in (aligner, aligner.adapted(unknown(strange))))
    assert after < 0.7 * before, (before, after)


def test_counts_cover_every_frame(aligner):
    for clip, alignment in zip(speaker(3), aligner.align(unknown(speaker(3)))):
        assert alignment.counts.sum() == len(clip.features) and len(alignment.counts) == len(clip.classes)
        assert alignment.counts.min() >= 0 and alignment.counts.max() <= MAX_DURATION


def test_more_phones_than_frames_and_a_single_frame(aligner):
    clip = speaker(3, 1)[0]
    for length in (1, 5):
        [alignment] = aligner.align([Clip(clip.features[:length], clip.classes)])
        assert alignment.counts.sum() == length


def test_the_margin_tells_right_words_from_wrong_ones(aligner):
    clips = speaker(4)
    wrong = [Clip(clip.features, clips[(index + 1) % len(clips)].classes) for index, clip in enumerate(clips)]
    right, other = ([a.margin for a in aligner.align(part)] for part in (unknown(clips), wrong))
    assert min(right) > np.percentile(other, 90) and np.median(other) < 0.3 * np.median(right)


def test_pauses_may_be_silent(aligner):
    """A word border that the base data filled with sound is a pause in another voice."""
    clips, silence = speaker(6, 4), speaker(6, 4)[0].features[:1]
    clip = clips[0]
    place = int(clip.counts[: list(clip.classes).index(SYMBOLS.index(" "))].sum())
    features = np.concatenate([clip.features[:place], np.repeat(silence, 20, axis=0), clip.features[place:]])
    alignment = aligner.align([Clip(features, clip.classes), *unknown(clips[1:])])[0]
    assert alignment.counts[clip.classes == SYMBOLS.index(" ")].max() >= 19


def test_too_little_base_data_is_told():
    with pytest.raises(ValueError, match="frames of base data"):
        Aligner.fit([speaker(1, 1)])


def test_latents_are_the_sum_of_the_books():
    books = [np.arange(8.0).reshape(4, 2), 10 * np.ones((4, 2))]
    assert latents(books, np.array([[0, 3], [1, 1]], dtype=np.uint16)).tolist() == [[10, 11], [16, 17]]


def test_classes_have_no_stress():
    assert phone_classes("ˈæt").tolist() == [len(SYMBOLS), SYMBOLS.index("æ"), SYMBOLS.index("t"), len(SYMBOLS)]
