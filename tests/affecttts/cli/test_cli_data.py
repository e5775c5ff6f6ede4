"""`affecttts data`."""

import json

import pytest

from affecttts.data.manifest import read_manifest
from corpus_trees import TREES, Tree, plant
from tiny_models import DATA

MANIFEST = DATA / "manifest.jsonl"


@pytest.fixture
def check(cli, tmp_path):
    """Run `affecttts data check` on the clips of these tests, in this process."""

    def run(*arguments, manifest=MANIFEST):
        return cli(
            "data", "check", manifest, "--cache", tmp_path / "cache", "--workers", 1, *arguments
        )

    return run


@pytest.fixture
def broken(tmp_path):
    """The same manifest with a row that has no file and one that is no row."""
    missing = json.loads(MANIFEST.read_text(encoding="utf-8").splitlines()[0]) | {
        "id": "gone",
        "path": "gone.wav",
    }
    lines = [
        json.dumps(row | {"path": str(DATA / row["path"])})
        for row in map(json.loads, MANIFEST.open(encoding="utf-8"))
    ]
    path = tmp_path / "broken.jsonl"
    path.write_text("\n".join([*lines, json.dumps(missing), "{"]), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_table_and_a_report(check, tmp_path):
    pytest.importorskip("matplotlib")
    done = check("--report", tmp_path / "report")
    assert (
        done.code == 0
        and "12 rows, 12 kept" in done.out.decode()
        and "hours of audio per hour" in done.err
    )
    again = check("--json")
    report = json.loads(again.out)
    assert report["rows"] == report["kept"] == 12 and not report["rejected"]
    assert (
        report["sample_rates"] == {"24000": 12}
        and sum(report["splits"][name]["rows"] for name in report["splits"]) == 12
    )
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == report
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.json", "report.txt", "distributions.png", "emotions.png", "phones.png"}
    assert check("--report", tmp_path / "report").refused(2, "--force")


def test_rejected_rows_give_exit_code_3_and_the_rest_is_kept(check, broken, tmp_path):
    done = check("--kept", tmp_path / "kept" / "m.jsonl", manifest=broken)
    assert done.refused(1, "kept")  # no such folder
    done = check("--kept", tmp_path / "m.jsonl", manifest=broken)
    assert (
        done.code == 3
        and "audio missing" in done.out.decode()
        and "row unreadable" in done.out.decode()
    )
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
    (tmp_path / "m.jsonl").write_text("precious")
    assert check("--kept", tmp_path / "m.jsonl").refused(2, "--force")
    assert (tmp_path / "m.jsonl").read_text() == "precious"
    assert check("--kept", tmp_path / "m.jsonl", "--force").code == 0


# -- import
@pytest.fixture
def ravdess(tmp_path):
    return plant(TREES["ravdess"], tmp_path / "ravdess")


def test_import_writes_a_manifest_and_tells_of_it(cli, ravdess, tmp_path):
    done = cli("data", "import", "ravdess", ravdess, "--output", tmp_path / "m.jsonl")
    assert done.code == 0 and b"3 rows" in done.out and b"forbids commercial use" in done.out
    assert len(list(read_manifest(tmp_path / "m.jsonl"))) == 3
    assert cli("data", "import", "ravdess", ravdess, "--output", tmp_path / "m.jsonl").refused(
        2, "--force"
    )
    values = json.loads(
        cli(
            "data",
            "import",
            "ravdess",
            ravdess,
            "--output",
            tmp_path / "m.jsonl",
            "--force",
            "--json",
        ).out
    )
    assert (
        values["rows"] == 3
        and values["commercial_use"] is False
        and values["emotions"]["calm"] == 1
    )


def test_import_with_rejects_gives_exit_code_3(cli, ravdess, tmp_path):
    broken = next(ravdess.rglob("03-01-05*.wav"))
    broken.write_bytes(b"no audio")
    done = cli("data", "import", "ravdess", ravdess, "--output", tmp_path / "m.jsonl")
    assert (
        done.code == 3
        and "1 files rejected, audio unreadable" in done.err
        and broken.name in done.err
    )


def test_import_of_nothing_says_where_to_ask(cli, tmp_path):
    done = cli("data", "import", "iemocap", tmp_path, "--output", tmp_path / "m.jsonl")
    assert done.refused(2, "https://sail.usc.edu", "Session1/sentences")
    assert cli("data", "import", "imocap", tmp_path, "--output", tmp_path / "m.jsonl").refused(
        2, "iemocap"
    )


def test_options_for_a_folder_of_ones_own(cli, tmp_path):
    plant(Tree({"a.wav": "", "list.csv": "path,text\na.wav,Ciao\n"}, {}), tmp_path / "own")
    options = (
        "--table",
        tmp_path / "own" / "list.csv",
        "--speaker",
        "me",
        "--language",
        "it",
        "--licence",
        "LicenseRef-own",
    )
    done = cli(
        "data", "import", "folder", tmp_path / "own", "--output", tmp_path / "m.jsonl", *options
    )
    (row,) = read_manifest(tmp_path / "m.jsonl")
    assert done.code == 0 and (row.speaker, row.language, row.licence, row.text) == (
        "me",
        "it",
        "LicenseRef-own",
        "Ciao",
    )
    refused = cli(
        "data", "import", "ravdess", tmp_path, "--output", tmp_path / "n.jsonl", "--licence", "MIT"
    )
    assert refused.refused(2, "--licence", "folder")


def test_the_list_of_corpora(cli):
    rows = json.loads(cli("data", "corpora", "--json").out)
    assert (
        len(rows) == 19
        and {row["name"] for row in rows} >= {"esd", "folder"}
        and all(row["ask"] for row in rows)
    )
    shown = cli("data", "corpora").out.decode()
    assert all(row["name"] in shown and row["ask"] in shown for row in rows)
