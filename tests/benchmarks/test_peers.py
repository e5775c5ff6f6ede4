"""The benchmark beside others: what is missing is named, what is measured is kept."""

from __future__ import annotations

import argparse
import json

import numpy as np
import peers
import pytest
import speed
import systems
from peers import chosen, summarise
from systems import SYSTEMS, Entry, Setting, missing

from affecttts.evaluation.report.journal import Journal


class Hum:
    """A system that hums, longer for longer texts."""

    sample_rate = 16000

    def __init__(self, setting: Setting) -> None:
        self.said = 0

    def __call__(self, text: str, turn: int) -> np.ndarray:
        self.said += 1
        return 0.1 * np.sin(np.arange(800 * len(text.split())) / 20).astype(np.float32)


@pytest.fixture
def hum(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "hum", Entry(Hum, ()))


def test_the_sentences_are_forty_and_twenty_and_spread():
    rows = chosen(60)
    assert [sum(row["kind"] == kind for row in rows) for kind in peers.KINDS] == [40, 20]
    assert len({row["id"] for row in rows}) == len({row["text"] for row in rows}) == 60
    assert [row["kind"] for row in chosen(6)].count("news") == 2


def test_what_is_missing_is_named_with_its_cure(tmp_path, monkeypatch):
    assert missing("affecttts", Setting()) == ""
    monkeypatch.setattr(systems, "find_spec", lambda name: None)
    for name in SYSTEMS:
        assert name == "affecttts" or "affecttts[peers]" in missing(name, Setting())
    monkeypatch.setattr(systems, "find_spec", lambda name: name)
    assert "--kokoro-voices" in missing("Kokoro-82M int8", Setting())
    (tmp_path / "af_heart.bin").touch()
    assert "no af_bella.bin" in missing("Kokoro-82M int8", Setting(kokoro_voices=tmp_path))


def test_speaking_is_timed_after_a_warm_up(hum):
    times = list(speed.speak("hum", Setting(), 3))
    words = len(speed.TEN_WORDS.split())
    assert [sound for _, sound in times] == [words * 0.05] * 3 and all(
        work > 0 for work, _ in times
    )


def test_a_fresh_process_is_measured():
    options = argparse.Namespace(model=None, kokoro_voices=None)
    with pytest.raises(RuntimeError, match="exit code"):
        speed._child("nobody", 1, 0, options)


def test_clips_are_spoken_once_judged_once_and_summarised(hum, tmp_path, monkeypatch):
    heard = []

    class Judges:
        def __init__(self, threads): ...

        def __call__(self, path, text):
            heard.append(path)
            return {"distillmos": 4.0, "dnsmos": 3.0, "errors": 1, "words": len(text.split())}

    monkeypatch.setattr(peers, "Judges", Judges)
    rows = chosen(6)
    clips = {"hum": peers.speak("hum", Setting(), rows, tmp_path / "clips" / "hum")}
    for _ in range(2):
        quality = peers.judge(clips, rows, Journal(tmp_path / "judged.jsonl", {}), 1)
    assert len(heard) == 6 and quality["hum"]["distillmos"].mean == 4.0
    words = sum(len(row["text"].split()) for row in rows if row["kind"] == "news")
    assert quality["hum"]["wer_news"].mean == pytest.approx(100 * 2 / words)
    monkeypatch.setitem(SYSTEMS, "hum", Entry(None, ()))
    assert peers.speak("hum", Setting(), rows, tmp_path / "clips" / "hum") == clips["hum"]
    peers.listening_items(tmp_path, clips)
    items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert len(items) == 6 and all((tmp_path / item["path"]).is_file() for item in items)


def test_the_plot_has_a_panel_for_each_measure(tmp_path):
    pytest.importorskip("matplotlib")
    rows = chosen(6)
    marks = {row["id"]: {"distillmos": 4.0, "dnsmos": 3.0, "errors": 0, "words": 9} for row in rows}
    measured = speed.Speed([1.0], [200.0], [0.5, 0.6], [2.0, 2.0])
    peers.plot(tmp_path / "peers.svg", {"hum": summarise(rows, marks)}, {("hum", 2): measured})
    assert "<svg" in (tmp_path / "peers.svg").read_text()
    (row,) = speed.rows_of({("hum", 2): measured})
    assert row[:2] == ["hum", 2] and row[2].mean == pytest.approx(1.1 / 4) and row[-1] == 2
