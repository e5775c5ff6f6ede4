"""Judging a manifest: every reason, in order, resumable, in bounded memory."""

import json
import os
import signal
import time
import tracemalloc

import numpy as np
import pytest
import soundfile

from affecttts.data.checking.check import Examined, examine, judge_manifest
from affecttts.data.checking.fact_store import FactStore
from affecttts.data.checking.measure import AudioFacts
from affecttts.data.checking.summary import Distribution, Summary
from affecttts.errors import OutputError, RequestError

RATE = 16_000


def tone(path, hertz, seconds=0.5, level=0.3):
    samples = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    soundfile.write(path, samples, RATE)


def row(name, **changes):
    return {
        "id": name,
        "path": f"{name}.wav",
        "speaker": "s",
        "seconds": 0.5,
        "split": "train",
        "language": "it",
        **changes,
    }


@pytest.fixture
def corpus(tmp_path):
    """Write rows beside tones a.wav .. h.wav; returns the manifest's path."""
    for index, name in enumerate("abcdefgh"):
        tone(tmp_path / f"{name}.wav", 100 + 20 * index)

    def write(*rows):
        path = tmp_path / "m.jsonl"
        lines = (line if isinstance(line, str) else json.dumps(line) for line in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def judge(manifest, store=":memory:", **options):
    store = FactStore(store)
    try:
        return list(judge_manifest(manifest, store, **options))
    finally:
        store.close()


def summary_of(verdicts):
    summary = Summary()
    for verdict in verdicts:
        summary.add(verdict)
    return summary.to_dict()


def test_good_rows_are_kept_in_order(corpus):
    verdicts = judge(corpus(*[row(name) for name in "abcdefgh"]))
    assert [v.row.utterance.id for v in verdicts] == list("abcdefgh")
    assert not any(v.reason for v in verdicts) and all(
        v.examined.facts.sample_rate == RATE for v in verdicts
    )


def test_processes_give_the_same_as_none(corpus):
    manifest = corpus(*[row(name) for name in "abcdefgh"], "{", row("missing"))
    assert judge(manifest) == judge(manifest, workers=2)


def test_every_reason_to_reject(corpus, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "copy.flac", *soundfile.read(tmp_path / "a.wav"))
    (tmp_path / "noise.wav").write_bytes(b"no audio")
    cases = [
        (row("a"), ""),
        ("{", "row unreadable"),
        (row("b", colour="red"), "row unreadable"),
        (row("b", seconds="long"), "row unreadable"),
        (row("a", path="b.wav"), "id twice"),
        (row("none"), "audio missing"),
        (row("noise"), "audio unreadable"),
        (row("silent", seconds=1.0), "audio silent"),
        (row("nan", seconds=1.0), "audio not finite"),
        (row("c", seconds=0.7), "duration differs"),
        (row("d", emotion="bored"), "emotion unknown"),
        (row("e", ipa="bø"), "phone unknown"),
        (row("copy", path="copy.flac"), "audio twice"),
        (row("f", language="en", text="你好"), "text cannot be spoken"),
        (row("g", start=0.2, seconds=0.2), ""),
    ]
    verdicts = judge(corpus(*[line for line, _ in cases]))
    assert [v.reason for v in verdicts] == [reason for _, reason in cases]
    report = summary_of(verdicts)
    assert (
        report["rows"] == len(cases)
        and report["kept"] == 2
        and sum(report["rejected"].values()) == len(cases) - 2
    )
    assert (
        report["rejected"]["row unreadable"] == 3
        and "line 3:" in report["examples"]["row unreadable"][1]
    )


def test_what_is_odd_is_kept_and_named(corpus, tmp_path):
    loud = np.clip(3 * np.sin(np.arange(RATE)), -1, 1)
    soundfile.write(tmp_path / "loud.wav", np.stack([loud, loud], axis=1), 8_000)
    (verdict,) = judge(corpus(row("loud", seconds=2.0)))
    expected = {
        "several channels",
        "rate below 16 kHz",
        "clipped",
        "level unusual",
        "no text",
        "no licence",
    }
    assert set(verdict.oddities) == expected
    (plain,) = judge(corpus(row("a", text="ciao", licence="CC0-1.0")))
    assert plain.oddities == ()


def test_phones_come_from_the_row_or_from_its_text(corpus):
    rows = [
        row("a", ipa="hɛl"),
        row("b", language="en", text="Hello there."),
        row("c", text="ciao"),
    ]
    report = summary_of(judge(corpus(*rows)))
    assert (
        report["phones"]["counts"]["h"] == 2
        and "ð" in report["phones"]["counts"]
        and "ʒ" in report["phones"]["never"]
    )
    assert report["characters"]["l"] == 2 and report["characters"]["i"] == 1


def test_speakers_and_sentences_that_leak(corpus):
    rows = [
        row("a", text="Uno, due!"),
        row("b", split="test", text="uno due"),
        row("c", speaker="t", split="valid", text="tre"),
        row("d", speaker="t", split="valid", text="tre"),
    ]
    report = summary_of(judge(corpus(*rows)))
    assert report["speakers"] == {"names": 2, "in_several_splits": 1, "examples": ["s"]}
    assert report["sentences"]["names"] == 2 and report["sentences"]["in_several_splits"] == 1


def test_balance_and_odd_characters(corpus):
    rows = [
        row("a", emotion="sad"),
        row("b", emotion="sad", split="test", text="numero 5"),
        row("c", text="così, è!"),
    ]
    report = summary_of(judge(corpus(*rows)))
    assert (
        report["emotions"]["sad"] == {"train": 1, "valid": 0, "test": 1}
        and report["emotions"]["none"]["train"] == 1
    )
    assert report["oddities"]["digits or symbols in the text"] == 1
    assert report["hours"] == pytest.approx(1.5 / 3600) and report["splits"]["test"]["rows"] == 1


def test_a_second_run_measures_only_what_is_new(corpus, tmp_path):
    seen = []

    def counting(jobs):
        seen.extend(job.path.name for job in jobs)
        return examine(jobs)

    rows = [row(name) for name in "abcd"]
    judge(corpus(*rows), tmp_path / "store", examine=counting)
    first = list(seen)
    rows[0]["emotion"] = "happy"  # says nothing of the audio
    tone(tmp_path / "b.wav", 555)
    os.utime(tmp_path / "b.wav", ns=(1, 1))
    verdicts = judge(corpus(row("e"), *rows), tmp_path / "store", examine=counting)
    assert first == ["a.wav", "b.wav", "c.wav", "d.wav"] and seen[4:] == ["e.wav", "b.wav"]
    assert not any(v.reason for v in verdicts)


def test_a_killed_run_goes_on(corpus, tmp_path):
    parts = [(name, i) for i in range(20) for name in "abcdefgh"]
    manifest = corpus(
        *[row(f"{name}{i}", path=f"{name}.wav", start=0.01 * i, seconds=0.1) for name, i in parts]
    )

    def slowly(jobs):
        time.sleep(0.05)
        return examine(jobs)

    child = os.fork()
    if not child:
        judge(manifest, tmp_path / "store", examine=slowly)
        os._exit(0)
    while not (tmp_path / "store").exists():
        time.sleep(0.01)
    time.sleep(0.15)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    seen = []
    verdicts = judge(
        manifest, tmp_path / "store", examine=lambda jobs: seen.extend(jobs) or examine(jobs)
    )
    assert verdicts == judge(manifest) and len(verdicts) == 160 and len(seen) <= 160


def test_the_store_refuses_what_is_no_store(tmp_path):
    (tmp_path / "text").write_text(
        "something else entirely, and long enough to be looked at\n" * 100
    )
    with pytest.raises(RequestError, match="remove it"):
        FactStore(tmp_path / "text")
    with pytest.raises(OutputError, match="--cache"):
        FactStore(tmp_path / "none" / "store")


def test_quantiles_of_a_distribution():
    distribution = Distribution([0, 1, 2, 4])
    for value in (0.5, 1.5, 1.5, 3.0, 9.0):
        distribution.add(value)
    values = distribution.to_dict()
    assert values["counts"] == [1, 2, 2] and (values["min"], values["max"], values["mean"]) == (
        0.5,
        9.0,
        3.1,
    )
    assert 1 <= values["median"] <= 2 and Distribution([0, 1]).to_dict() == {
        "edges": [0, 1],
        "counts": [0],
    }


# -- scale
def synthetic(jobs):
    """Facts that differ from row to row; opens nothing."""
    return [
        Examined(
            AudioFacts(
                RATE, 1, job.seconds, 0.5, 0.0, 0.1, -23.0, f"{round(job.start * 1000):016x}"
            )
        )
        for job in jobs
    ]


def peak_and_time(manifest, rows, store):
    """Bytes at most and processor seconds for the first rows."""
    lines = [
        row(f"utterance-{i}", path="a.wav", start=i / 1000, speaker=f"s{i % 99}", text=f"frase {i}")
        for i in range(rows)
    ]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    del lines
    summary, started = Summary(), time.process_time()
    tracemalloc.start()
    try:
        for verdict in judge_manifest(manifest, FactStore(store), examine=synthetic):
            summary.add(verdict)
        return tracemalloc.get_traced_memory()[1], time.process_time() - started
    finally:
        tracemalloc.stop()
        assert summary.kept == rows


@pytest.mark.slow
def test_memory_is_bounded_and_time_linear(corpus, tmp_path):
    manifest = corpus(row("a"))
    small, quick = peak_and_time(manifest, 1_000, tmp_path / "small")
    large, slow = peak_and_time(manifest, 3_000, tmp_path / "large")
    assert (large - small) / 2_000 * 1_000_000 < 800e6, "a million rows must stay below a gigabyte"
    assert slow < 3 * 2 * quick
