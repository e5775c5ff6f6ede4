"""The residual quantiser: gradients, moving codebooks, dead codes."""

import math

import pytest
import torch

from codec import CodecConfig
from codec.quantize.base import Codebook, k_means
from codec.quantize.residual import ResidualQuantizer


def quantizer(**changes):
    torch.manual_seed(0)
    return ResidualQuantizer(
        CodecConfig.preset("tiny", **({"latent_dim": 8, "codebook_size": 16} | changes))
    )


def latents(seed=1, batch=4, frames=50):
    return torch.randn(batch, 8, frames, generator=torch.Generator().manual_seed(seed))


def buffers(module):
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def test_k_means_start_reduces_the_error():
    module, points = quantizer().eval(), latents()
    before = (module(points).quantized - points).pow(2).mean()
    module.initialise(points, torch.Generator().manual_seed(0))
    after = (module(points).quantized - points).pow(2).mean()
    assert after < 0.5 * before
    errors = [(module(points, k).quantized - points).pow(2).mean() for k in (1, 2, 3, 4)]
    assert errors == sorted(errors, reverse=True)


def test_k_means_ends_at_means_of_its_points():
    points = torch.randn(90, 2, generator=torch.Generator().manual_seed(3))
    start, found = (
        k_means(points, 5, count, torch.Generator().manual_seed(1)) for count in (0, 40)
    )
    nearest = torch.cdist(points, found).argmin(dim=1)
    means = torch.stack([points[nearest == index].mean(dim=0) for index in range(5)])
    torch.testing.assert_close(found, means, atol=1e-4, rtol=0)
    assert (
        torch.cdist(points, found).amin(dim=1).pow(2).mean()
        < torch.cdist(points, start).amin(dim=1).pow(2).mean()
    )
    assert torch.equal(found, k_means(points, 5, 40, torch.Generator().manual_seed(1)))


def test_k_means_with_fewer_points_than_centres():
    found = k_means(torch.randn(5, 3), 12, 5)
    assert found.shape == (12, 3) and torch.isfinite(found).all()


def test_lookup_equals_the_quantised_latents_in_evaluation():
    module, points = quantizer().eval(), latents()
    for count in (1, 2, 4):
        output = module(points, count)
        assert output.codes.shape == (4, count, 50) and len(output.stages) == count
        torch.testing.assert_close(module.lookup(output.codes), output.quantized, atol=1e-5, rtol=0)


def test_every_stage_picks_the_nearest_vector():
    module, points = quantizer().eval(), latents()
    codes, residual = module(points).codes, points.transpose(1, 2)
    for index, book in enumerate(module.codebooks):
        assert torch.equal(
            torch.cdist(residual, book.vectors[None]).argmin(dim=-1), codes[:, index]
        )
        residual = residual - book.vectors[codes[:, index]]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_search_that_follows_one_sum_finds_what_forward_does(count):
    module, points = quantizer().eval(), latents()
    assert torch.equal(module.search(points, count, beam=1), module(points, count).codes)


def test_a_wider_search_comes_nearer(monkeypatch):
    module, points = quantizer().eval(), latents(batch=3, frames=70)
    module.initialise(points, torch.Generator().manual_seed(0))
    errors = [
        (module.lookup(module.search(points, 4, beam)) - points).square().sum(1).mean()
        for beam in (1, 4, 16)
    ]
    assert errors[2] < errors[1] < 0.97 * errors[0]
    codes = module.search(points, 4, 4)
    assert codes.shape == (3, 4, 70) and codes.max() < 16
    monkeypatch.setattr("codec.quantize.residual.SEARCHED_AT_ONCE", 32)
    assert torch.equal(module.search(points, 4, 4), codes)


def test_a_search_of_all_sums_finds_the_nearest():
    module, points = quantizer(codebook_size=5).eval(), latents(batch=1, frames=9)
    module.initialise(points, torch.Generator().manual_seed(0))
    first, second = module.code_vectors()[:2]
    sums = (first[:, None] + second[None]).flatten(0, 1)
    best = torch.cdist(points[0].t(), sums).min(dim=1).values
    found = module.lookup(module.search(points, 2, beam=5)) - points
    torch.testing.assert_close(found[0].norm(dim=0), best, atol=1e-3, rtol=0)


@pytest.mark.parametrize("training", [True, False])
def test_straight_through_gradient_is_the_identity(training):
    module, points = quantizer().train(training), latents().requires_grad_()
    direction = torch.randn_like(points)
    (module(points).quantized * direction).sum().backward()
    torch.testing.assert_close(points.grad, direction)


def test_first_stage_passes_gradient_too():
    module, points = quantizer().eval(), latents().requires_grad_()
    module(points).stages[0].sum().backward()
    torch.testing.assert_close(points.grad, torch.ones_like(points))


def test_commitment_of_every_stage_reaches_the_latents():
    module, points = quantizer().eval(), latents()

    def gradient(count):
        leaf = points.clone().requires_grad_()
        (found,) = torch.autograd.grad(module(leaf, count).commitment, leaf)
        return found

    first, both = gradient(1), gradient(2)
    assert first.abs().max() > 0
    # What stage 2 adds pulls towards its own vectors: its residual, scaled by the mean.
    output = module(points, 2)
    expected = 2 * (points - output.quantized) / points.numel()
    torch.testing.assert_close(both - first, expected, atol=1e-6, rtol=1e-3)


def test_codebooks_take_no_gradient():
    module, points = quantizer().train(), latents().requires_grad_()
    assert not list(module.parameters())
    output = module(points)
    (output.commitment + output.quantized.sum()).backward()
    assert all(buffer.grad is None and not buffer.requires_grad for buffer in module.buffers())


def test_moving_average_goes_towards_the_data():
    book = Codebook(4, 2, decay=0.9)
    book.initialise(
        torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]]), torch.Generator().manual_seed(0)
    )
    target = torch.tensor([3.0, 3.0])
    index = int(book.nearest(target[None]))
    points = torch.cat([book.vectors.clone().repeat(4, 1), target.repeat(4, 1)])
    before = (book.vectors[index] - target).norm()
    distances = [before]
    for _ in range(5):
        book.update(points, book.nearest(points))
        distances.append((book.vectors[index] - target).norm())
    assert distances == sorted(distances, reverse=True) and distances[-1] < 0.9 * before


def test_moving_average_settles_on_the_mean():
    book, points = Codebook(1, 2, decay=0.5), torch.tensor([[2.0, 4.0], [4.0, 0.0]])
    for _ in range(60):
        book.update(points, torch.zeros(2, dtype=torch.long))
    torch.testing.assert_close(book.vectors[0], points.mean(dim=0), atol=1e-3, rtol=0)


def test_a_dead_code_is_restarted_at_a_point_and_stays_there():
    torch.manual_seed(0)
    book = Codebook(4, 2, decay=0.99)
    book.initialise(torch.randn(40, 2), torch.Generator().manual_seed(0))
    far = torch.tensor([1000.0, 1000.0])
    book.vectors[3], book.sums[3], book.counts[3] = far, far * 1e-4, 1e-4
    book.counts[:3] = 10.0
    book.sums[:3] = book.vectors[:3] * 10
    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(5))
    assert int(book.update(points, book.nearest(points))) == 1
    restarted = book.vectors[3].clone()
    assert torch.cdist(restarted[None], points).min() < 1e-2
    assert book.counts[3] > 1 and book.sums[3].abs().max() < 100
    # Nothing is assigned to it in the next step: it fades slowly and does not jump.
    others = torch.zeros(40, dtype=torch.long)
    assert int(book.update(points, others)) == 0
    torch.testing.assert_close(book.vectors[3], restarted, atol=1e-2, rtol=1e-2)


def test_quantiser_dropout_works_in_training_only():
    module, points = quantizer(quantizer_dropout=1.0), latents(batch=64, frames=3)
    module.initialise(latents(2))
    full = module.eval()(points).quantized
    torch.manual_seed(0)
    output = module.train()(points)
    same = (output.quantized - full).abs().amax(dim=(1, 2)) < 1e-5
    assert 0 < int(same.sum()) < 64  # some items drew all four stages, some fewer
    assert output.codes.shape[1] == 4  # the codes of all stages are there all the same


def test_without_dropout_all_stages_count_in_training():
    module, points = quantizer(quantizer_dropout=0.0).train(), latents()
    vectors = [book.vectors.clone() for book in module.codebooks]
    output = module(points)
    rebuilt = sum(v[output.codes[:, k]] for k, v in enumerate(vectors)).transpose(1, 2)
    torch.testing.assert_close(output.quantized, rebuilt, atol=1e-5, rtol=0)


def test_evaluation_leaves_the_buffers_and_training_moves_them():
    module, points = quantizer(), latents()
    before = buffers(module)
    module.eval()(points)
    assert all(torch.equal(before[name], buffer) for name, buffer in module.named_buffers())
    module.train()(points)
    assert all(
        not torch.equal(before[f"codebooks.{k}.vectors"], module.codebooks[k].vectors)
        for k in range(4)
    )


def test_perplexity_lies_between_one_and_the_size():
    module = quantizer().eval()
    assert torch.allclose(module(torch.ones(1, 8, 10)).perplexity, torch.ones(4), atol=1e-4)
    spread = module.codebooks[0].vectors.t()[None]  # every vector once
    output = module(spread, 1)
    assert math.isclose(float(output.perplexity[0]), 16.0, rel_tol=1e-4)
    values = module(latents()).perplexity
    assert ((values >= 1 - 1e-4) & (values <= 16 + 1e-3)).all()
