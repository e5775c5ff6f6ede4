"""Manifests: strict, with the place of the fault."""

import json
from dataclasses import asdict

import pytest

from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from tiny_models import DATA

GOOD = {"id": "a", "path": "a.wav", "speaker": "s", "seconds": 1.0, "split": "train"}
BAD = {
    "unknown key": (GOOD | {"colour": "red"}, "colour"),
    "bad split": (GOOD | {"split": "dev"}, "dev"),
    "too few durations": (GOOD | {"ipa": "hi", "durations": [0.1, 0.1, 0.1]}, "durations"),
    "too many durations": (GOOD | {"ipa": "hi", "durations": [0.1] * 5}, "durations"),
    "durations without ipa": (GOOD | {"durations": [0.1, 0.1]}, "durations"),
    "durations are a number": (GOOD | {"ipa": "hi", "durations": 3}, ""),
    "missing key": ({key: value for key, value in GOOD.items() if key != "speaker"}, "speaker"),
    "a list": ([1, 2], ""),
    "an empty list": ([], ""),
    "a number": (5, ""),
}


def write(path, *rows):
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_clips_of_these_tests(utterances):
    assert len({u.id for u in utterances}) == 12
    assert {u.split for u in utterances} == {"train", "valid", "test"}
    for utterance in utterances:
        assert (DATA / utterance.path).is_file()
        assert len(utterance.durations) == len(utterance.ipa) + 2 and len(utterance.vad) == 3


def test_a_row_comes_back_as_it_was_written(utterances, tmp_path):
    path = write(tmp_path / "m.jsonl", *[asdict(u) for u in utterances], "\n", "   \n")
    assert list(read_manifest(path)) == utterances


def test_defaults_of_what_may_be_left_out(tmp_path):
    (utterance,) = read_manifest(write(tmp_path / "m.jsonl", GOOD))
    assert utterance == Utterance("a", "a.wav", "s", 1.0, "train")
    assert (utterance.language, utterance.emotion, utterance.intensity, utterance.offset) == ("en", None, 1.0, 0.0)


@pytest.mark.parametrize("row, named", BAD.values(), ids=BAD)
def test_a_bad_line_is_named_with_its_number(tmp_path, row, named):
    path = write(tmp_path / "m.jsonl", GOOD, "\n", row)
    with pytest.raises(RequestError) as caught:
        list(read_manifest(path))
    assert f"{path}:3:" in str(caught.value) and named in str(caught.value)


def test_broken_json_is_named_with_its_number(tmp_path):
    with pytest.raises(RequestError, match=r"m\.jsonl:2:"):
        list(read_manifest(write(tmp_path / "m.jsonl", GOOD, '{"id": \n')))


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"none\.jsonl"):
        list(read_manifest(tmp_path / "none.jsonl"))
