"""The fast decoder against the stock Llama of the same weights."""

import pytest
import torch

from affecttts.lm.engine import PRECISIONS, Engine
from affecttts.lm.model import load_lm, save_lm
from codec.errors import CheckpointError
from tiny_models import random_llama, tiny_codes, tiny_layout

LAYOUT = tiny_layout()
LENGTH = 24


@pytest.fixture(scope="module")
def llama():
    return random_llama(LAYOUT, max_tokens=128).float()


@pytest.fixture(scope="module")
def engine(llama):
    return Engine(llama.config.to_dict(), llama.state_dict(), "float32")


def tokens(rows=2, length=LENGTH, seed=0):
    return torch.randint(
        3, LAYOUT.size, (rows, length), generator=torch.Generator().manual_seed(seed)
    )


def reference(llama, ids):
    with torch.no_grad():
        return llama(input_ids=ids).logits


def run(engine, ids, chunks, padding=None):
    """Logits [B,V] after every chunk."""
    cache, outputs, place = engine.start(padding or [0] * len(ids), ids.shape[1]), [], 0
    for size in chunks:
        hidden = engine.forward(ids[:, place : place + size], cache)
        outputs.append(engine.logits(hidden, 0, LAYOUT.size))
        place += size
    return outputs


@pytest.mark.parametrize(
    "chunks", [[LENGTH], [1] * LENGTH, [10, 1, 1, 3, 1, 7, 1]], ids=["prefill", "steps", "mixed"]
)
def test_logits_equal_those_of_the_stock_model(llama, engine, chunks):
    ids, place = tokens(), 0
    expected = reference(llama, ids)
    assert expected.std() > 0.1
    for size, found in zip(chunks, run(engine, ids, chunks)):
        place += size
        torch.testing.assert_close(found, expected[:, place - 1], atol=1e-4, rtol=1e-4)


def test_a_range_of_the_head_is_that_range_of_the_logits(engine):
    cache = engine.start([0, 0], LENGTH)
    hidden = engine.forward(tokens(), cache)
    whole = engine.logits(hidden, 0, LAYOUT.size)
    torch.testing.assert_close(
        engine.logits(hidden, 100, 64), whole[:, 100:164], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("chunks", [[LENGTH + 5], [LENGTH, 1, 1, 3], [8, 13, 5, 1, 1, 1]])
def test_left_padding_changes_nothing(engine, chunks):
    ids = tokens(2, LENGTH + 5)
    ids[0, :5] = LAYOUT.special("pad")
    padded = run(engine, ids, chunks, [5, 0])
    alone = run(engine, ids[:1, 5:], [chunks[0] - 5, *chunks[1:]])
    other = run(engine, ids[1:], chunks)
    for both, first, second in zip(padded, alone, other):
        torch.testing.assert_close(both[:1], first, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(both[1:], second, atol=1e-4, rtol=1e-4)


def test_what_stands_in_the_padding_does_not_matter(engine):
    ids = tokens(2, LENGTH)
    changed = ids.clone()
    changed[0, :4] = 77
    for a, b in zip(run(engine, ids, [10, 14], [4, 0]), run(engine, changed, [10, 14], [4, 0])):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_eight_bits_are_close(llama):
    ids = tokens()
    quantized = Engine(llama.config.to_dict(), llama.state_dict())
    expected = reference(llama, ids)[:, -1]
    found = run(quantized, ids, [10, 1, LENGTH - 11])[-1]
    assert not torch.allclose(found, expected, atol=1e-4)
    assert (found - expected).abs().mean() < 0.05 * expected.std()
    hidden = quantized.forward(ids, quantized.start([0, 0], LENGTH))
    torch.testing.assert_close(
        quantized.logits(hidden, 100, 64), quantized.logits(hidden, 0, LAYOUT.size)[:, 100:164]
    )


def test_unknown_precisions_are_refused(llama):
    assert PRECISIONS == ("int8", "float32")
    with pytest.raises(ValueError, match="int4"):
        Engine(llama.config.to_dict(), llama.state_dict(), "int4")


def test_gains_of_the_norms_count():
    """They are folded into the matrices: with gains other than one the results must still be those
    of the model.
    """
    llama = random_llama(LAYOUT, seed=3, max_tokens=64).float()
    with torch.no_grad():
        for name, weight in llama.named_parameters():
            if "norm" in name:
                weight.uniform_(0.5, 1.5)
    ids = tokens()
    found = run(Engine(llama.config.to_dict(), llama.state_dict(), "float32"), ids, [10, 14])[-1]
    torch.testing.assert_close(found, reference(llama, ids)[:, -1], atol=1e-4, rtol=1e-4)


def test_more_tokens_than_the_context_are_refused(engine):
    with pytest.raises(ValueError, match="128"):
        engine.start([0], 129)


def test_missing_weights_are_refused(llama):
    tensors = llama.state_dict()
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    with pytest.raises(CheckpointError, match="up_proj"):
        Engine(llama.config.to_dict(), tensors)


def test_saved_folder_loads_in_both(llama, tmp_path):
    """The folder is one that transformers reads, and the engine reads the same weights from it."""
    from transformers import LlamaForCausalLM

    save_lm(tmp_path / "lm", llama, LAYOUT, "0" * 16, b"pieces", tiny_codes())
    loaded = load_lm(tmp_path / "lm")
    assert (loaded.layout, loaded.codec_fingerprint) == (LAYOUT, "0" * 16)
    assert loaded.pieces_path.read_bytes() == b"pieces"
    ids = tokens()
    stock = LlamaForCausalLM.from_pretrained(tmp_path / "lm", dtype=torch.float32).eval()
    expected = reference(stock, ids)
    torch.testing.assert_close(reference(loaded.llama(), ids), expected, atol=1e-4, rtol=1e-4)
    found = run(Engine(loaded.config, loaded.tensors, "float32"), ids, [LENGTH])[0]
    torch.testing.assert_close(found, expected[:, -1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(expected, reference(llama, ids), atol=0.05, rtol=0.05)


DAMAGE = {
    "no layout": lambda folder: (folder / "layout.json").unlink(),
    "layout of another version": lambda folder: change(
        folder / "layout.json", '"layout-2"', '"layout-9"'
    ),
    "layout of other pieces": lambda folder: change(
        folder / "layout.json", '"num_pieces": 300', '"num_pieces": 999'
    ),
    "no llama": lambda folder: change(
        folder / "config.json", '"model_type": "llama"', '"model_type": "gpt2"'
    ),
    "config is a list": lambda folder: (folder / "config.json").write_text("[]"),
    "layout is a list": lambda folder: (folder / "layout.json").write_text("[]"),
    "truncated weights": lambda folder: (folder / "model.safetensors").write_bytes(b"\x10\x00\x00"),
}


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_broken_folders_are_named(llama, tmp_path, damage):
    save_lm(tmp_path / "lm", llama, LAYOUT, "0" * 16, b"pieces", tiny_codes())
    damage(tmp_path / "lm")
    with pytest.raises(CheckpointError) as caught:
        load_lm(tmp_path / "lm")
    assert str(tmp_path / "lm") in str(caught.value)
