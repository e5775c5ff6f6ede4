"""What all quantisers promise, and what is special to the factorised, the split and the
block-diagonal one.
"""

import pytest
import torch

from codec import CodecConfig
from codec.config import CHOICES
from codec.parts import VARIANTS, part
from codec.quantize.base import active_stages, code_statistics
from codec.quantize.residual import ResidualQuantizer
from codec.variants.fsq import EMOTION_CODES, LEVELS, finite_scalar
from tiny_models import random_codec

KINDS = CHOICES["quantizer"]
DIM, FRAMES = 32, 40


def config(kind, **changes):
    size = 2**15 if kind == "bd_rfsq" else 16
    return CodecConfig.preset(
        "tiny", **({"quantizer": kind, "codebook_size": size, "quantizer_dropout": 0.0} | changes)
    )


def quantizer(kind, **changes):
    torch.manual_seed(0)
    module = part("quantizer", kind, ResidualQuantizer)(config(kind, **changes))
    module.initialise(latents(5), torch.Generator().manual_seed(0))
    return module


def latents(seed=1, batch=4):
    """Latents of low rank, as real ones are."""
    draw = torch.Generator().manual_seed(seed)
    basis = torch.randn(DIM, 6, generator=torch.Generator().manual_seed(99))
    return basis @ torch.randn(batch, 6, FRAMES, generator=draw)


def test_every_choice_has_its_class():
    assert {"rvq_ema", *VARIANTS["quantizer"]} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_lookup_of_the_codes_is_the_quantised(kind, count):
    module = quantizer(kind).eval()
    with torch.no_grad():
        output = module(latents(), count)
        assert output.codes.shape == (4, count, FRAMES) and output.codes.dtype == torch.int64
        assert len(output.stages) == len(output.perplexity) == count
        torch.testing.assert_close(
            module.lookup(output.codes), output.quantized, atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(sum(output.stages), output.quantized, atol=1e-4, rtol=1e-4)
        assert torch.equal(output.codes, module(latents()).codes[:, :count])


@pytest.mark.parametrize("kind", KINDS)
def test_code_vectors_are_what_codes_add(kind):
    module = quantizer(kind).eval()
    with torch.no_grad():
        codes, vectors, nothing = (
            module(latents()).codes,
            module.code_vectors(),
            torch.zeros(1, 4, 1, dtype=torch.long),
        )
        assert len(vectors) == 4 and all(
            v.shape == (config(kind).codebook_size, DIM) for v in vectors
        )
        rebuilt = sum(v[codes[:, k]] for k, v in enumerate(vectors)).transpose(1, 2)
        # A bias of an output projection is part of every code.
        torch.testing.assert_close(rebuilt, module.lookup(codes), atol=1e-4, rtol=1e-4)
        assert torch.isfinite(module.lookup(nothing)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_passes_and_commitment_pulls(kind):
    module, points = quantizer(kind).train(), latents().requires_grad_()
    output = module(points)
    for loss in (output.quantized.square().sum(), output.stages[0].sum(), output.commitment):
        (gradient,) = torch.autograd.grad(loss, points, retain_graph=True)
        assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0


@pytest.mark.parametrize("kind", ["rvq_fact", "rvq_split", "bd_rfsq"])
def test_every_weight_of_the_quantiser_learns(kind):
    module = quantizer(kind).train()
    output = module(latents())
    loss = (output.quantized - latents()).square().mean() + output.commitment
    (loss + (0 if output.codebook is None else output.codebook)).backward()
    still = [
        name
        for name, weight in module.named_parameters()
        if weight.grad is None or not weight.grad.abs().sum() > 0
    ]
    assert not still


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_drops_last_stages_in_training_alone(kind):
    module = quantizer(kind, quantizer_dropout=1.0)
    with torch.no_grad():
        full = module.eval()(latents(batch=32)).quantized
        torch.manual_seed(0)
        some = module.train()(latents(batch=32))
        again = module.eval()(latents(batch=32)).quantized
    same = (some.quantized - full).abs().amax((1, 2)) < 1e-4
    assert 0 < same.sum() < 32 and some.codes.shape[1] == 4
    if kind in ("rvq_fact", "bd_rfsq"):
        assert torch.equal(again, full)  # those with moving codebooks have moved


def padded(points, count=13):
    """Latents with garbage behind them, and the mask that tells it from them."""
    garbage = 100 * torch.randn(len(points), DIM, count, generator=torch.Generator().manual_seed(3))
    return torch.cat([points, garbage], dim=2), (torch.arange(FRAMES + count) < FRAMES).expand(
        len(points), -1
    )


@pytest.mark.parametrize("kind", KINDS)
def test_padding_teaches_nothing(kind):
    """Starting values, tables, sums, counts, losses and statistics are the same to the last bit or
    nearly so.
    """
    modules, outputs = [], []
    for masked in (False, True):
        torch.manual_seed(0)
        module = part("quantizer", kind, ResidualQuantizer)(config(kind)).train()
        points, mask = padded(latents()) if masked else (latents(), None)
        module.initialise(points, torch.Generator().manual_seed(0), mask)
        for _ in range(3):
            torch.manual_seed(1)
            output = module(points.requires_grad_(), mask=mask)
        modules.append(module), outputs.append(output)
    plain, other = (dict(module.named_buffers()) for module in modules)
    if kind in ("rvq_ema", "rvq_split"):
        assert {name.split(".")[-1] for name in plain} >= {"vectors", "sums", "counts"}
    for name, buffer in (plain | dict(modules[0].named_parameters())).items():
        found = (other | dict(modules[1].named_parameters()))[name]
        torch.testing.assert_close(found, buffer, atol=1e-5, rtol=1e-5, msg=name)
    for name in ("commitment", "codebook", "perplexity", "usage", "restarts"):
        first, second = (getattr(output, name) for output in outputs)
        torch.testing.assert_close(
            first, second, atol=1e-4, rtol=1e-4, msg=name
        ) if first is not None else None
    (gradient,) = torch.autograd.grad(outputs[1].commitment, points)
    assert (gradient[..., FRAMES:] == 0).all() and gradient[..., :FRAMES].abs().sum() > 0
    assert outputs[1].codes.shape[2] == FRAMES + 13  # padding is quantised all the same


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_mask_padding_would_teach(kind):
    module, (points, mask) = quantizer(kind).train(), padded(latents())
    assert not torch.allclose(module(points).commitment, module(points, mask=mask).commitment)


def test_usage_is_the_share_of_codes_that_occur():
    codes = torch.tensor([[[0, 1, 1, 1], [0, 0, 0, 3]]])
    perplexities, used = code_statistics(codes, 4, torch.tensor([[True, True, True, False]]))
    assert used.tolist() == [0.5, 0.25]
    torch.testing.assert_close(perplexities, torch.tensor([3 / 2 ** (2 / 3), 1.0]))


def test_the_block_quantiser_drops_to_few_stages_more_often():
    torch.manual_seed(0)
    even, few = (
        torch.bincount(active_stages(4000, 4, 1.0, torch.device("cpu"), few), minlength=5)
        for few in (False, True)
    )
    assert even[1:].min() > 850 and few[0] == even[0] == 0
    assert (
        few.tolist() == sorted(few.tolist()[1:] + [0], key=lambda n: (n > 0, -n))
        and few[1] > 3 * few[4]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_training_by_gradient_and_average_lowers_the_error(kind):
    module, points = quantizer(kind).train(), latents()
    weights = list(module.parameters())
    optimizer = torch.optim.Adam(weights, 1e-2) if weights else None

    def error():
        return (module.eval()(points).quantized - points).square().mean().item()

    before = error()
    for _ in range(40):
        output = module.train()(points)
        loss = (output.quantized - points).square().mean() + 0.25 * output.commitment
        loss = loss + (0 if output.codebook is None else output.codebook)
        if optimizer:
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    assert error() < 0.9 * before


@pytest.mark.parametrize("kind", KINDS)
def test_the_codec_decodes_what_it_encodes(kind, tone):
    codec = random_codec(quantizer=kind, codebook_size=config(kind).codebook_size)
    with torch.no_grad():
        codec.quantizer.initialise(codec.encode_latents(tone), torch.Generator().manual_seed(0))
        through = codec(tone)
    encoded = codec.encode(tone)
    torch.testing.assert_close(
        codec.decode(encoded.codes, encoded.num_samples), through.audio, atol=2e-3, rtol=0
    )


def test_factorised_codes_are_chosen_by_angle():
    book = quantizer("rvq_fact").codebooks[0]
    points = torch.randn(50, 8)
    assert torch.equal(book.nearest(points), book.nearest(7 * points))
    angles = torch.nn.functional.cosine_similarity(points[:, None], book.vectors[None], dim=-1)
    assert torch.equal(book.nearest(points), angles.argmax(1))


def test_the_codebook_loss_moves_codes_and_the_commitment_does_not():
    module = quantizer("rvq_fact").train()
    output = module(latents())
    codebook, commitment = (
        torch.autograd.grad(
            loss, module.codebooks[0].vectors, retain_graph=True, allow_unused=True
        )[0]
        for loss in (output.codebook, output.commitment)
    )
    assert codebook.abs().sum() > 0 and (commitment is None or commitment.abs().sum() == 0)


def test_the_split_books_do_not_see_each_other():
    """What is distilled into the first book leaves the codes of the others alone."""
    module = quantizer("rvq_split").eval()
    with torch.no_grad():
        before = module(latents()).codes
        module.inward[0].weight.normal_()
        after = module(latents()).codes
    assert torch.equal(before[:, 1:], after[:, 1:]) and not torch.equal(before[:, 0], after[:, 0])
    with pytest.raises(ValueError, match="at least 2"):
        config("rvq_split", num_codebooks=1)


@pytest.mark.parametrize("levels", [2.0, 3.0, 4.0])
def test_finite_scalars_are_even_levels_with_a_gradient(levels):
    z = torch.linspace(-4, 4, 101, requires_grad=True)
    values = finite_scalar(z, torch.tensor(levels))
    steps = torch.linspace(-1, 1, int(levels))
    assert set(values.detach().mul(1e4).round().tolist()) == set(steps.mul(1e4).round().tolist())
    values.sum().backward()
    torch.testing.assert_close(z.grad, 1 - torch.tanh(z.detach()) ** 2)


def test_emotion_and_acoustics_never_mix():
    """Changing the acoustic channels leaves the emotion part of every code alone, and the other way
    round.
    """
    module = quantizer("bd_rfsq").eval()
    first, other = latents(), latents(9)
    with torch.no_grad():
        codes = module(first).codes
        acoustic, emotional = first.clone(), first.clone()
        acoustic[:, DIM // 4 :], emotional[:, : DIM // 4] = (
            other[:, DIM // 4 :],
            other[:, : DIM // 4],
        )
        with_acoustic, with_emotion = module(acoustic).codes, module(emotional).codes
    assert torch.equal(with_acoustic % EMOTION_CODES, codes % EMOTION_CODES)
    assert torch.equal(with_emotion // EMOTION_CODES, codes // EMOTION_CODES)
    assert not torch.equal(with_acoustic, codes) and not torch.equal(with_emotion, codes)


def test_gradients_of_acoustics_do_not_reach_emotion():
    module, points = quantizer("bd_rfsq"), latents().requires_grad_()
    module(points).quantized[:, DIM // 4 :].square().sum().backward()
    assert (points.grad[:, : DIM // 4] == 0).all() and points.grad[:, DIM // 4 :].abs().sum() > 0


def test_codes_of_the_block_quantiser_are_mixed_radix_numbers():
    stage = quantizer("bd_rfsq").stages[0]
    codes = torch.tensor([0, 7, 8, 2**15 - 1])
    with torch.no_grad():
        lowest, highest = stage.expand(-torch.ones(1, 9)), stage.expand(torch.ones(1, 9))
        torch.testing.assert_close(stage.decode(codes[[0]]), lowest)
        torch.testing.assert_close(stage.decode(codes[[3]]), highest)
        emotion_on = stage.decode(codes[[1]])
    torch.testing.assert_close(emotion_on[:, : DIM // 4], highest[:, : DIM // 4])
    torch.testing.assert_close(emotion_on[:, DIM // 4 :], lowest[:, DIM // 4 :])
    assert len(LEVELS) == 9
    with pytest.raises(ValueError, match="32768"):
        config("bd_rfsq", codebook_size=1024)
