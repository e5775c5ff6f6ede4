"""`affecttts evaluate tokens`."""

import json

import numpy as np
import torch

from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from affecttts.evaluation.tokens import classifiers
from affecttts.evaluation.tokens.classifiers import linear_probe
from affecttts.evaluation.tokens.probes import (
    ProbeItem,
    folds,
    guess,
    phone_counts,
    probe_item,
)
from affecttts.evaluation.tokens.report import _score
from tiny_models import DATA


def labelled(told: bool, speakers=6, each=8):
    """Utterances whose frames tell the emotion, or do not, and always the speaker."""
    draw, items = torch.Generator().manual_seed(0), []
    for speaker in range(speakers):
        for index in range(each):
            frames = torch.randn(15, 8, generator=draw)
            frames[:, speaker % 4 + 2] += 3 * (1 + speaker // 4)
            frames[:, 0] += 2.5 * (index % 2) * told
            items.append(
                ProbeItem(frames, ("happy", "sad")[index % 2], f"s{speaker}", torch.arange(15) % 3)
            )
    return items


def test_what_is_told_is_found_and_what_is_not_lies_within_chance():
    def score(items):
        return _score(
            "Q1",
            "emotion",
            "linear",
            items,
            [i.emotion for i in items],
            folds([i.speaker for i in items]),
            linear_probe,
        )

    told, mute = score(labelled(True)), score(labelled(False))
    assert told.right.mean > 85 > told.chance.high and told.n == 48
    assert abs(told.shuffled.mean - 50) < 25 and mute.right.mean < 70


def test_speakers_are_told_on_unheard_sentences():
    items = labelled(False)
    texts = [f"sentence {i % 8}" for i in range(len(items))]
    score = _score(
        "Q1", "speaker", "linear", items, [i.speaker for i in items], folds(texts), linear_probe
    )
    assert (
        score.right.mean > 60 > score.chance.high > score.chance.low > 0
        and score.shuffled.mean < 35
    )


def test_parts_are_whole_groups_and_every_answer_comes_from_the_others():
    parts = folds([f"s{i % 6}" for i in range(30)])
    assert sorted(i for part in parts for i in part) == list(range(30))
    assert all(
        {i % 6 for i in part}.isdisjoint({j % 6 for j in set(range(30)) - set(part)})
        for part in parts
    )
    seen = []

    def probe(train, labels, test, classes, seed):
        seen.append((len(train), len(test), classes))
        return torch.zeros(len(test), dtype=torch.int64)

    answers = guess([torch.zeros(2, 2)] * 30, torch.arange(30) % 3, parts, probe)
    assert answers.tolist() == [0] * 30 and all(a + b == 30 and c == 3 for a, b, c in seen)


def test_shuffled_phones_are_chance():
    items = labelled(False)
    for item in items:
        item.frames[:, 5:] += 4 * torch.nn.functional.one_hot(item.phones, 3)
    real, shuffled = (
        [sum(column) for column in zip(*phone_counts(items, seed))] for seed in (None, 0)
    )
    assert (
        real[0] / real[1] > 0.9
        and shuffled[0] / shuffled[1] < 0.6
        and real[1] == shuffled[1] == 48 * 15
    )


def test_vectors_of_a_utterance(tiny_codec, utterances):
    codes = torch.randint(64, (3, 20))
    item = probe_item(tiny_codec, codes, utterances[0])
    assert torch.allclose(item.frames.t(), tiny_codec.quantizer.lookup(codes[None])[0].detach())
    assert (item.emotion, item.speaker) == (utterances[0].emotion, utterances[0].speaker)


def test_the_command(cli, tiny_model_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(classifiers, "GRU_EPOCHS", 1)
    monkeypatch.setattr(classifiers, "GRU_STEPS", 1)
    options = [
        "--manifest",
        DATA / "manifest.jsonl",
        "--codec",
        tiny_model_dir / "codec",
        "--limit",
        10,
    ]
    done = cli("evaluate", "tokens", *options, "--report", tmp_path / "r")
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    told = {(score["probed"], score["told"], score["probe"]) for score in report["scores"]}
    assert {
        ("Q1, token counts", "emotion", "linear"),
        ("Q1, vectors", "emotion", "BiGRU"),
        ("Q1..2, vectors", "speaker", "linear"),
        ("Q1..4, vectors", "phones", "linear"),
    } <= told
    assert all(
        score["n"] > 0 and score["shuffled"]["mean"] is not None for score in report["scores"]
    )
    assert "What the tokens tell" in (tmp_path / "r" / "report.html").read_text()
    assert b"Q1..4" in done.out


def test_one_speaker_cannot_be_probed(cli, tmp_path):
    rows = [json.loads(line) for line in (DATA / "manifest.jsonl").open(encoding="utf-8")]
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(row | {"speaker": "one"}) + "\n" for row in rows))
    assert cli("evaluate", "tokens", "--manifest", path).refused(2, "two speakers")


def test_tokens_of_another_codec_are_refused(cli, tiny_model_dir, tmp_path):
    rows = [json.loads(line) for line in (DATA / "manifest.jsonl").open(encoding="utf-8")]
    tokens = [CodeRow(row["id"], "0" * 16, np.zeros((4, 10), dtype=np.uint16)) for row in rows]
    (tmp_path / "t").mkdir()
    write_shard(shard_path(tmp_path / "t", 0, 1), tokens, "another")
    options = [
        "--manifest",
        DATA / "manifest.jsonl",
        "--codec",
        tiny_model_dir / "codec",
        "--tokens",
        tmp_path / "t",
    ]
    assert cli("evaluate", "tokens", *options).refused(1, "another")
