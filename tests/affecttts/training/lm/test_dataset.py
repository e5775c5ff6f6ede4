"""Training items: every utterance once an epoch, in an order that can be repeated."""

import numpy as np
import pytest
import torch

from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.errors import RequestError
from affecttts.lm.pieces import PromptPieces
from affecttts.lm.sequence import IGNORE
from affecttts.lm.voices import VoiceCodes
from affecttts.training.lm.dataset import LMDataset, MixtureConfig, _Draws
from tiny_models import DATA, tiny_codes, tiny_layout

MANIFEST = DATA / "manifest.jsonl"
LAYOUT = tiny_layout()
CODES = tiny_codes("of clips", "s")


def random_rows(utterances):
    generator = np.random.default_rng(0)
    shape = [(4, round(u.seconds * 25)) for u in utterances]
    return [
        CodeRow(u.id, "0" * 16, generator.integers(0, 64, s).astype(np.uint16))
        for u, s in zip(utterances, shape)
    ]


@pytest.fixture(scope="module")
def store(utterances, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    write_shard(shard_path(folder, 0, 1), random_rows(utterances), "c" * 16)
    return CodeStore(folder)


@pytest.fixture(scope="module")
def make(store, pieces_path):
    def build(split="train", manifests=(MANIFEST,), **mixture):
        values = {
            "prompt_dropout": 0.0,
            "free_text": 0.0,
            "joined": 0.0,
            "batch_tokens": 600,
        } | mixture
        return LMDataset(
            list(manifests),
            store,
            LAYOUT,
            PromptPieces(pieces_path),
            25.0,
            MixtureConfig(**values),
            split,
            CODES,
        )

    return build


def test_splits_are_those_of_the_manifest(make, utterances):
    found = {split: {u.id for u in make(split).utterances} for split in ("train", "valid", "test")}
    assert found == {split: {u.id for u in utterances if u.split == split} for split in found}
    assert all(found.values())


def test_every_utterance_comes_once_an_epoch(make):
    data = make()
    for epoch in range(3):
        batches = data.batches(epoch, 0, 0, 1)
        assert len(batches) > 1
        assert sorted(i for batch in batches for (i,) in batch) == list(range(len(data.utterances)))


def test_order_depends_on_epoch_and_seed_only(make):
    data, again = make(), make()
    assert data.batches(1, 5, 0, 1) == again.batches(1, 5, 0, 1)
    orders = {str(data.batches(epoch, seed, 0, 1)) for epoch in range(4) for seed in (0, 5)}
    assert len(orders) > 4


def test_processes_share_the_batches_without_overlap(make):
    data = make(batch_tokens=300)
    whole = data.batches(0, 0, 0, 1)
    parts = [data.batches(0, 0, rank, 2) for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == len(whole) // 2
    members = [tuple(batch) for part in parts for batch in part]
    assert len(set(members)) == len(members) and set(members) <= {tuple(batch) for batch in whole}


def test_batches_hold_no_more_tokens_than_allowed(make):
    data = make(batch_tokens=700, joined=0.3)
    for batch in data.batches(0, 0, 0, 1):
        tokens, _ = data.collate(batch, (0, 0))
        assert tokens.numel() <= 700 or len(batch) == 1


def test_lengths_are_those_of_the_items(make):
    data = make()
    assert [
        len(data.item((i,), _Draws(None)).tokens) for i in range(len(data.utterances))
    ] == data.lengths.tolist()


def test_collate_pads_on_the_right_and_ignores_it(make):
    data = make()
    batch = [(int(data.lengths.argmin()),), (int(data.lengths.argmax()),)]
    tokens, labels = data.collate(batch, (0, 0))
    short = int(data.lengths.min())
    assert tokens.shape == labels.shape == (2, int(data.lengths.max()))
    assert (tokens[0, short:] == LAYOUT.special("pad")).all() and (
        labels[0, short:] == IGNORE
    ).all()
    assert tokens[0, 0] == LAYOUT.special("bos") and tokens[0, short - 1] == labels[
        0, short - 1
    ] == LAYOUT.special("eos")
    chosen = labels != IGNORE
    assert torch.equal(tokens[chosen], labels[chosen])
    alone, _ = data.collate(batch[:1], (0, 0))
    assert torch.equal(tokens[:1, :short], alone)


def test_draws_depend_on_seed_and_item_only(make):
    data = make(prompt_dropout=0.5, free_text=0.5)
    everyone = [(index,) for index in range(len(data.utterances))]
    first, _ = data.collate(everyone, (0, 3))
    again, _ = data.collate(everyone, (0, 3))
    other, _ = data.collate(everyone, (0, 4))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    last, _ = data.collate(everyone[-1:], (0, 3))
    assert torch.equal(first[-1, : last.shape[1]], last[0])


def test_prompt_dropout_hides_the_emotion(make):
    emotions = range(LAYOUT.emotion_start, LAYOUT.intensity_start)
    for share, expected in ((1.0, False), (0.0, True)):
        tokens, _ = make(prompt_dropout=share).collate([(0,), (1,), (2,)], (0, 0))
        assert all(any(int(t) in emotions for t in row) == expected for row in tokens)
        assert bool((tokens == LAYOUT.special("no_prompt")).any()) != expected


def test_free_text_adds_the_pieces_of_a_phrasing(make):
    data = make(free_text=1.0)
    tokens, _ = data.collate([(0,)], (0, 0))
    pieces = (
        tokens[(tokens >= LAYOUT.piece_start) & (tokens < LAYOUT.codec_start)] - LAYOUT.piece_start
    )
    from affecttts.emotion.table import load_emotions

    text = data.pieces.processor.decode(pieces.tolist())
    assert text and text in {
        p.lower() for p in load_emotions().get(data.utterances[0].emotion).phrasings
    }


def test_joined_items_hold_two_utterances_of_one_voice(make):
    data = make(joined=1.0)
    tokens, labels = data.collate(data.batches(0, 0, 0, 1)[0], (0, 0))
    for row, label in zip(tokens, labels):
        voices = row[(row >= LAYOUT.voice_start) & (row < LAYOUT.control_start)].tolist()
        assert len(voices) == 32 and voices[:16] == voices[16:]
        assert int((row == LAYOUT.special("prompt")).sum()) == 2
        assert int((label == LAYOUT.special("eos")).sum()) == 1


def test_without_any_usable_utterance_the_reason_is_given(make, tmp_path):
    (tmp_path / "empty.jsonl").write_text(
        '{"id": "a", "path": "a.wav", "speaker": "s", "seconds": 1, "split": "train"}\n'
    )
    with pytest.raises(RequestError, match="no train utterance"):
        make(manifests=[tmp_path / "empty.jsonl"])


def test_an_utterance_without_vad_takes_that_of_its_emotion(make, tmp_path):
    """vad is optional in a manifest."""
    import json

    rows = [json.loads(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row.pop("vad")
    (tmp_path / "plain.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = make(manifests=[tmp_path / "plain.jsonl"])
    tokens, _ = data.collate([(0,)], (0, 0))
    axes = tokens[(tokens >= LAYOUT.vad_start) & (tokens < LAYOUT.duration_start)]
    assert len(axes) == 3


def test_scaled_vad_beyond_the_axis_is_that_of_its_end(make, tmp_path):
    """A strong rendering of a happy sentence has valence 1.04 in the corpus."""
    import json

    row = json.loads(MANIFEST.read_text(encoding="utf-8").splitlines()[0]) | {
        "split": "train",
        "vad": [1.04, -1.3, 0.5],
    }
    (tmp_path / "strong.jsonl").write_text(json.dumps(row), encoding="utf-8")
    tokens, _ = make(manifests=[tmp_path / "strong.jsonl"]).collate([(0,)], (0, 0))
    assert {LAYOUT.vad(0, 1.0), LAYOUT.vad(1, -1.0), LAYOUT.vad(2, 0.5)} <= set(tokens[0].tolist())


def test_an_utterance_without_a_label_is_learned_with_the_prompt_dropped(make, tmp_path):
    import json

    rows = [json.loads(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines()]
    for row in rows[::2]:
        row.pop("emotion"), row.pop("vad", None)
    (tmp_path / "mixed.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = make(manifests=[tmp_path / "mixed.jsonl"])
    assert len(data.utterances) == len(make().utterances)
    for index, utterance in enumerate(data.utterances):
        tokens, _ = data.collate([(index,)], (0, 0))
        prompted = ((tokens >= LAYOUT.emotion_start) & (tokens < LAYOUT.intensity_start)).any()
        assert bool(prompted) == (utterance.emotion is not None)
        assert len(tokens[0]) == data.lengths[index]


def test_a_voice_is_its_mean_code_or_that_of_one_of_its_clips(make):
    data = make()
    codes = CODES["of clips"]
    data.voices = VoiceCodes("", {name: codes for name in ("heart", "fenrir")})
    known = {tuple(LAYOUT.voice(code)) for code in codes}
    found = set()
    for seed in range(40):
        tokens, _ = data.collate([(0,)], (0, seed))
        place = (tokens >= LAYOUT.voice_start) & (tokens < LAYOUT.control_start)
        found.add(tuple(tokens[place].tolist()))
    assert found == known and len(known) == 3


def test_a_speaker_without_a_code_is_named(make, tmp_path):
    line = MANIFEST.read_text(encoding="utf-8").splitlines()[0].replace("test", "train")
    (tmp_path / "new.jsonl").write_text(
        line.replace('"valid"', '"train"').replace('"speaker": "', '"speaker": "un'),
        encoding="utf-8",
    )
    with pytest.raises(RequestError, match="encode_voices"):
        make(manifests=[tmp_path / "new.jsonl"])
