"""Any text at all gives phones or a plain refusal."""

import pytest

from affecttts.errors import RequestError
from affecttts.text import SYMBOLS, text_to_phonemes

hypothesis = pytest.importorskip("hypothesis")
strategies = hypothesis.strategies

PIECES = (
    "Dr. St. $ £ 5 12 1,000 3:45 2024-10-01 1/2 -7 % ° km m/s °C I.V. Mr. II XIV WE IT a.com @x #y <b> "
    "&amp; ** `x` [a](b) [w](/wɪn/) (415) 555-0133 \n \n\n * - 1. http://x.org/a?b=c é π Ω ² ½ 😀 你 "
    "shh W-w-what soooo read close p.m. e.g. No. ' \" … — ~ ^2 1e5 x"
).split(" ")
TEXTS = strategies.one_of(
    strategies.text(max_size=200),
    strategies.lists(strategies.sampled_from(PIECES), max_size=30).map(" ".join),
    strategies.lists(strategies.sampled_from(PIECES), max_size=30).map("".join),
)


def _check(text: str) -> None:
    try:
        phones = text_to_phonemes(text)
    except RequestError:
        return
    assert set(phones) <= set(SYMBOLS)
    assert phones[-1] in ".?!"


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(TEXTS)
def test_a_random_text_is_read_or_refused(text: str) -> None:
    _check(text)


@pytest.mark.soak
@hypothesis.settings(max_examples=10_000, deadline=None)
@hypothesis.given(TEXTS)
def test_ten_thousand_random_texts_are_read_or_refused(text: str) -> None:
    _check(text)
