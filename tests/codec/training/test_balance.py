"""Weights of auxiliary losses from their gradients."""

import pytest
import torch

from codec.training.balance import MAX_WEIGHT, GradientBalancer


def measured(scale=1.0, ratio=0.3, decay=0.9):
    node = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    losses = {"main": (2 * node).square().sum(), "aux": scale * (node - 1).square().sum()}
    balancer = GradientBalancer({"aux": ratio}, decay)
    balancer.measure(node, losses["main"], losses)
    return balancer, node, losses


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_the_weighted_gradient_has_the_asked_share(scale):
    balancer, node, losses = measured(scale)
    main, aux = (
        torch.autograd.grad(losses[name], node, retain_graph=True)[0].norm()
        for name in ("main", "aux")
    )
    assert (balancer.weight("aux") * aux / main).item() == pytest.approx(0.3, rel=1e-4)


def test_the_graph_is_kept_for_the_step():
    _, node, losses = measured()
    sum(losses.values()).backward()
    assert node.grad is not None


def test_norms_move_slowly():
    balancer, node, losses = measured(decay=0.5)
    before = balancer.norms["aux"]
    balancer.measure(node, losses["main"], {"aux": 3 * losses["aux"]})
    assert balancer.norms["aux"] == pytest.approx(0.5 * before + 0.5 * 3 * before, rel=1e-5)


def test_unknown_and_unmeasured_losses_weigh_nothing():
    assert GradientBalancer({"aux": 0.1}).weight("aux") == 0.0
    assert measured()[0].weight("other") == 0.0


def test_a_vanishing_gradient_is_bounded():
    assert measured(scale=0.0)[0].weight("aux") == MAX_WEIGHT
