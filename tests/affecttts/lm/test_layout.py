"""The vocabulary: ranges that cannot collide."""

import json

import pytest

from affecttts.errors import RequestError
from affecttts.lm.inventory import MODIFIERS, PHONES, SOUNDS, sound_symbol
from affecttts.lm.layout import (
    INTENSITY_BINS,
    MAX_DURATION,
    MULTIPLE,
    SLOTS,
    SPECIALS,
    STRESSES,
    VAD_BINS,
    TokenLayout,
)
from affecttts.text.symbols import SYMBOLS

EMOTIONS = ("neutral", "happy", "sad")


def layout(**changes):
    values = {"emotions": EMOTIONS, "num_codebooks": 2, "codebook_size": 2048}
    return TokenLayout(**(values | changes))


def ranges(made):
    """Every id of every kind, in the order of the ranges."""
    levels = range(made.voice_levels)
    codes = [made.voice(bytes([level] * made.voice_length)) for level in levels]
    return {
        "specials": [made.special(name) for name in SPECIALS],
        "phones": [made.phone(stress, symbol) for stress in STRESSES for symbol in made.phones],
        "modifiers": [made.modifier(symbol) for symbol in made.modifiers],
        "sounds": [made.phone("", sound_symbol(name)) for name in made.sounds],
        "emotions": [made.emotion(tag) for tag in made.emotions],
        "intensity": [made.intensity(step / 10) for step in range(INTENSITY_BINS)],
        "vad": [made.vad(axis, step / 10) for axis in range(3) for step in range(-10, 11)],
        "durations": [made.duration(frames) for frames in range(made.max_duration + 1)],
        "voices": [code[place] for place in range(made.voice_length) for code in codes],
        "pieces": [made.piece(index) for index in range(made.num_pieces)],
        "codes": [
            made.book(k) + code
            for k in range(made.num_codebooks)
            for code in range(made.codebook_size)
        ],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_codebooks": 1, "codebook_size": 64, "num_pieces": 300},
        {"voice_length": 8, "voice_levels": 256},
        {
            "phones": "".join(map(chr, range(0x100, 0x100 + SLOTS["phones"]))),
            "modifiers": "".join(map(chr, range(0x300, 0x300 + SLOTS["modifiers"]))),
            "emotions": tuple(f"e{i}" for i in range(SLOTS["emotions"])),
        },
    ],
)
def test_ranges_are_disjoint_ordered_and_inside(changes):
    made = layout(**changes)
    ids = [i for kind in ranges(made).values() for i in kind]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids) and ids[0] == 0 and ids[-1] < made.size


def test_further_symbols_and_emotions_move_nothing():
    small = layout(phones=PHONES[:60], modifiers=MODIFIERS[:5], sounds=SOUNDS[:2])
    small, large = ranges(small), ranges(layout(emotions=(*EMOTIONS, "angry")))
    kinds = [kind for kind in small if kind != "phones"]
    assert all(large[kind][: len(small[kind])] == small[kind] for kind in kinds)
    phones = [[kinds["phones"][i * n :][:60] for i in range(3)] for kinds, n in
              ((small, 60), (large, len(PHONES)))]  # fmt: skip
    assert phones[0] == phones[1]


def test_the_inventory_begins_with_english_and_holds_what_espeak_writes():
    """The letters and marks that espeak-ng's voices of 137 languages were seen to write."""
    assert PHONES.startswith("".join(SYMBOLS))
    assert len({*PHONES, *MODIFIERS}) == len(PHONES) + len(MODIFIERS)
    seen = (
        "abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɔɕɖɗɘəɚɛɜɟɡɣɤɨɪɫɬɭɯɱɲɳɴɵɸɹɻɽɾʀʁʂʃʈʉʊʋʌʍʎʏʐʑʒʔʕʝʦ"
        "βθχᵻʰʲˈˌːˤᵐᵑᵝⁿ\u0303\u0306\u030a\u031d\u031e\u0329\u032a\u032f\u033a\u033b\u0361124567"
    )
    assert set(seen) <= {*PHONES, *MODIFIERS}
    assert len(PHONES) <= SLOTS["phones"] // 1.5 and len(MODIFIERS) <= SLOTS["modifiers"] // 1.5


def test_a_pause_of_two_and_a_half_seconds_fits_at_50_frames_a_second():
    assert layout().max_duration == MAX_DURATION >= 2.5 * 50


@pytest.mark.parametrize("pieces", [300, 301, 363, 1024])
def test_size_is_a_multiple_and_no_larger_than_needed(pieces):
    made = layout(num_pieces=pieces)
    used = made.book(made.num_codebooks)
    assert made.size % MULTIPLE == 0 and used <= made.size < used + MULTIPLE


def test_values_out_of_range_take_the_last_bin():
    made = layout()
    assert made.intensity(9.0) == made.intensity(1.5) and made.intensity(-1.0) == made.intensity(
        0.0
    )
    assert made.vad(1, 3.0) == made.vad(1, 1.0) and made.vad(1, -3.0) == made.vad(1, -1.0)
    assert made.vad(1, 1.0) - made.vad(1, -1.0) == VAD_BINS - 1
    assert made.duration(1000) == made.duration(MAX_DURATION)
    assert made.intensity(1.04) == made.intensity(1.0) != made.intensity(1.06)


def test_unknown_emotion_lists_the_known():
    with pytest.raises(RequestError, match="neutral, happy, sad"):
        layout().emotion("bored")


@pytest.mark.parametrize("code", [b"", bytes(15), bytes([16] * 16)])
def test_a_code_that_is_none_of_the_model_is_refused(code):
    with pytest.raises(RequestError, match="speaker encoder"):
        layout().voice(code)


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version that trained"):
        layout(version="layout-0")


@pytest.mark.parametrize(
    "changes",
    [
        {"emotions": ("happy", "happy")},
        {"emotions": tuple(f"e{i}" for i in range(SLOTS["emotions"] + 1))},
        {"phones": "aa"},
        {"voice_levels": 257},
        {"num_codebooks": 0},
    ],
)
def test_what_does_not_fit_is_refused(changes):
    with pytest.raises(ValueError):
        layout(**changes)


def test_round_trip_and_strictness():
    made = layout()
    assert TokenLayout.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    with pytest.raises(ValueError, match="colour"):
        TokenLayout.from_dict(made.to_dict() | {"colour": 1})
