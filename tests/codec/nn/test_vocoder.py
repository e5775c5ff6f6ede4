"""The vocoder says what its parameters say, and its samples have a gradient."""

import math

import pytest
import torch

from codec.config import CodecConfig
from codec.nn.vocoder import (
    Vocoder,
    VocoderParameters,
    aperiodicity_bands,
    mel_cosines,
    mel_points,
    minimum_phase,
)

RATE, HOP, BINS = 24_000, 240, 513


@pytest.fixture(scope="module")
def vocoder():
    return Vocoder(CodecConfig.preset("small_vocoder", decoder="parametric"))


def parameters(hertz=120.0, frames=100, loud=-3.0, noise_db=-60.0, **coefficients):
    envelope = torch.zeros(1, frames, 60)
    envelope[..., 0] = loud
    for name, value in coefficients.items():
        envelope[..., int(name[1:])] = value
    return VocoderParameters(
        torch.full((1, frames), hertz), envelope, torch.full((1, frames, 3), noise_db)
    )


def band(audio, low, high):
    """Power between two frequencies in Hz of audio [T]."""
    spectrum = torch.fft.rfft(audio * torch.hann_window(len(audio))).abs().square()
    bins = torch.tensor([low, high]) / RATE * 2 * (len(spectrum) - 1)
    return spectrum[int(bins[0]) : int(bins[1])].sum().item()


@pytest.mark.parametrize("hertz", [80.0, 220.0, 0.0])
def test_level_is_that_of_the_envelope_voiced_or_not(vocoder, hertz):
    audio = vocoder(parameters(hertz, loud=math.log(0.1)))
    assert audio.shape == (1, 100 * HOP)
    assert audio[:, 2400:-2400].square().mean().sqrt().item() == pytest.approx(0.1, rel=0.1)


def test_the_envelope_shapes_pulses_and_noise_alike(vocoder):
    """The first cosine is high at low frequencies and low at high ones."""
    for hertz in (120.0, 0.0):
        flat, dark = (vocoder(parameters(hertz, c1=tilt))[0] for tilt in (0.0, 1.0))
        assert band(dark, 100, 700) > 4 * band(flat, 100, 700)
        assert band(dark, 6000, 11_000) < band(flat, 6000, 11_000) / 4


def test_aperiodicity_puts_noise_between_the_harmonics(vocoder):
    clean, rough = (vocoder(parameters(200.0, noise_db=db))[0, 2400:-2400] for db in (-60.0, -3.0))
    between, at = (6060, 6140), (5970, 6030)
    assert band(clean, *between) < 1e-4 * band(clean, *at)
    assert band(rough, *between) > 1e-2 * band(rough, *at)


def test_filters_change_as_fast_as_frames(vocoder):
    loud = parameters(0.0, loud=-1.0)
    loud.envelope[:, 50:, 0] = -6.0
    audio = vocoder(loud)[0]
    before, after = audio[48 * HOP : 49 * HOP], audio[51 * HOP : 52 * HOP]
    assert before.std() > 100 * after.std()


def test_pulses_come_after_their_moment_and_not_before(vocoder):
    """The response of a minimum-phase filter begins with its pulse."""
    slow = parameters(60.0, c1=1.0, c3=0.6)
    audio = vocoder(slow)[0, 4800:-4800]
    peak = int(audio[:400].abs().argmax()) + 400
    before, after = audio[peak - 100 : peak - 20], audio[peak + 20 : peak + 100]
    assert after.norm() > 1.5 * before.norm()


def test_a_minimum_phase_filter_is_causal():
    bins = torch.linspace(0, RATE / 2, BINS).double()
    shape = torch.randn(60, generator=torch.Generator().manual_seed(0)).double() / 10
    log_amplitude = shape @ mel_cosines(60, bins, RATE)
    response = torch.fft.irfft(torch.polar(log_amplitude.exp(), minimum_phase(log_amplitude)))
    energy = response.square()
    assert energy[:512].sum() > 0.999 * energy.sum()
    assert energy[:16].sum() > 0.5 * energy.sum()


def test_squares_of_coefficients_add_up_to_the_mean_square():
    cosines = mel_cosines(60, mel_points(4000, RATE), RATE)
    torch.testing.assert_close(cosines @ cosines.T / 4000, torch.eye(60), atol=1e-3, rtol=0)


def test_a_gradient_reaches_all_that_shapes_the_sound(vocoder):
    given = parameters(150.0, noise_db=-20.0)
    given.envelope.requires_grad_()
    given.aperiodicity.requires_grad_()
    vocoder(given).square().mean().backward()
    for tensor in (given.envelope, given.aperiodicity):
        assert tensor.grad.isfinite().all() and tensor.grad.abs().sum() > 0


@pytest.mark.parametrize("rate, bands", [(16_000, 1), (24_000, 3), (48_000, 5)])
def test_bands_of_a_sample_rate_are_those_of_the_analysis(rate, bands):
    world = pytest.importorskip("pyworld")
    assert aperiodicity_bands(rate) == bands == world.get_num_aperiodicities(rate)


def test_wild_parameters_give_finite_samples(vocoder):
    wild = VocoderParameters(
        torch.tensor([[0.0, 690.0, 55.0, 0.0, 12_000.0, 30.0]]),
        100 * torch.randn(1, 6, 60, generator=torch.Generator().manual_seed(0)),
        torch.tensor([-1e4, 0.0, 1e4]).expand(1, 6, 3),
    )
    assert vocoder(wild).isfinite().all()
