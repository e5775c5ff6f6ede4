"""The cycle loss: the copy must sound as the original felt."""

from dataclasses import replace

import pytest
import torch

from codec.training.cycle import cycle_loss
from tiny_models import random_codec


def taught(**changes):
    return random_codec(
        **(
            {
                "modulation": "xattn_pre",
                "modulation_dim": 32,
                "student_dim": 32,
                "student_layers": 1,
            }
            | changes
        )
    )


def noise(seed=0, length=9600):
    return 0.1 * torch.randn(2, 1, length, generator=torch.Generator().manual_seed(seed))


def heard_as(output, audio):
    """The same pass, of which a listener hears `audio`."""
    return replace(output, decoded=replace(output.decoded, render=lambda: audio))


def perfect(codec, audio):
    return heard_as(codec(audio), audio)


BLOCKS = {"quantizer": "bd_rfsq", "codebook_size": 2**15, "modulation": "cem"}


@pytest.mark.parametrize("changes", [{}, BLOCKS], ids=["residual", "blocks"])
def test_a_perfect_copy_costs_nothing_and_another_does(changes):
    codec = taught(**changes)
    with torch.no_grad():
        assert cycle_loss(codec, perfect(codec, noise())).item() == pytest.approx(0.0, abs=1e-5)
        assert cycle_loss(codec, codec(noise())).item() > 1e-4


def test_only_the_copy_learns():
    codec = taught().train()
    output = codec(noise())
    heard = output.audio.detach().requires_grad_()
    cycle_loss(codec, heard_as(output, heard)).backward()
    assert heard.grad.abs().sum() > 0
    assert all(weight.grad is None and weight.requires_grad for weight in codec.parameters())


def test_padding_does_not_count():
    codec, mask = taught(), torch.ones(2, 10, dtype=torch.bool)
    output = codec(noise())
    mask[0] = False
    expected = cycle_loss(codec, codec(noise()))
    with torch.no_grad():
        assert cycle_loss(codec, output, mask) != expected
        assert cycle_loss(codec, output, torch.zeros_like(mask)) == 0
