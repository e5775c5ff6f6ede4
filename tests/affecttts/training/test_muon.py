"""Muon: an update whose singular values are all about one."""

import pytest
import torch

from affecttts.training.muon import Muon, orthogonalised

SHAPES = [(16, 16), (48, 16), (16, 48)]


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_become_one_and_their_directions_stay(shape):
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ torch.diag(torch.linspace(0.1, 3.0, 16)) @ v
    result = orthogonalised(matrix, torch.float32)
    values = u.T @ result @ v.T
    assert ((values.diagonal() > 0.6) & (values.diagonal() < 1.3)).all()
    assert (values - torch.diag(values.diagonal())).abs().max() < 1e-3


def stepped(make, shape, steps=3):
    torch.manual_seed(1)
    weight = torch.nn.Parameter(torch.randn(shape))
    optimizer = make([weight])
    for _ in range(steps):
        weight.grad = torch.randn(shape)
        optimizer.step()
    return weight.detach()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
@pytest.mark.parametrize("shape", SHAPES)
def test_it_does_what_that_of_torch_does(shape):
    settings = {"lr": 0.02, "weight_decay": 0.05}
    theirs = stepped(
        lambda p: torch.optim.Muon(p, adjust_lr_fn="match_rms_adamw", **settings), shape
    )
    torch.testing.assert_close(
        stepped(lambda p: Muon(p, **settings), shape), theirs, rtol=0, atol=1e-5
    )
    exact = stepped(lambda p: Muon(p, dtype=torch.float32, **settings), shape)
    moved = (theirs - stepped(lambda p: Muon(p, lr=0.0), shape)).norm()
    assert 0 < (exact - theirs).norm() < 0.02 * moved, (
        "float32 differs by the rounding of bfloat16 alone"
    )


def test_a_parameter_without_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(3, 3))
    Muon([weight]).step()
    assert torch.equal(weight.detach(), torch.ones(3, 3))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"\(3,\).*AdamW"):
        Muon([torch.nn.Parameter(torch.ones(3))])
