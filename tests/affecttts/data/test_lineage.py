"""Where weights come from, and what they may be called."""

import json

import pytest

from affecttts.data.lineage import (
    Kind,
    Lineage,
    check_weights_licence,
    forbids_commerce,
    kind_of,
    load_lineage,
    save_lineage,
    trace,
    training_lineage,
)
from affecttts.errors import RequestError
from codec.errors import CheckpointError


@pytest.fixture
def manifest(tmp_path):
    """Write a manifest with one row for every licence."""

    def write(name, *licences):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        rows = [
            {
                "id": f"{name}{i}",
                "path": "a.wav",
                "speaker": "s",
                "seconds": 1800,
                "split": "train",
                "licence": licence,
            }
            for i, licence in enumerate(licences)
        ]
        (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder / "manifest.jsonl"

    return write


def test_hashes_rows_hours_and_licences(manifest):
    path = manifest("esd", "MIT", "MIT", None)
    (record,) = trace([path]).manifests
    assert (record.name, record.rows, record.hours) == ("esd/manifest.jsonl", 3, 1.5)
    assert record.licences == {"MIT": 2, "unstated": 1} and len(record.sha256) == 16
    path.write_text(path.read_text() + "\n")
    assert trace([path]).manifests[0].sha256 != record.sha256


@pytest.mark.parametrize(
    "licences, strictest",
    [
        (["MIT", "CC0-1.0"], "MIT"),
        (["MIT", "CC-BY-SA-3.0"], "CC-BY-SA-3.0"),
        (["CC-BY-SA-3.0", "CC-BY-NC-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-4.0", "LicenseRef-IEMOCAP"], "LicenseRef-IEMOCAP"),
        (["LicenseRef-IEMOCAP", None], "unstated"),
        (["MIT", "what my uncle said"], "what my uncle said"),
        ([], "unstated"),
    ],
)
def test_the_strictest(manifest, licences, strictest):
    assert trace([manifest("m", *licences)]).strictest == strictest


def test_kinds():
    assert (
        kind_of("Apache-2.0") is Kind.PERMISSIVE
        and kind_of(None) is kind_of("nonsense") is Kind.UNSTATED
    )
    assert forbids_commerce("LicenseRef-ESD") and forbids_commerce("CC-BY-NC-SA-4.0")
    assert not forbids_commerce("ODbL-1.0") and not forbids_commerce(None)
    assert str(Kind.NON_COMMERCIAL) == "non-commercial"


@pytest.mark.parametrize(
    "data, weights, allowed",
    [
        ("MIT", "Apache-2.0", True),
        ("CC-BY-SA-3.0", "Apache-2.0", True),
        ("CC-BY-NC-4.0", "Apache-2.0", False),
        ("CC-BY-NC-4.0", "CC-BY-SA-4.0", False),
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0", True),
        ("LicenseRef-MSP", "MIT", False),
        ("LicenseRef-MSP", "unstated", True),
        (None, "MIT", False),
        (None, "unstated", True),
        (None, "our own terms", True),
    ],
)
def test_weights_are_not_freer_than_their_data(manifest, data, weights, allowed):
    lineage = trace([manifest("free", "MIT"), manifest("other", "MIT", data)])
    if allowed:
        check_weights_licence(weights, lineage)
        return
    with pytest.raises(RequestError, match="other/manifest.jsonl") as caught:
        check_weights_licence(weights, lineage)
    assert "free/manifest.jsonl" not in str(caught.value) and (data or "nobody stated") in str(
        caught.value
    )


def test_without_any_data_nothing_is_free():
    with pytest.raises(RequestError, match="nobody stated"):
        check_weights_licence("MIT", Lineage())


def test_a_licence_stated_later_never_replaces_one(manifest):
    lineage = trace([manifest("a", None, "CC-BY-NC-4.0"), manifest("b", None)])
    stated = lineage.with_licences({"a/manifest.jsonl": "MIT", "b/manifest.jsonl": "CC0-1.0"})
    assert stated.licences == {"CC-BY-NC-4.0": 1, "MIT": 1, "CC0-1.0": 1}
    with pytest.raises(RequestError, match="a/manifest.jsonl, b/manifest.jsonl"):
        lineage.with_licences({"c": "MIT"})


def test_weights_inherit_from_what_they_started_from(manifest, tmp_path):
    save_lineage(tmp_path, trace([manifest("old", "CC-BY-NC-4.0"), manifest("both", "MIT")]))
    lineage = training_lineage(
        [manifest("both", "MIT"), manifest("new", "MIT")], str(tmp_path), None
    )
    assert [record.name for record in lineage.manifests] == [
        f"{name}/manifest.jsonl" for name in ("both", "new", "old")
    ]
    assert lineage.strictest == "CC-BY-NC-4.0"
    assert Lineage.from_dict(json.loads(json.dumps(lineage.to_dict()))) == lineage


def test_a_model_that_tells_nothing_is_unstated_until_it_is(manifest, tmp_path):
    (tmp_path / "mystery").mkdir()
    lineage = training_lineage([manifest("new", "MIT")], tmp_path / "mystery")
    assert lineage.strictest == "unstated" and lineage.manifests[1].name == "unrecorded/mystery"
    assert lineage.with_licences({"unrecorded/mystery": "Apache-2.0"}).strictest == "Apache-2.0"


def test_a_broken_lineage_is_refused(tmp_path):
    (tmp_path / "lineage.json").write_text('{"manifests": [{"name": "a"}]}')
    with pytest.raises(CheckpointError, match="lineage.json"):
        load_lineage(tmp_path)


def test_an_unreadable_manifest_is_named(tmp_path):
    (tmp_path / "m.jsonl").write_text("{")
    with pytest.raises(RequestError, match="m.jsonl"):
        trace([tmp_path / "m.jsonl"])


def test_teachers_are_handed_down(manifest, tmp_path):
    codec = training_lineage([manifest("a", "MIT")], teachers=["prosody", "hubert"])
    (tmp_path / "codec").mkdir()
    save_lineage(tmp_path / "codec", codec)
    child = training_lineage([manifest("b", "MIT")], None, tmp_path / "codec")
    assert child.teachers == ("hubert", "prosody") and load_lineage(tmp_path / "codec") == codec
    assert Lineage.from_dict({"manifests": []}).teachers == (), "of earlier versions"
    assert (
        child.part(Lineage()).teachers == () and child.with_licences({}).teachers == child.teachers
    )
