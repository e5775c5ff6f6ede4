"""Teachers' vectors at codec frames, and the phonological teacher at the borders of its phones."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from affecttts.data.audio_cache import level
from affecttts.data.manifest import Utterance
from affecttts.teachers.phonology import FEATURES, SILENCE, PhonologyTeacher, feature_table
from affecttts.teachers.prosody import WEIGHTS, AffectiveProsodyTeacher, ProsodyTeacher
from affecttts.teachers.protocol import Clip, TeacherAnswer, frames_at, windows_at
from affecttts.text.symbols import SYMBOLS
from codec import CodecConfig
from codec.nn.prosody import LEVELS


def clip(seconds=1.0, **values):
    fields = {"id": "u", "path": "u.wav", "speaker": "s", "seconds": seconds, "split": "train"}
    audio = np.zeros(round(24_000 * seconds), np.float32)
    return Clip(
        Utterance(**(fields | values)),
        audio,
        24_000,
        np.zeros(round(100 * seconds), np.float32),
        240,
        100.0,
        0.0,
    )


RISING = np.arange(10, dtype=np.float32)[:, None]


def test_same_rate_and_same_start_is_the_answer_itself():
    features, known = frames_at(TeacherAnswer(RISING), 25.0, 0.0, 12, 25.0)
    assert known.tolist() == [True] * 10 + [False] * 2
    np.testing.assert_allclose(features[:10], RISING, atol=1e-5)
    assert (features[10:] == 0).all()


def test_a_faster_answer_is_averaged():
    features, known = frames_at(TeacherAnswer(RISING), 50.0, 0.0, 5, 25.0)
    np.testing.assert_allclose(features[:, 0], [0.5, 2.5, 4.5, 6.5, 8.5], atol=1e-5)
    assert known.all()


def test_a_slower_answer_is_interpolated():
    features, _ = frames_at(TeacherAnswer(RISING), 5.0, 0.4, 4, 25.0)
    np.testing.assert_allclose(
        features[:, 0], 5 * (0.4 + (np.arange(4) + 0.5) / 25) - 0.5, atol=1e-5
    )
    ends, known = frames_at(TeacherAnswer(RISING), 5.0, 1.96, 2, 25.0)
    assert known.tolist() == [True, False] and ends[0, 0] == 9.0


@pytest.mark.parametrize("rate", [10.0, 25.0, 50.0])
@pytest.mark.parametrize("start", [0.0, 0.033, 0.07])
def test_a_crop_is_a_part_of_the_whole(rate, start):
    """Also where it starts between two of the teacher's vectors."""
    answer = TeacherAnswer(np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32))
    whole, _ = frames_at(answer, rate, start, 20, 25.0)
    part, _ = frames_at(answer, rate, start + 5 / 25, 10, 25.0)
    np.testing.assert_allclose(part, whole[5:15], atol=1e-4)


WORDS = TeacherAnswer(np.eye(3, dtype=np.float32) + 1, np.array([0.1, 0.3, 0.5]))


def test_stretches_hold_their_value():
    features, known = frames_at(WORDS, None, 0.0, 6, 10.0)
    assert known.tolist() == [True] * 5 + [False]
    assert [int(row.argmax()) for row in features[:5]] == [0, 1, 1, 2, 2] and (
        features[5] == 0
    ).all()


def test_windows_are_zero_past_either_end():
    window = windows_at(WORDS, 0.0, 6, 10.0, reach=1)
    assert window.shape == (6, 3, 3)
    there = (window != 0).any(-1)
    assert there[0].tolist() == [False, True, True]  # the first token has none before it
    assert there[1].all() and there[4].tolist() == [True, True, False]
    assert not there[5].any()  # past the last stretch, also the token before
    np.testing.assert_array_equal(window[1], WORDS.vectors)
    np.testing.assert_array_equal(windows_at(WORDS, 0.2, 2, 10.0, 1), window[2:4])


def test_no_two_phones_are_alike():
    table = feature_table()
    assert table.shape == (len(SYMBOLS) + 1, len(FEATURES)) and table.dtype == np.float32
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-6)
    phones = [row for row, symbol in enumerate(SYMBOLS) if symbol not in "ˈˌ.,!? "] + [SILENCE]
    same = [(a, b) for a, b in itertools.combinations(phones, 2) if (table[a] == table[b]).all()]
    assert not same


def test_phones_end_where_the_manifest_says():
    """A stress mark's time counts to the phone behind it; the offset is cut off the front."""
    spoken = clip(ipa="hˈæt", durations=(0.2, 0.1, 0.05, 0.15, 0.1, 0.3), offset=0.05)
    answer = PhonologyTeacher().teach(spoken)
    np.testing.assert_allclose(answer.ends, [0.15, 0.25, 0.45, 0.55, 0.85])
    rows = [SILENCE, *(SYMBOLS.index(s) for s in "hæt"), SILENCE]
    np.testing.assert_array_equal(answer.vectors, feature_table()[rows])


def test_phonology_knows_nothing_without_durations():
    assert PhonologyTeacher().teach(clip(ipa="hæt")) is None


def test_a_crop_beyond_the_phones_is_unknown():
    spoken = clip(ipa="hæt", durations=(0.0, 0.1, 0.1, 0.09, 0.0))
    _, known = frames_at(PhonologyTeacher().teach(spoken), None, 0.0, 25, 25.0)
    assert known.tolist() == [True] * 7 + [False] * 18


def spoken(gain):
    """A second of noise amid two of silence, by a speaker who is usually as loud as with a gain of
    1.
    """
    noise = 0.1 * np.random.default_rng(0).standard_normal(24_000) * np.hanning(24_000)
    audio = np.pad(noise, 24_000).astype(np.float32)
    return replace(
        clip(3.0), audio=gain * audio, f0=np.full(300, 150.0, np.float32), usual_level=level(audio)
    )


def test_the_affective_teacher_hears_how_loud_a_clip_is_for_its_speaker():
    plain, affective = (
        kind(CodecConfig.preset("tiny")) for kind in (ProsodyTeacher, AffectiveProsodyTeacher)
    )
    assert plain.id != affective.id
    soft, loud = spoken(0.5), spoken(2.0)
    assert np.allclose(plain.teach(soft).vectors, plain.teach(loud).vectors, atol=1e-3)
    apart = affective.teach(loud).vectors - affective.teach(soft).vectors
    expected = 2 * np.log10(4.0) * affective.per_gain
    assert set(np.flatnonzero(expected)) == set(LEVELS)
    np.testing.assert_allclose(apart, np.broadcast_to(expected, apart.shape), atol=1e-2)


def test_the_affective_teacher_takes_silences_for_alike():
    levels = (
        AffectiveProsodyTeacher(CodecConfig.preset("tiny")).teach(spoken(2.0)).vectors[:, LEVELS[0]]
    )
    silent = levels[:20]
    assert np.ptp(silent) < 1e-3 and (levels.max() - silent.max()) / WEIGHTS[LEVELS[0]] < 3.0
