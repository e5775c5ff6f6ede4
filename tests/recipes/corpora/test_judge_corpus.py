"""The sound of a corpus, judged by groups."""

from importlib.util import find_spec

import pytest

from affecttts.errors import RequestError
from recipes.corpora import judge_corpus
from tiny_models import DATA


def test_the_same_clips_of_every_group_are_drawn(utterances):
    first, again = (judge_corpus.drawn(utterances, "emotion", 1) for _ in range(2))
    assert first == again
    assert set(first) == {row.emotion for row in utterances if row.seconds >= 1}
    assert all(len(rows) == 1 and rows[0].emotion == name for name, rows in first.items())


def test_a_corpus_without_labels_is_an_error(utterances):
    with pytest.raises(RequestError, match="emotion"):
        judge_corpus.drawn([], "emotion", 3)


def test_the_table_names_groups_judges_and_intervals(monkeypatch, capsys):
    if not (find_spec("distillmos") and find_spec("speechmos")):
        pytest.skip("the judges are not installed")
    manifest = str(DATA / "manifest.jsonl")
    monkeypatch.setattr("sys.argv", ["judge_corpus.py", "--manifest", manifest, "--limit", "1"])
    judge_corpus.main()
    table = capsys.readouterr().out
    assert "DistillMOS" in table and "DNSMOS" in table
    rows = [line for line in table.splitlines() if line.startswith("| neutral")]
    assert len(rows) == 1 and 1 <= float(rows[0].split("|")[3].split()[0]) <= 5
