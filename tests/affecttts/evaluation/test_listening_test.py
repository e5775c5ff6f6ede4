"""The blind listening page: order by seed, nothing that tells a system, results back to names."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from affecttts.cli.main import main
from affecttts.evaluation.listening_test import write_listening_page
from codec.audio import Audio, save_wav

SYSTEMS = ("ours", "theirs", "original")


@pytest.fixture
def items(tmp_path):
    lines = []
    for place in range(4):
        for number, system in enumerate(SYSTEMS):
            name = f"{system}_{place}.wav"
            save_wav(
                tmp_path / name,
                Audio(np.full(200, 0.01 * (1 + place + 4 * number), dtype=np.float32), 8000),
            )
            lines.append(json.dumps({"id": f"s{place}", "system": system, "path": name}))
    (tmp_path / "items.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "items.jsonl"


def make(items, test, **options):
    page = items.parent / "test.html"
    key = json.loads(write_listening_page(items, page, test, **options).read_text())
    return page.read_text(encoding="utf-8"), key


def test_the_page_tells_nothing_and_fetches_nothing(items):
    page, key = make(items, "mos", seed=3)
    shown = re.sub(r'src="data:[^"]*"', "", page)
    assert (
        not any(system in shown for system in SYSTEMS) and "://" not in page and ".wav" not in shown
    )
    assert len(key["trials"]) == 12 and all(f'name="{token}"' in page for token in key["trials"])
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in page


def test_the_seed_decides_the_order(items):
    orders = [
        [trial["systems"] for trial in make(items, "ab", seed=seed)[1]["trials"].values()]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert {tuple(sorted(pair)) for pair in orders[0]} == {
        ("ours", "theirs"),
        ("original", "ours"),
        ("original", "theirs"),
    }
    few = make(items, "ab", trials=3)[1]["trials"]
    assert len({trial["id"] for trial in few.values()}) == 1  # a whole sentence before the next


def test_answers_come_back_to_their_systems(items, tmp_path, capsys):
    assert (
        main(["evaluate", "listening", "--items", str(items), "--output", str(tmp_path / "t.html")])
        == 0
    )
    key = json.loads((tmp_path / "t.key.json").read_text())
    stars = {"ours": "4", "theirs": "2", "original": "5"}
    answers = {token: stars[trial["systems"][0]] for token, trial in key["trials"].items()}
    (tmp_path / "a.json").write_text(
        json.dumps({"page": key["page"], "listener": "x", "answers": answers})
    )
    capsys.readouterr()
    assert (
        main(
            [
                "evaluate",
                "listening",
                "--results",
                str(tmp_path / "a.json"),
                "--key",
                str(tmp_path / "t.key.json"),
            ]
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| ")][2:] == [
        "original",
        "ours",
        "theirs",
    ]
    _, key = make(items, "ab")
    answers = {
        token: "same" if "ours" not in trial["systems"] else "ab"[trial["systems"].index("ours")]
        for token, trial in key["trials"].items()
    }
    (tmp_path / "b.json").write_text(
        json.dumps({"page": key["page"], "listener": "x", "answers": answers})
    )
    assert (
        main(
            [
                "evaluate",
                "listening",
                "--results",
                str(tmp_path / "b.json"),
                "--key",
                str(tmp_path / "test.key.json"),
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert (
        "| ours / theirs | 100 % | 0 % | 0 % |" in out
        and ("| original / ours | 0 % | 100 % | 0 % |") in out
    )
    assert (
        main(
            [
                "evaluate",
                "listening",
                "--results",
                str(tmp_path / "a.json"),
                "--key",
                str(tmp_path / "test.key.json"),
            ]
        )
        == 2
    )


@pytest.mark.parametrize(
    "line", ['{"id": "a", "system": "b", "file": "c"}', "nonsense", '{"id": "a"}']
)
def test_what_is_no_item_is_refused(items, line, capsys):
    items.write_text(line + "\n")
    assert (
        main(
            [
                "evaluate",
                "listening",
                "--items",
                str(items),
                "--output",
                str(items.parent / "p.html"),
            ]
        )
        == 2
    )
    assert "items.jsonl:1" in capsys.readouterr().err
