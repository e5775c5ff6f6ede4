"""Losses of vocoder parameters."""

import pytest
import torch

from codec.config import CodecConfig
from codec.nn.decoder import DecoderOutput
from codec.nn.vocoder import VocoderParameters
from codec.training.vocoder_loss import VocoderLosses

COUNT, BANDS = 60, 3


@pytest.fixture(scope="module")
def losses():
    return VocoderLosses(CodecConfig.preset("small_vocoder", decoder="parametric"))


def target(frames=50, seed=0):
    values = torch.randn(2, frames, COUNT + BANDS, generator=torch.Generator().manual_seed(seed))
    return values / 10


def said(values):
    parameters = VocoderParameters(torch.zeros(values.shape[:2]), *values.split([COUNT, BANDS], -1))
    return DecoderOutput(lambda: torch.zeros(()), parameters=parameters)


def call(losses, predicted, wanted, f0=200.0, mask=None):
    shape = wanted.shape[:2]
    mask = torch.ones(shape, dtype=torch.bool) if mask is None else mask
    found = losses(said(predicted), wanted, torch.full(shape, f0), mask)
    return {name: loss.item() for name, loss in found.items()}


def test_the_truth_costs_nothing(losses):
    assert call(losses, target(), target()) == {"envelope": 0.0, "aperiodicity": 0.0}


def test_errors_are_in_decibels(losses):
    louder, rougher = target(), target()
    louder[..., 0] += 0.1151  # natural log of an amplitude: 1 dB
    rougher[..., COUNT:] += 2
    assert call(losses, louder, target())["envelope"] == pytest.approx(1.0, rel=1e-3)
    assert call(losses, rougher, target())["aperiodicity"] == pytest.approx(2.0, rel=1e-3)
    assert call(losses, rougher, target(), f0=0.0)["aperiodicity"] == 0.0


def test_soft_frames_count_less_and_padding_nothing(losses):
    wanted, mask = target(), torch.ones(2, 50, dtype=torch.bool)
    wanted[:, 25:, 0] -= 9  # 78 dB
    wrong_loud, wrong_soft = wanted.clone(), wanted.clone()
    wrong_loud[:, :25, 0] += 1
    wrong_soft[:, 25:, 0] += 1
    loud, soft = (call(losses, wrong, wanted)["envelope"] for wrong in (wrong_loud, wrong_soft))
    assert loud == pytest.approx(10 * soft, rel=0.1)
    mask[:, :25] = False
    assert call(losses, wrong_loud, wanted, mask=mask)["envelope"] == 0.0
