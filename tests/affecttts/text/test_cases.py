"""Texts of the kinds that users of speech systems report, and how they are read."""

import json
import re

import pytest

from affecttts.errors import RequestError
from affecttts.text import normalize, text_to_phonemes
from tiny_models import REPOSITORY

CASES = [
    json.loads(line)
    for name in ("text_cases", "text_kinds")
    for line in (REPOSITORY / f"tests/data/{name}.jsonl").read_text("utf-8").strip().split("\n")
]
CONTRADICTORY = ("Z43", "Z44")  # each reading they accept holds the one they reject


def _flat(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']|_", " ", text.lower().replace("-", " ")).split())


def _parameters() -> list:
    wrong = pytest.mark.xfail(strict=True, reason="accept holds reject")
    return [
        pytest.param(case, id=case["id"], marks=wrong if case["id"] in CONTRADICTORY else ())
        for case in CASES
    ]


@pytest.mark.parametrize("case", _parameters())
def test_a_reported_text_is_read_as_a_person_would(case: dict) -> None:
    try:
        raw = normalize(case["text"])
    except RequestError:
        assert not case.get("accept")
        return
    said = _flat(raw)
    if case.get("accept"):
        assert any(reading in said for reading in case["accept"]), raw
    assert not [reading for reading in case.get("reject", ()) if reading in said], raw
    assert not [reading for reading in case.get("reject_raw", ()) if reading in raw], raw
    if "phones" in case:
        phones = text_to_phonemes(case["text"])
        assert any(reading in phones for reading in case["phones"].split("|")), phones


def test_reading_a_reading_again_changes_nothing() -> None:
    readable = [case["text"] for case in CASES if "\0" not in case["text"]]  # it is refused
    once = [normalize(text) for text in readable]
    assert [normalize(reading) for reading in once] == once
