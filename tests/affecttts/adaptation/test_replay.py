"""Base data that goes along with a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from affecttts.adaptation.replay import fit_aligner, open_base_data, select_utterances, write_replay
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.data.manifest import Utterance
from affecttts.errors import RequestError
from affecttts.text.symbols import SYMBOLS

pytestmark = pytest.mark.slow

EMOTIONS = ("neutral", "happy", "sad")


def utterance(speaker, sentence, emotion):
    return Utterance(
        f"{speaker}{sentence}{emotion}",
        "there/x.wav",
        speaker,
        0.2,
        "train",
        text=f"s{sentence}",
        ipa="hi",
        durations=(0.04, 0.08, 0.04, 0.04),
        emotion=emotion,
    )


CORPUS = [
    utterance(s, n, e)
    for s in ("a", "b")
    for n in range(20)
    for e in EMOTIONS
    if n % 2 or e == EMOTIONS[n % 3]
]


def test_voices_and_emotions_are_taken_alike():
    chosen = select_utterances(CORPUS, 36)
    assert len({u.id for u in chosen}) == len(chosen)
    assert set(Counter((u.speaker, u.emotion) for u in chosen).values()) == {6}
    assert chosen == select_utterances(CORPUS, 36) and chosen != select_utterances(
        CORPUS, 36, seed=1
    )


def test_the_same_sentence_in_several_emotions_comes_first():
    sentences = Counter((u.speaker, u.text) for u in select_utterances(CORPUS, 36))
    assert set(sentences.values()) == {3}


def test_a_small_corpus_is_taken_whole():
    assert len(select_utterances(CORPUS[:5], 100)) == 5


@pytest.fixture
def store(tmp_path):
    rows = [CodeRow(u.id, "", np.full((2, 5), n, dtype=np.uint16)) for n, u in enumerate(CORPUS)]
    write_shard(shard_path(tmp_path / "tokens", 0, 1), rows, "abc")
    return CodeStore(tmp_path / "tokens")


def test_what_was_written_is_read(store, tmp_path):
    chosen = select_utterances(CORPUS, 12)
    write_replay(tmp_path / "model", chosen, store)
    base = open_base_data(tmp_path / "model", ("a", "b"), "abc")
    assert list(base.utterances) == [replace(u, path="x.wav") for u in chosen]
    assert all(np.array_equal(base.store[u.id], store[u.id]) for u in chosen)
    assert Counter(u.speaker for u in base.utterances) == {"a": 6, "b": 6}


def test_unlabelled_and_held_out_utterances_are_no_base_data(store, tmp_path):
    sad = utterance("a", 1, "sad")
    odd = [replace(sad, emotion=None), replace(sad, split="test"), replace(sad, durations=None)]
    write_replay(tmp_path / "model", [*odd, utterance("b", 1, "sad")], store)
    assert [
        u.speaker for u in open_base_data(tmp_path / "model", ("a", "b"), "abc").utterances
    ] == ["b"]
    write_replay(tmp_path / "model", odd, store)
    with pytest.raises(RequestError, match="no training utterance"):
        open_base_data(tmp_path / "model", ("a", "b"), "abc")


def test_durations_of_base_data_are_counted(store, tmp_path):
    write_replay(tmp_path / "model", CORPUS[:3], store)
    aligner = fit_aligner(open_base_data(tmp_path / "model", ("a", "b"), "abc"), 25.0)
    likeliest = aligner.log_durations.argmax(axis=1)
    assert [likeliest[SYMBOLS.index(symbol)] for symbol in "hi"] == [2, 1]
