"""Tables for a terminal, numbers for a file."""

from __future__ import annotations

import json

from affecttts.evaluation.report.terminal import print_table, write_numbers
from affecttts.evaluation.stats.bootstrap import Interval


def test_a_table_is_aligned_markdown(capsys):
    rows = [["a long name", Interval(1.23456, 1.0, 1.5)], ["b", 0.12345], ["c", 7]]
    print_table("Title", ["what", "value"], rows)
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Title",
        "",
        "| what        | value         |",
        "|-------------|---------------|",
        "| a long name | 1.23 [1, 1.5] |",
        "| b           | 0.123         |",
        "| c           | 7             |",
    ]


def test_numbers_are_strict_json(tmp_path):
    path = tmp_path / "new" / "out.json"
    write_numbers(path, {"x": Interval(1.0, float("nan"), 2.0), "y": [float("inf"), 3]})
    assert json.loads(path.read_text()) == {
        "x": {"mean": 1.0, "low": None, "high": 2.0},
        "y": [None, 3],
    }
    write_numbers(None, {})
