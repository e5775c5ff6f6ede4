"""Module 1: attention within a window, gates, and every variant of the modulation."""

import pytest
import torch

from codec import CodecConfig
from codec.config import CHOICES
from codec.modulation import Modulator, TeacherFeatures
from codec.nn.attention import CHUNK, WindowedAttention

BATCH, FRAMES, DIM = 3, 30, 32
VARIANTS = [name for name in CHOICES["modulation"] if name != "none"]


def config(name, **changes):
    extra = {"quantizer": "bd_rfsq", "codebook_size": 2**15} if name == "cem" else {}
    shape = {
        "modulation": name,
        "modulation_dim": 16,
        "modulation_heads": 4,
        "modulation_window": 5,
    }
    return CodecConfig.preset("tiny", **(shape | extra | changes))


def modulator(name, seed=0, trained=True, **changes):
    torch.manual_seed(seed)
    module = Modulator(config(name, **changes)).eval()
    if trained:
        with torch.no_grad():
            module.output.weight.normal_()
    return module


def latents(frames=FRAMES, seed=1):
    return torch.randn(BATCH, DIM, frames, generator=torch.Generator().manual_seed(seed))


def teacher_features(frames=FRAMES, seed=2):
    draw = torch.Generator().manual_seed(seed)
    return TeacherFeatures.everywhere(
        *(torch.randn(BATCH, frames, dim, generator=draw) for dim in (12, 28))
    )


def reference(attention, queries, keys):
    """The same attention frame by frame, softmax written out."""
    keys = attention.key_norm(keys)
    q, k, v = (
        attention.query(attention.query_norm(queries)),
        attention.key(keys),
        attention.value(keys),
    )
    q, k, v = (x.unflatten(-1, (attention.heads, -1)) for x in (q, k, v))
    rows = []
    for t in range(q.shape[1]):
        near = [s for s in range(q.shape[1]) if abs(s - t) <= attention.window]
        scores = torch.einsum("bhd,bshd->bhs", q[:, t], k[:, near]) / q.shape[-1] ** 0.5
        scores = scores + attention.bias[:, [s - t + attention.window for s in near]]
        rows.append(torch.einsum("bhs,bshd->bhd", scores.softmax(-1), v[:, near]).flatten(1))
    return torch.stack(rows, dim=1)


def attention(window=4):
    torch.manual_seed(0)
    module = WindowedAttention(8, 6, 12, 3, window)
    with torch.no_grad():
        module.bias.normal_()
    return module


def test_attention_is_what_its_formula_says():
    module, queries, keys = attention(), torch.randn(2, 15, 8), torch.randn(2, 15, 6)
    torch.testing.assert_close(
        module(queries, keys), reference(module, queries, keys), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("chunk", [1, 4, 7])
def test_attention_in_chunks_equals_the_whole(chunk, monkeypatch):
    module, queries, keys = attention(), torch.randn(2, 25, 8), torch.randn(2, 25, 6)
    whole = module(queries, keys)
    monkeypatch.setattr("codec.nn.attention.CHUNK", chunk)
    torch.testing.assert_close(module(queries, keys), whole, atol=1e-5, rtol=1e-4)


def test_attention_sees_no_further_than_its_window():
    module, queries, keys = attention(), torch.randn(1, 25, 8), torch.randn(1, 25, 6)
    before = module(queries, keys)
    keys[:, 20, 0] += 5
    changed = (module(queries, keys) - before).abs().amax(-1)[0] > 1e-6
    assert changed.nonzero()[:, 0].tolist() == list(range(16, 25))


def test_attention_is_about_distances_and_not_places():
    module = attention()
    queries, keys = torch.randn(1, 30, 8), torch.randn(1, 30, 6)
    whole, later = module(queries, keys), module(queries[:, 7:], keys[:, 7:])
    torch.testing.assert_close(later[:, 4:], whole[:, 11:], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_shut_gates_leave_the_latents_bit_for_bit(name):
    module, z = modulator(name), latents()
    assert torch.equal(module(z, teacher_features(), torch.zeros(BATCH, 2)), z)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_fresh_modulation_changes_nothing(name):
    z = latents()
    assert torch.equal(modulator(name, trained=False)(z, teacher_features()), z)


@pytest.mark.parametrize("name", VARIANTS)
def test_gates_are_independent_and_add_up(name):
    module, z, both = modulator(name), latents(), torch.ones(BATCH, 2)
    emotion, semantic = (both * torch.tensor(mask) for mask in ([1.0, 0.0], [0.0, 1.0]))
    full, moody, wordy = (
        module(z, teacher_features(), gates) - z for gates in (both, emotion, semantic)
    )
    torch.testing.assert_close(full, moody + wordy, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(module(z, teacher_features()), z + full)
    assert moody.abs().max() > 1e-3
    assert (wordy.abs().max() > 1e-3) == (name != "cem")  # which has no semantic branch


@pytest.mark.parametrize("name", VARIANTS)
def test_each_branch_reads_its_own_teacher(name):
    module, z, first, second = (
        modulator(name),
        latents(),
        teacher_features(),
        teacher_features(seed=9),
    )
    swapped = TeacherFeatures(
        second.emotion, first.semantic, first.emotion_known, first.semantic_known
    )
    gates = torch.tensor([[0.0, 1.0]]).expand(BATCH, 2)
    torch.testing.assert_close(module(z, swapped, gates), module(z, first, gates))
    heard = not torch.allclose(module(z, swapped), module(z, first), atol=1e-4)
    assert heard == (name != "self")


@pytest.mark.parametrize("name", VARIANTS)
def test_gradient_reaches_everything(name):
    module, z = modulator(name), latents().requires_grad_()
    (module(z, teacher_features()) * torch.randn(BATCH, DIM, FRAMES)).sum().backward()
    still = [
        n for n, w in module.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0
    ]
    # a softmax ignores what is added to all of it
    assert not [n for n in still if not n.endswith("score.bias")]
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["xattn_pre", "xattn_post", "add", "concat", "self"])
def test_long_audio_is_modulated_as_its_parts(name):
    """Away from its ends a part is modulated as within the whole: no variant but those that pool
    depends on the length.
    """
    module, frames = modulator(name), CHUNK + 40
    z, told = latents(frames), teacher_features(frames)
    part = TeacherFeatures.everywhere(told.emotion[:, 100:160], told.semantic[:, 100:160])
    whole, piece = module(z, told)[..., 110:150], module(z[..., 100:160], part)[..., 10:50]
    torch.testing.assert_close(piece, whole, atol=1e-4, rtol=1e-3)


def test_the_output_projection_is_shared():
    module = modulator("xattn_pre")
    projections = [name for name, weight in module.named_parameters() if weight.shape == (DIM, 16)]
    assert projections == ["output.weight"]


def test_gates_are_drawn_as_configured():
    torch.manual_seed(0)
    gates = modulator("add").draw_gates(20_000, torch.device("cpu"))
    assert set(gates.unique().tolist()) == {0.0, 1.0}
    assert gates.mean(0).tolist() == pytest.approx([0.72, 0.72], abs=0.02)  # 0.8 of 0.9
    off, both = (gates.sum(1) == 0).float().mean().item(), (gates.sum(1) == 2).float().mean().item()
    assert off == pytest.approx(0.1 + 0.9 * 0.04, abs=0.02) and both == pytest.approx(
        0.9 * 0.64, abs=0.02
    )
    always = modulator("add", modulation_keep=1.0, modulation_both_off=0.0)
    assert (always.draw_gates(100, torch.device("cpu")) == 1).all()


def test_gaps_are_filled_and_sequences_swapped():
    first, second = teacher_features(), teacher_features(seed=5)
    known = torch.arange(FRAMES).expand(BATCH, FRAMES) < 20
    gappy = TeacherFeatures(first.emotion, first.semantic, first.emotion_known, known)
    full = gappy.filled(second)
    assert full.semantic_known.all() and torch.equal(full.emotion, first.emotion)
    assert torch.equal(full.semantic[:, :20], first.semantic[:, :20])
    assert torch.equal(full.semantic[:, 20:], second.semantic[:, 20:])
    mixed = first.swapped(second, torch.tensor([False, True, False]))
    assert torch.equal(mixed.emotion[[0, 2]], first.emotion[[0, 2]]) and torch.equal(
        mixed.emotion[1], second.emotion[1]
    )
    assert torch.equal(mixed.semantic[1], second.semantic[1]) and mixed.semantic_known.all()


BAD_SHAPES = {
    "unknown": ({"modulation": "magic"}, "xattn_pre"),
    "cem without its quantiser": ({"modulation": "cem"}, "bd_rfsq"),
    "student of nothing": ({"student_dim": 32}, "student"),
    "heads": ({"modulation": "add", "modulation_dim": 30}, "multiple"),
    "no heads": ({"modulation_heads": 0}, "positive"),
}


@pytest.mark.parametrize("changes, said", BAD_SHAPES.values(), ids=BAD_SHAPES)
def test_impossible_shapes_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        CodecConfig.preset("tiny", **changes)
