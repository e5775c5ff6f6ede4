"""Results on disk, line by line."""

import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.report.journal import Journal


def test_goes_on_and_drops_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "sub" / "items.jsonl"
    journal = Journal(path, {"model": "a"})
    journal.add("one", {"x": 1.5, "text": "a\u2028b"})
    journal.add("two", None)
    path.write_text(path.read_text(encoding="utf-8") + '{"key": "three", "resu', encoding="utf-8")
    again = Journal(path, {"model": "a"})
    assert again.done == {"one": {"x": 1.5, "text": "a\u2028b"}, "two": None}
    again.add("one", {"x": 2})
    assert Journal(path, {"model": "a"}).done["one"] == {"x": 2}, "the last line of a key counts"


def test_results_of_another_request_are_refused(tmp_path):
    Journal(tmp_path / "j", {"model": "a"}).add("one", 1)
    with pytest.raises(RequestError, match="another request"):
        Journal(tmp_path / "j", {"model": "b"})


def test_a_head_that_was_cut_off_starts_anew(tmp_path):
    (tmp_path / "j").write_text('{"mod', encoding="utf-8")
    assert Journal(tmp_path / "j", {"model": "a"}).done == {}
