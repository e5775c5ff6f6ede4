"""`affecttts data`."""

import json

import pytest

from affecttts.data.manifest import read_manifest
from tiny_models import DATA

MANIFEST = DATA / "manifest.jsonl"


@pytest.fixture
def check(cli, tmp_path):
    """Run `affecttts data check` on the clips of these tests, in this process."""

    def run(*arguments, manifest=MANIFEST):
        return cli("data", "check", manifest, "--cache", tmp_path / "cache", "--workers", 1, *arguments)

    return run


@pytest.fixture
def broken(tmp_path):
    """The same manifest with a row that has no file and one that is no row."""
    missing = json.loads(MANIFEST.read_text(encoding="utf-8").splitlines()[0]) | {"id": "gone", "path": "gone.wav"}
    lines = [json.dumps(row | {"path": str(DATA / row["path"])}) for row in map(json.loads, MANIFEST.open(encoding="utf-8"))]
    path = tmp_path / "broken.jsonl"
    path.write_text("\n".join([*lines, json.dumps(missing), "{"]), encoding="utf-8")
    return path


def test_a_table_and_a_report(check, tmp_path):
    pytest.importorskip("matplotlib")
    done = check("--json", tmp_path / "r.json", "--report", tmp_path / "report")
    assert done.code == 0 and "12 rows, 12 kept" in done.out.decode() and "hours of audio per hour" in done.err
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["rows"] == report["kept"] == 12 and not report["rejected"]
    assert report["sample_rates"] == {"24000": 12} and sum(report["splits"][name]["rows"] for name in report["splits"]) == 12
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == report
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.json", "report.txt", "distributions.png", "emotions.png", "phones.png"}
    assert check("--report", tmp_path / "report").refused(2, "--force")


def test_rejected_rows_give_exit_code_3_and_the_rest_is_kept(check, broken, tmp_path):
    done = check("--kept", tmp_path / "kept" / "m.jsonl", manifest=broken)
    assert done.refused(1, "kept")  # no such folder
    done = check("--kept", tmp_path / "m.jsonl", manifest=broken)
    assert done.code == 3 and "audio missing" in done.out.decode() and "row unreadable" in done.out.decode()
    kept = list(read_manifest(tmp_path / "m.jsonl"))
    assert [row.id for row in kept] == [row.id for row in read_manifest(MANIFEST)]
    assert all((tmp_path / row.path).is_file() for row in kept)


def test_quiet_says_nothing(check):
    done = check("--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_a_missing_manifest_is_named(check, tmp_path):
    assert check(manifest=tmp_path / "none.jsonl").refused(2, "none.jsonl", "no such file")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(check, tmp_path):
    (tmp_path / "r.json").write_text("precious")
    assert check("--json", tmp_path / "r.json").refused(2, "--force")
    assert (tmp_path / "r.json").read_text() == "precious"
    assert check("--json", tmp_path / "r.json", "--force").code == 0
