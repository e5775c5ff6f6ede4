"""An LM that starts from another one keeps what that one learned."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")

from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from affecttts.data.manifest import write_manifest
from affecttts.lm.voices import VoiceCodes
from codec import Codec
from codec.errors import CheckpointError
from codec.files import fingerprint
from tiny_models import DATA, random_codec
from tiny_runs import lm_trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]


def test_lm_widened_to_more_codebooks_keeps_what_it_learned(
    monkeypatch, tokens, codec_dir, tmp_path
):
    narrow = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", num_codebooks=2, steps=3)
    narrow.run()
    wide = lm_trainer(
        monkeypatch,
        tokens,
        codec_dir,
        tmp_path / "b",
        init=str(tmp_path / "a" / "lm"),
        num_codebooks=3,
    )
    before, after = narrow.ema.module.state_dict(), wide._llama().state_dict()
    rows = narrow.layout.book(2)
    assert_kept(after, before, rows)
    # the third book starts as codes, not as zeros
    assert after["model.embed_tokens.weight"][rows : rows + 64].std(dim=0).min() > 0
    assert (tmp_path / "a" / "prompt_pieces.model").read_bytes() == (
        tmp_path / "b" / "prompt_pieces.model"
    ).read_bytes()


def test_lm_narrowed_to_fewer_codebooks_keeps_those(monkeypatch, tokens, codec_dir, tmp_path):
    wide = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=1)
    wide.run()
    narrow = lm_trainer(
        monkeypatch,
        tokens,
        codec_dir,
        tmp_path / "b",
        init=str(tmp_path / "a" / "lm"),
        num_codebooks=2,
    )
    rows = narrow.layout.book(2)
    before, after = (
        model["model.embed_tokens.weight"]
        for model in (wide.ema.module.state_dict(), narrow._llama().state_dict())
    )
    torch.testing.assert_close(after[:rows], before[:rows], atol=1e-3, rtol=1e-3)


def test_lm_that_meets_further_voices_keeps_what_it_learned(
    monkeypatch, utterances, tokens, codec_dir, tmp_path
):
    paths = {utterance.id: str((DATA / utterance.path).resolve()) for utterance in utterances}
    few, more = tmp_path / "few.jsonl", tmp_path / "more.jsonl"
    write_manifest(few, [replace(u, path=paths[u.id], speaker="heart") for u in utterances])
    speakers = ("zoe", "heart", "abe")
    write_manifest(
        more,
        [replace(u, path=paths[u.id], speaker=speakers[i % 3]) for i, u in enumerate(utterances)],
    )
    first = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", manifest=few, steps=2)
    first.run()
    init = str(tmp_path / "a" / "lm")
    second = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "b", init=init, manifest=more)
    assert second.layout == first.layout and set(second.voices.codes) == set(speakers)
    before, after = first.ema.module.state_dict(), second._llama().state_dict()
    assert_kept(after, before, first.layout.size)
    # fewer voices are no less of a vocabulary
    third = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "c", init=init, manifest=few)
    assert set(third.voices.codes) == {"heart"}


def test_an_lm_of_another_speaker_encoder_is_no_start(monkeypatch, tokens, codec_dir, tmp_path):
    first = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=1)
    first.run()
    other = shutil.copytree(tokens, tmp_path / "tokens")
    replace(VoiceCodes.load(other / "voices.json"), speaker_encoder="f" * 16).save(
        other / "voices.json"
    )
    with pytest.raises(CheckpointError, match="speaker encoder"):
        lm_trainer(monkeypatch, other, codec_dir, tmp_path / "b", init=str(tmp_path / "a" / "lm"))
    (other / "voices.json").unlink()
    with pytest.raises(CheckpointError, match="encode_voices"):
        lm_trainer(monkeypatch, other, codec_dir, tmp_path / "b")


def test_lm_started_from_another_codec_s_keeps_all_but_the_codes(
    monkeypatch, utterances, tokens, codec_dir, tmp_path
):
    first = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2)
    first.run()
    other = tmp_path / "other"
    random_codec(seed=1).save_pretrained(other)
    rows = [
        CodeRow(u.id, "0" * 16, np.zeros((4, round(u.seconds * 25)), np.uint16)) for u in utterances
    ]
    write_shard(shard_path(tmp_path / "tokens", 0, 1), rows, fingerprint(other))
    shutil.copy(tokens / "voices.json", tmp_path / "tokens")
    second = lm_trainer(
        monkeypatch, tmp_path / "tokens", other, tmp_path / "b", init=str(tmp_path / "a" / "lm")
    )
    before, after = first.ema.module.state_dict(), second._llama().state_dict()
    assert_close(
        after, {name: value for name, value in before.items() if name.startswith("model.layers")}
    )
    name, codes = "model.embed_tokens.weight", first.layout.codec_start
    torch.testing.assert_close(after[name][:codes], before[name][:codes], atol=1e-3, rtol=1e-3)
    fresh = (
        lm_trainer(monkeypatch, tmp_path / "tokens", other, tmp_path / "c")._llama().state_dict()
    )
    assert torch.equal(after[name][codes:], fresh[name][codes:])


def test_lm_of_a_codec_that_went_on_carries_its_codes_along(
    monkeypatch, utterances, tokens, codec_dir, tmp_path
):
    first = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2)
    first.run()
    moved = Codec.from_pretrained(codec_dir)
    for table in moved.quantizer.code_vectors():
        # the same codes under other numbers
        table.copy_(table[torch.arange(len(table) - 1, -1, -1)])
    moved.save_pretrained(tmp_path / "moved")
    rows = [
        CodeRow(u.id, "0" * 16, np.zeros((4, round(u.seconds * 25)), np.uint16)) for u in utterances
    ]
    write_shard(shard_path(tmp_path / "tokens", 0, 1), rows, fingerprint(tmp_path / "moved"))
    shutil.copy(tokens / "voices.json", tmp_path / "tokens")
    init = str(tmp_path / "a" / "lm")
    second = lm_trainer(
        monkeypatch, tmp_path / "tokens", tmp_path / "moved", tmp_path / "b", init, codec_dir
    )
    before, after = (t._llama().get_input_embeddings().weight.detach() for t in (first, second))
    for book in range(4):
        place = slice(first.layout.book(book), first.layout.book(book + 1))
        assert (after[place] - before[place].flip(0)).norm() < 0.2 * before[place].norm()
    with pytest.raises(CheckpointError, match="not the codec"):
        lm_trainer(
            monkeypatch,
            tmp_path / "tokens",
            tmp_path / "moved",
            tmp_path / "c",
            init,
            tmp_path / "moved",
        )


def assert_kept(after, before, rows):
    """All weights, and of the tied embedding the first rows: behind them nothing was learned."""
    tied = ("model.embed_tokens.weight", "lm_head.weight")
    assert_close(after, {name: value for name, value in before.items() if name not in tied})
    for name in tied:
        torch.testing.assert_close(after[name][:rows], before[name][:rows], atol=1e-3, rtol=1e-3)


def assert_close(actual, expected):
    """Equal but for the half precision of the file."""
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, atol=1e-3, rtol=1e-3)
