"""The vocabulary: ranges that cannot collide."""

import pytest

from affecttts.errors import RequestError
from affecttts.lm.layout import (
    CONTROL_SLOTS,
    EMOTION_SLOTS,
    INTENSITY_BINS,
    MAX_DURATION,
    MULTIPLE,
    SPECIALS,
    STRESSES,
    VAD_BINS,
    VOICE_SLOTS,
    TokenLayout,
)
from affecttts.text.symbols import SYMBOLS

EMOTIONS = ("neutral", "happy", "sad")
SHIPPED_VOICES = 80  # more than any corpus of ours has speakers


def layout(**changes):
    values = {
        "emotions": EMOTIONS,
        "voices": ("heart", "fenrir"),
        "num_codebooks": 4,
        "codebook_size": 1024,
    }
    return TokenLayout(**(values | changes))


def ranges(made):
    """Every id of every kind, in the order of the ranges."""
    return {
        "specials": [made.special(name) for name in SPECIALS],
        "phones": [made.phone(stress, symbol) for stress in STRESSES for symbol in SYMBOLS],
        "emotions": [made.emotion(tag) for tag in made.emotions],
        "intensity": [made.intensity(step / 10) for step in range(INTENSITY_BINS)],
        "vad": [made.vad(axis, step / 10) for axis in range(3) for step in range(-10, 11)],
        "durations": [made.duration(frames) for frames in range(MAX_DURATION + 1)],
        "voices": [made.voice(name) for name in made.voices],
        "pieces": [made.piece(index) for index in range(made.num_pieces)],
        "codes": [
            made.book(k) + code
            for k in range(made.num_codebooks)
            for code in range(made.codebook_size)
        ],
    }


@pytest.mark.parametrize(
    "changes", [{}, {"num_codebooks": 1, "codebook_size": 64, "num_pieces": 300}]
)
def test_ranges_are_disjoint_ordered_and_inside(changes):
    made = layout(**changes)
    ids = [i for kind in ranges(made).values() for i in kind]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids) and ids[0] == 0 and ids[-1] < made.size


def test_full_tables_still_do_not_collide():
    made = layout(
        emotions=tuple(f"e{i}" for i in range(EMOTION_SLOTS)),
        voices=tuple(f"v{i}" for i in range(VOICE_SLOTS)),
    )
    ids = [i for kind in ranges(made).values() for i in kind]
    assert len(set(ids)) == len(ids)
    assert made.piece(0) - made.voice(f"v{VOICE_SLOTS - 1}") == CONTROL_SLOTS + 1


def test_adding_voices_and_emotions_moves_nothing():
    small, large = (
        ranges(layout()),
        ranges(layout(emotions=(*EMOTIONS, "angry"), voices=("heart", "fenrir", "anna"))),
    )
    assert all(large[kind][: len(ids)] == ids for kind, ids in small.items())


def test_room_for_voices_of_adapters():
    assert VOICE_SLOTS - SHIPPED_VOICES >= 64


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


@pytest.mark.parametrize("changes", [{"version": "layout-0"}, {"inventory": "fr-1"}])
def test_another_version_is_refused(changes):
    with pytest.raises(ValueError, match="version that trained"):
        layout(**changes)


def test_overfull_tables_are_refused():
    for changes in (
        {"emotions": ("e",) * (EMOTION_SLOTS + 1)},
        {"voices": ("v",) * (VOICE_SLOTS + 1)},
    ):
        with pytest.raises(ValueError, match="at most"):
            layout(**changes)


def test_round_trip_through_json():
    import json

    made = layout()
    assert TokenLayout.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    with pytest.raises(ValueError, match="colour"):
        TokenLayout.from_dict(made.to_dict() | {"colour": 1})
