"""Manifests: strict, with the place of the fault."""

import json
from dataclasses import asdict, replace

import pytest

from affecttts.data.manifest import (
    SCHEMA_VERSION,
    Utterance,
    audio_path,
    moved,
    read_manifest,
    scan_manifest,
    write_manifest,
)
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
    "text that is a number": (GOOD | {"text": 5}, "text"),
    "an empty id": (GOOD | {"id": ""}, "id"),
    "seconds that are a word": (GOOD | {"seconds": "1"}, "seconds"),
    "seconds that are true": (GOOD | {"seconds": True}, "seconds"),
    "no seconds": (GOOD | {"seconds": 0}, "seconds"),
    "infinite seconds": (
        '{"id": "a", "path": "a.wav", "speaker": "s", "seconds": Infinity, "split": "train"}',
        "seconds",
    ),
    "two dimensions": (GOOD | {"vad": [0.1, 0.2]}, "vad"),
    "dimensions that are words": (GOOD | {"vad": ["a", "b", "c"]}, "vad"),
    "a negative start": (GOOD | {"start": -1.0}, "start"),
    "a later schema": (GOOD | {"schema": 99}, "update"),
    "a schema that is a word": (GOOD | {"schema": "two"}, "schema"),
}


def write(path, *rows):
    path.write_text(
        "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows),
        encoding="utf-8",
    )
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
    assert (utterance.language, utterance.emotion, utterance.intensity, utterance.offset) == (
        "en",
        None,
        1.0,
        0.0,
    )


@pytest.mark.parametrize("row, named", BAD.values(), ids=BAD)
def test_a_bad_line_is_named_with_its_number(tmp_path, row, named):
    path = write(tmp_path / "m.jsonl", GOOD, "\n", row)
    with pytest.raises(RequestError) as caught:
        list(read_manifest(path))
    assert f"{path}:3:" in str(caught.value) and named in str(caught.value)


def test_rows_of_every_version_are_read(tmp_path):
    first, second = read_manifest(
        write(tmp_path / "m.jsonl", GOOD, GOOD | {"schema": SCHEMA_VERSION, "licence": "CC0-1.0"})
    )
    assert first.licence is None and second.licence == "CC0-1.0"


def test_what_is_written_is_read(utterances, tmp_path):
    rows = [*utterances, replace(utterances[0], id="part", start=0.5, licence="MIT", vad=None)]
    assert write_manifest(tmp_path / "m.jsonl", iter(rows)) == len(rows)
    assert list(read_manifest(tmp_path / "m.jsonl")) == rows
    values = json.loads((tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert values["schema"] == SCHEMA_VERSION and "licence" not in values and "start" not in values


def test_a_failed_write_leaves_the_earlier_manifest(utterances, tmp_path):
    def rows():
        yield utterances[0]
        raise KeyboardInterrupt

    (tmp_path / "m.jsonl").write_text("precious")
    with pytest.raises(KeyboardInterrupt):
        write_manifest(tmp_path / "m.jsonl", rows())
    assert (tmp_path / "m.jsonl").read_text() == "precious" and len(list(tmp_path.iterdir())) == 1


def test_a_row_moved_to_another_folder_names_the_same_file(tmp_path):
    utterance = Utterance(**GOOD | {"path": "audio/a.wav"})
    there = moved(utterance, tmp_path / "x" / "m.jsonl", tmp_path / "y" / "z" / "n.jsonl")
    assert there.path == "../../x/audio/a.wav"
    assert (
        audio_path(tmp_path / "y" / "z" / "n.jsonl", there).resolve()
        == (tmp_path / "x" / "audio" / "a.wav").resolve()
    )


def test_a_scan_goes_on_behind_bad_lines(tmp_path):
    rows = list(scan_manifest(write(tmp_path / "m.jsonl", GOOD, "\n", "{\n", GOOD | {"id": "b"})))
    assert [(row.number, row.utterance and row.utterance.id) for row in rows] == [
        (1, "a"),
        (3, None),
        (4, "b"),
    ]
    assert rows[1].fault and not rows[0].fault


def test_broken_json_is_named_with_its_number(tmp_path):
    with pytest.raises(RequestError, match=r"m\.jsonl:2:"):
        list(read_manifest(write(tmp_path / "m.jsonl", GOOD, '{"id": \n')))


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"none\.jsonl"):
        list(read_manifest(tmp_path / "none.jsonl"))
