"""The token stream of real utterances."""

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.lm.inventory import sound_symbol
from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import (
    IGNORE,
    Condition,
    Segment,
    block_head,
    build_segment,
    frame_counts,
    inside_phrase,
    join_segments,
    phone_ids,
    prefix,
    split_phones,
)
from affecttts.text.symbols import UnknownSymbolError
from tiny_models import CODES, tiny_layout

FRAME_RATE = 25.0
LAYOUT = tiny_layout()


def random_codes(frames, books=4, seed=0):
    return np.random.default_rng(seed).integers(0, 64, (books, frames)).astype(np.uint16)


def parse(tokens, start):
    """Blocks of a stream from `start` on: lists of (phone, following phone, frames, codes
    [K,frames]).
    """
    blocks, place, step = [], start, LAYOUT.num_codebooks
    while place < len(tokens):
        phone, following, count = (
            tokens[place],
            tokens[place + 1],
            tokens[place + 2] - LAYOUT.duration_start,
        )
        flat = np.array(tokens[place + 3 : place + 3 + count * step], dtype=int).reshape(
            count, step
        )
        blocks.append((phone, following, count, (flat - [LAYOUT.book(k) for k in range(step)]).T))
        place += 3 + count * step
    return blocks


@pytest.mark.parametrize(
    "ipa, inside",
    [("hi", "00"), ("hi hi", "11100"), ("hi, hi hi.", "0000111000"), ("ˈa a", "110"), ("", "")],
)
def test_what_has_another_word_of_its_phrase_behind_it(ipa, inside):
    assert inside_phrase(LAYOUT, phone_ids(LAYOUT, ipa)) == [mark == "1" for mark in f"0{inside}0"]


def test_frame_counts_of_real_durations(utterances):
    assert len(utterances) == 12
    for utterance in utterances:
        frames = round(utterance.seconds * FRAME_RATE)
        counts = frame_counts(
            utterance.ipa, utterance.durations, utterance.offset, frames, FRAME_RATE
        )
        assert len(counts) == len(split_phones(utterance.ipa)) + 2
        assert sum(counts) == frames and min(counts) >= 0
        assert all(isinstance(count, int) for count in counts)


@pytest.mark.parametrize("frames", [0, 1, 5, 400])
def test_frame_counts_sum_up_whatever_the_length(utterances, frames):
    utterance = utterances[0]
    counts = frame_counts(utterance.ipa, utterance.durations, utterance.offset, frames, FRAME_RATE)
    assert sum(counts) == frames and min(counts) >= 0


def test_frame_counts_by_hand():
    # Silence 0.2, "a" 0.1, "ˈ" 0.04 and "i" 0.16 as one phone, silence 0.1; 0.1 s of it cut off.
    assert frame_counts("aˈi", (0.2, 0.1, 0.04, 0.16, 0.1), 0.1, 50, 100.0) == [10, 10, 20, 10]
    assert frame_counts("aˈi", (0.2, 0.1, 0.04, 0.16, 0.1), 0.0, 60, 100.0) == [20, 10, 20, 10]


@pytest.mark.parametrize("ipa", ["hi", "hˈI ðˌɛɹ.", "ˈ", "ˈˈa", "aˈ", "ˌˈa b", "ˈa", "", " .,?!"])
def test_phones_cover_the_string(ipa):
    phones = split_phones(ipa)
    assert "".join(phone.stress + phone.symbol for phone in phones) == ipa
    assert sum(phone.width for phone in phones) == len(ipa)
    assert all(phone.width == len(phone.stress + phone.symbol) for phone in phones)


def test_stress_joins_the_symbol_behind_it():
    assert [(p.stress, p.symbol) for p in split_phones("hˈI")] == [("", "h"), ("ˈ", "I")]
    ids = phone_ids(LAYOUT, "hˈI")
    assert ids[0] == ids[-1] == (LAYOUT.special("silence"),)
    assert ids[1:-1] == [(LAYOUT.phone("", "h"),), (LAYOUT.phone("ˈ", "I"),)]


def test_prefix_says_what_is_asked_for():
    phones = phone_ids(LAYOUT, "hi")
    full = prefix(LAYOUT, Condition(CODES["fenrir"], "sad", 0.9, (-0.6, -0.5, 0.2), (5, 9)), phones)
    special = LAYOUT.special
    assert full == [
        special("prompt"),
        LAYOUT.emotion("sad"),
        LAYOUT.intensity(0.9),
        LAYOUT.vad(0, -0.6),
        LAYOUT.vad(1, -0.5),
        LAYOUT.vad(2, 0.2),
        LAYOUT.piece(5),
        LAYOUT.piece(9),
        special("prompt_end"),
        *LAYOUT.voice(CODES["fenrir"]),
        special("text"),
        *[token for block in phones[1:-1] for token in block],
        special("text_end"),
        special("audio"),
    ]
    dropped = prefix(LAYOUT, Condition(CODES["fenrir"], None), phones)
    assert dropped[:19] == [
        special("prompt"),
        special("no_prompt"),
        special("prompt_end"),
        *LAYOUT.voice(CODES["fenrir"]),
    ]


def test_block_head_looks_one_phone_ahead():
    phones = phone_ids(LAYOUT, "hi")
    assert block_head(LAYOUT, phones, 0) == [*phones[0], *phones[1]]
    assert block_head(LAYOUT, phones, 3) == [*phones[3], LAYOUT.special("text_end")]


def test_segment_of_real_utterances_decodes_back(utterances):
    for utterance in utterances[:4]:
        codes = random_codes(round(utterance.seconds * FRAME_RATE))
        phones = phone_ids(LAYOUT, utterance.ipa)
        counts = frame_counts(
            utterance.ipa, utterance.durations, utterance.offset, codes.shape[1], FRAME_RATE
        )
        condition = Condition(CODES["heart"], utterance.emotion, utterance.intensity, utterance.vad)
        segment = build_segment(LAYOUT, condition, phones, counts, codes)
        head = prefix(LAYOUT, condition, phones)
        assert segment.tokens[: len(head)].tolist() == head
        blocks = parse(segment.tokens.tolist(), len(head))
        single = [token for (token,) in phones]
        assert [block[0] for block in blocks] == single
        assert [block[1] for block in blocks] == [*single[1:], LAYOUT.special("text_end")]
        assert [block[2] for block in blocks] == counts
        np.testing.assert_array_equal(np.concatenate([block[3] for block in blocks], axis=1), codes)


def test_labels_are_ignored_exactly_where_the_token_is_given():
    phones, counts = phone_ids(LAYOUT, "hi"), [2, 0, 3, 1]
    segment = build_segment(LAYOUT, Condition(CODES["heart"]), phones, counts, random_codes(6))
    length = len(prefix(LAYOUT, Condition(CODES["heart"]), phones))
    given = [True] * length
    for count in counts:
        given += [True, True, False] + [False] * (4 * count)
    assert (segment.labels == IGNORE).tolist() == given
    assert (segment.labels[~np.array(given)] == segment.tokens[~np.array(given)]).all()


def test_fewer_books_than_the_codec_has():
    layout = tiny_layout(num_codebooks=2)
    segment = build_segment(
        layout, Condition(CODES["heart"]), phone_ids(layout, "h"), [1, 1, 1], random_codes(3)
    )
    codes = segment.tokens[segment.tokens >= layout.codec_start] - layout.codec_start
    expected = random_codes(3)[:2].T + [0, 64]
    np.testing.assert_array_equal(codes.reshape(3, 2), expected)


def test_a_phone_longer_than_the_longest_duration_keeps_the_next_ones_in_place():
    codes = random_codes(MAX_DURATION + 12)
    phones = phone_ids(LAYOUT, "h")
    segment = build_segment(
        LAYOUT, Condition(CODES["heart"]), phones, [1, MAX_DURATION + 10, 1], codes
    )
    blocks = parse(segment.tokens.tolist(), len(prefix(LAYOUT, Condition(CODES["heart"]), phones)))
    assert [block[2] for block in blocks] == [1, MAX_DURATION, 1]
    np.testing.assert_array_equal(blocks[1][3], codes[:, 1 : MAX_DURATION + 1])
    np.testing.assert_array_equal(blocks[2][3], codes[:, -1:])


def test_joined_segments_stand_between_bos_and_eos():
    first = Segment(np.array([5, 6], np.int32), np.array([IGNORE, 6], np.int32))
    second = Segment(np.array([7], np.int32), np.array([7], np.int32))
    joined = join_segments(LAYOUT, [first, second])
    bos, eos = LAYOUT.special("bos"), LAYOUT.special("eos")
    assert joined.tokens.tolist() == [bos, 5, 6, 7, eos]
    assert joined.labels.tolist() == [IGNORE, IGNORE, 6, 7, eos]


def test_modifiers_belong_to_the_phone_before_them_and_cost_no_block():
    """A long vowel, a palatalised stop, a nasal vowel under stress, a syllable with a tone."""
    ipa = "aːtʲˈɔ̃ma1"
    phones = split_phones(ipa)
    assert [phone.symbol for phone in phones] == ["a", "t", "ɔ", "m", "a"]
    assert [phone.modifiers for phone in phones] == ["ː", "ʲ", "\u0303", "", "1"]
    assert sum(phone.width for phone in phones) == len(ipa) and phones[2].stress == "ˈ"
    blocks = phone_ids(LAYOUT, ipa)
    assert len(blocks) == len(phones) + 2
    assert blocks[1] == (LAYOUT.phone("", "a"), LAYOUT.modifier("ː"))
    assert block_head(LAYOUT, blocks, 1) == [*blocks[1], *blocks[2]]
    counts, codes = [1, 2, 3, 0, 1, 2, 1], random_codes(10)
    segment = build_segment(LAYOUT, Condition(CODES["heart"]), blocks, counts, codes)
    predicted = segment.labels[segment.labels != IGNORE]
    assert len(predicted) == len(counts) + 4 * sum(counts)
    for start in ("ːa", "ˈːa"):
        with pytest.raises(UnknownSymbolError):
            split_phones(start)


def test_durations_of_modifiers_are_part_of_their_phone():
    counts = frame_counts("aːb", (0.1, 0.1, 0.05, 0.15, 0.1), 0.0, 50, 100.0)
    assert counts == [10, 15, 15, 10]


def test_a_laugh_and_a_pause_are_blocks_that_end_a_phrase():
    ipa = f"hi{sound_symbol('laugh')} hi hi"
    blocks = phone_ids(LAYOUT, ipa)
    assert LAYOUT.is_sound(blocks[3][0]) and len(blocks) == len(ipa) + 2
    assert inside_phrase(LAYOUT, blocks) == [mark == "1" for mark in "00000111000"]


def test_a_phone_that_the_model_lacks_is_named():
    with pytest.raises(RequestError, match="no phone 'ħ'"):
        phone_ids(tiny_layout(phones=" abc"), "ħ")
