"""Any text at all is made phones of, or refused with a reason; nothing else ever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.request import SpeechRequest, prepare
from affecttts.text.symbols import SYMBOLS
from soak import soak

FEW, MANY = 60, 4_000
ANY = st.text(max_size=60)
LIKELY = st.text("abc ABC 0123456789.,:;!?'\"-$%€/()[]<>&@#*\n\t\u200b\u0301é漢😀", max_size=80)
ALLOWED = {*SYMBOLS, "ˈ", "ˌ", " "}


def check(text: str) -> None:
    _, info = read_model_info(None)
    try:
        request = prepare(info, SpeechRequest.of(text, seed=1))
    except RequestError as error:
        assert str(error)
        return
    assert request.phones and all(piece for piece in request.phones)
    assert not set("".join(request.phones)) - ALLOWED


def check_emotion(text: str) -> None:
    for arguments in ((text, None, None), (None, text, None), (None, None, text)):
        try:
            spec = EmotionSpec.parse(*arguments)
        except RequestError as error:
            assert str(error)
        else:
            assert 0 <= spec.intensity <= 1.5


@settings(max_examples=FEW, derandomize=True, deadline=None)
@given(st.one_of(ANY, LIKELY))
def test_any_text(text):
    check(text)
    check_emotion(text)


@soak
@settings(max_examples=MANY, derandomize=True, deadline=None)
@given(st.one_of(ANY, LIKELY))
def test_many_texts(text):
    check(text)
    check_emotion(text)


@pytest.mark.parametrize(
    "text",
    ["\0", "a\ud800b", "?" * 50, "\u200b" * 10, "a" * 5000, "a." * 2000, "9" * 5000, "(" * 3000],
    ids=lambda text: repr(text[:4]),
)
def test_hostile_texts(text):
    check(text)
