"""What the rules of emotion do to durations, F0 and sound."""

from dataclasses import replace

import numpy as np
import pytest

from affecttts.emotion.table import load_emotions
from recipes.corpora.kokoro_affect import rules, voice_sound

RATE = voice_sound.SAMPLE_RATE
PHONES = "ðɪs mˈæn ɪz ɹˈɪʧ."


def draw(seed=0):
    return np.random.default_rng(seed)


# -- rules
def test_the_table_has_our_emotions_with_their_sources():
    table = rules.load_rules()
    assert tuple(table) == load_emotions().ids
    assert table["neutral"] == rules.Rule() and all(
        rule.sources for name, rule in table.items() if name != "neutral"
    )


def test_intensity_scales_every_rule():
    happy = rules.load_rules()["happy"]
    half = happy.at(0.5)
    assert (half.f0_level, half.level, half.formants) == (
        happy.f0_level / 2,
        happy.level / 2,
        happy.formants / 2,
    )
    assert half.rate == pytest.approx(happy.rate**0.5) and half.f0_range == pytest.approx(
        happy.f0_range**0.5
    )
    assert half.vad == (0.4, 0.25, 0.2) and replace(happy.at(0.0), sources=()) == replace(
        rules.Rule(), vad=(0.0, 0.0, 0.0)
    )


def test_stretch_is_rate_lengthening_and_formants():
    rule = rules.Rule(rate=2.0, final_lengthening=0.5, formants=0.1)
    factors = rules.stretch(PHONES, rule)
    assert len(factors) == len(PHONES) + 2
    last = PHONES.rindex("ɪ")
    assert factors[0] == pytest.approx(1.1)
    np.testing.assert_allclose(factors[1 : 1 + last], 0.55)
    np.testing.assert_allclose(factors[1 + last : -1], 0.825)
    assert factors[-1] == pytest.approx(0.55)


def test_accents_lie_on_stressed_vowels():
    assert [PHONES[i] for i in rules.accented_vowels(PHONES)] == ["æ", "ɪ"]
    assert rules.accented_vowels("ə.") == []


def flat(hertz=120.0, seconds=1.8):
    f0 = np.full(round(seconds * rules.F0_RATE), hertz, np.float32)
    f0[:8] = f0[60:70] = 0.0
    return f0, np.full(len(PHONES) + 2, seconds / (len(PHONES) + 2))


def bent(rule, f0, seconds):
    return rules.bend_f0(f0, PHONES, seconds, rule, draw())


def semitones(f0):
    return 12 * np.log2(f0[f0 >= rules.VOICED_HZ])


def test_neutral_changes_nothing():
    f0, seconds = flat()
    np.testing.assert_allclose(bent(rules.Rule(), f0, seconds), f0, rtol=1e-5)


def test_level_range_contour_and_unvoiced_frames():
    f0, seconds = flat()
    f0[f0 > 0] *= 2 ** (np.sin(np.arange((f0 > 0).sum())) / 12).astype(np.float32)
    higher, wider, falling = (
        bent(rule, f0, seconds)
        for rule in (
            rules.Rule(f0_level=4),
            rules.Rule(f0_range=2),
            rules.Rule(final_contour=-6),
        )
    )
    assert all(
        ((curve >= rules.VOICED_HZ) == (f0 >= rules.VOICED_HZ)).all()
        for curve in (higher, wider, falling)
    )
    assert np.mean(semitones(higher) - semitones(f0)) == pytest.approx(4, abs=1e-3)
    assert semitones(wider).std() == pytest.approx(2 * semitones(f0).std(), rel=1e-3)
    change = semitones(falling) - semitones(f0)
    assert (
        change[:60] == pytest.approx(0, abs=1e-3)
        and change[-9:].max() < -5
        and (np.diff(change) < 1e-3).all()
    )


def test_accents_rise_where_the_stress_is():
    f0, seconds = flat()
    change = semitones(bent(rules.Rule(accents=3), f0, seconds)) - semitones(f0)
    assert change.max() == pytest.approx(3, abs=0.1) and change.min() == pytest.approx(0, abs=0.1)


def test_formants_are_taken_out_of_f0_and_bounds_hold():
    f0, seconds = flat()
    assert bent(rules.Rule(formants=0.05), f0, seconds)[20] == pytest.approx(120 / 1.05, rel=1e-3)
    assert bent(rules.Rule(f0_level=60), f0, seconds).max() == pytest.approx(rules.F0_BOUNDS[1])
    trembling = semitones(bent(rules.Rule(tremor=0.6), f0, seconds))
    assert 0.2 < trembling.std() < 1.2
    assert not rules.bend_f0(
        np.zeros(50), PHONES, seconds, rules.load_rules()["happy"], draw()
    ).any()


# -- sound
def tone(hertz, seconds=1.0, level=0.1):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


def rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


VOICED = np.ones(RATE, np.float32)


@pytest.mark.parametrize(
    "hertz, expected", [(1000, 0), (2000, 3), (4000, 6), (8000, 6), (250, -3), (100, -3)]
)
def test_tilt_is_what_it_says_at_4_khz(hertz, expected):
    tilted = voice_sound.tilt(tone(hertz), VOICED, 6.0)
    assert rms_db(tilted) - rms_db(tone(hertz)) == pytest.approx(expected, abs=0.2)


def test_tilt_leaves_sounds_without_voice_alone():
    voice = voice_sound.voicing(np.repeat([0.0, 120.0], 40), RATE)
    gain = voice_sound.tilt(tone(4000), voice, 6.0) / np.where(tone(4000) == 0, 1, tone(4000))
    assert np.median(gain[: RATE // 3]) == pytest.approx(1, abs=0.01)
    assert np.median(gain[-RATE // 3 :]) == pytest.approx(2, abs=0.02)


def test_formants_move_by_playing_faster():
    moved = voice_sound.move_formants(tone(1000), 0.05)
    assert len(moved) == pytest.approx(RATE / 1.05, abs=2)
    assert np.abs(np.fft.rfft(moved)).argmax() * RATE / len(moved) == pytest.approx(1050, abs=2)


def test_breath_follows_the_voice_and_level_is_reached():
    sound = np.concatenate([tone(200), np.zeros(RATE, np.float32)])
    noise = voice_sound.add_breath(sound, np.ones(2 * RATE, np.float32), 0.4, draw()) - sound
    assert not (voice_sound.add_breath(sound, np.zeros(2 * RATE), 0.4, draw()) - sound).any()
    assert (
        rms_db(noise[: RATE - 500]) > rms_db(noise[RATE + 500 :]) + 60
        and rms_db(noise[:RATE]) < rms_db(tone(200)) - 15
    )
    assert voice_sound.active_level(voice_sound.set_level(sound, -23.0)) == pytest.approx(
        -23, abs=0.1
    )
    assert np.abs(voice_sound.set_level(sound, 20.0)).max() == pytest.approx(voice_sound.PEAK)


def test_trim_tells_what_it_cut():
    rest, offset = voice_sound.trim(
        np.concatenate([np.zeros(RATE, np.float32), tone(200), np.zeros(RATE, np.float32)]), 0.1
    )
    assert offset == pytest.approx(0.9, abs=0.01) and len(rest) / RATE == pytest.approx(
        1.2, abs=0.02
    )
