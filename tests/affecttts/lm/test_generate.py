"""Sampling: reproducible, inside the ranges, and always ending."""

import pytest
import torch

from affecttts.lm.engine import Engine
from affecttts.lm.generate import DURATION_GUIDANCE, SamplingConfig, bounded, generate
from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import Condition, phone_ids
from tiny_models import CODES, LONGEST_PHONE, random_llama, tiny_layout

LAYOUT = tiny_layout()
PHONES = phone_ids(LAYOUT, "hˈAlO ðˈɛɹ.")
HAPPY, SAD, NONE = (
    Condition(CODES["heart"], "happy", 1.0, (0.8, 0.5, 0.4)),
    Condition(CODES["heart"], "sad"),
    Condition(CODES["heart"], None),
)


@pytest.fixture(scope="module")
def engine():
    llama = random_llama(LAYOUT)
    return Engine(llama.config.to_dict(), llama.state_dict(), "float32")


def speak(engine, conditions=(HAPPY,), weights=(1.0,), seed=0, phones=PHONES, **sampling):
    torch.rand(3)  # global randomness must have no say
    return generate(
        engine,
        LAYOUT,
        list(conditions),
        list(weights),
        phones,
        SamplingConfig(**sampling),
        torch.Generator().manual_seed(seed),
    )


def uniform_durations():
    """A model to which all durations are as likely."""
    llama = random_llama(LAYOUT, max_tokens=8192)
    with torch.no_grad():
        llama.model.embed_tokens.weight[LAYOUT.duration_start : LAYOUT.voice_start].zero_()
    return Engine(llama.config.to_dict(), llama.state_dict(), "float32")


def test_same_seed_same_tokens(engine):
    first, second, other = speak(engine), speak(engine), speak(engine, seed=1)
    assert torch.equal(first.codes, second.codes)
    assert (first.counts, first.end_probability) == (second.counts, second.end_probability)
    assert not torch.equal(first.codes, other.codes)


def test_every_phone_is_spoken_and_counts_sum_up(engine):
    for seed in range(3):
        result = speak(engine, seed=seed)
        assert result.finish_reason == "end"
        assert len(result.counts) == len(PHONES) and sum(result.counts) == result.codes.shape[1]
        assert result.counts[0] >= 1 and result.counts[-1] >= 1
        assert max(result.counts) <= LONGEST_PHONE and 0.0 <= result.end_probability <= 1.0
        assert result.codes.shape[0] == 4 and result.codes.dtype == torch.long


def test_every_code_is_in_range(engine):
    codes = torch.cat(
        [speak(engine, seed=seed, temperature=5.0, top_p=1.0).codes for seed in range(9)], dim=1
    )
    assert codes.min() >= 0 and codes.max() < 64
    assert len(codes.unique()) > 32


def test_a_row_of_no_weight_has_no_influence(engine):
    alone = speak(engine)
    # shorter and longer rows: padding too
    for extra in (SAD, NONE, Condition(CODES["heart"], "sad", pieces=(3, 4, 5, 6))):
        joined = speak(engine, (HAPPY, extra), (1.0, 0.0))
        assert joined.counts == alone.counts and torch.equal(joined.codes, alone.codes)


def test_conditions_and_weights_change_what_is_said(engine):
    # Without temperature nothing but the conditions can make a difference.
    said = [
        speak(engine, conditions, weights, temperature=0)
        for conditions, weights in [
            ((HAPPY,), (1.0,)),
            ((SAD,), (1.0,)),
            ((HAPPY, SAD), (2.5, -1.5)),
            ((Condition(CODES["fenrir"], "sad"),), (1.0,)),
        ]
    ]
    different = {(result.counts, tuple(result.codes.flatten().tolist())) for result in said}
    assert len(different) == len(said)


def test_temperature_zero_needs_no_seed(engine):
    a, b = (speak(engine, seed=seed, temperature=0, duration_temperature=0) for seed in (0, 1))
    assert a.counts == b.counts and torch.equal(a.codes, b.codes)


def test_a_tiny_nucleus_is_the_best_token(engine):
    best = speak(engine, temperature=0, duration_temperature=0)
    narrow = speak(engine, seed=5, top_p=1e-6)
    assert narrow.counts == best.counts and torch.equal(narrow.codes, best.codes)


def test_the_cap_is_reported(engine):
    phones = phone_ids(LAYOUT, "hˈAlO ðˈɛɹ " * 5)
    result = speak(engine, phones=phones, max_frames_per_phone=0.0)
    assert result.finish_reason == "cap" and result.end_probability == 0.0
    assert 25 - LONGEST_PHONE < result.codes.shape[1] <= 25
    assert sum(result.counts) == result.codes.shape[1] and len(result.counts) < len(phones)


def test_uniform_durations_reach_the_longest():
    """Without the bias of the tiny model a phone may last up to the longest duration, and the
    budget still holds.
    """
    result = speak(
        uniform_durations(), phones=phone_ids(LAYOUT, "hi"), max_frames_per_phone=128.0, top_p=1.0
    )
    assert result.finish_reason == "end" and LONGEST_PHONE < max(result.counts) <= MAX_DURATION


def test_no_long_pause_inside_a_phrase():
    """Where every duration is as likely, a phone with a word behind it stays short, others do
    not.
    """
    flat, phones = uniform_durations(), phone_ids(LAYOUT, "hi hi, hi")
    for most in (2, MAX_DURATION):
        counts = speak(
            flat,
            phones=phones,
            max_frames_per_phone=128.0,
            top_p=1.0,
            max_frames_inside_phrase=most,
        ).counts
        assert (max(counts[1:4]) <= 2) == (most == 2)  # "hi "
        assert max(counts[4:7]) > 2 and max(counts[7:]) > 2  # "hi," and " hi"


def test_a_text_larger_than_the_context_is_told(engine):
    """Nothing of the model's insides may come to light: either a cap or an error with a reason."""
    llama = random_llama(LAYOUT, max_tokens=96)
    small = Engine(llama.config.to_dict(), llama.state_dict(), "float32")
    try:
        result = speak(small, phones=phone_ids(LAYOUT, "hˈAlO ðˈɛɹ " * 4))
    except (ValueError, RuntimeError) as error:
        assert hasattr(error, "exit_code"), f"not an error of ours: {error}"
    else:
        assert result.finish_reason == "cap"


@pytest.mark.parametrize("weights", [[1.0], [1.5, -0.5], [0.3, 0.7], [4.0, -3.0], [2.4, 3.6, -5.0]])
def test_durations_follow_guidance_only_so_far(weights):
    given = torch.tensor(weights)
    bound = bounded(given)
    assert float(bound.sum()) == pytest.approx(1)
    if min(weights) >= -0.5:
        assert torch.equal(bound, given)
    else:
        assert float(bound.clamp(min=0).sum()) == pytest.approx(DURATION_GUIDANCE)
