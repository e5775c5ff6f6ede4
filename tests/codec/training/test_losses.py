"""Reconstruction and adversarial losses at points where their value is known."""

import math

import pytest
import torch

from codec.nn.decoder import DecoderOutput
from codec.training.adversarial import discriminator_loss, generator_losses
from codec.training.discriminators import Discriminator, DiscriminatorConfig, Judgement
from codec.training.losses import SpectralLosses, pitch_losses


@pytest.fixture(scope="module")
def spectral():
    return SpectralLosses(24_000)


@pytest.fixture(scope="module")
def mel_loss(spectral):
    return lambda predicted, target: spectral(predicted, target)["mel"]


@pytest.fixture(scope="module")
def convergence(spectral):
    return lambda predicted, target: spectral(predicted, target)["convergence"].item()


@pytest.fixture(scope="module")
def discriminator():
    torch.manual_seed(0)
    return Discriminator(
        DiscriminatorConfig(periods=(2, 3), windows=(256, 512), period_channels=2, stft_channels=2)
    )


def test_identical_audio_has_no_mel_loss(mel_loss, tone):
    assert mel_loss(tone, tone.clone()).item() == 0.0


def test_mel_loss_grows_with_the_damage(mel_loss, tone):
    noise = torch.randn(tone.shape, generator=torch.Generator().manual_seed(0))
    noisier = [mel_loss(tone + level * noise, tone).item() for level in (0.001, 0.01, 0.1)]
    louder = [mel_loss(gain * tone, tone).item() for gain in (1.1, 1.5, 4.0)]
    assert 0 < noisier[0] < noisier[1] < noisier[2]
    assert 0 < louder[0] < louder[1] < louder[2]


def test_ten_times_louder_is_one(mel_loss):
    """log10 of every mel magnitude moves by one where all are above the floor."""
    noise = 0.05 * torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0))
    assert mel_loss(10 * noise, noise).item() == pytest.approx(1.0, abs=1e-3)


def test_mel_loss_has_a_gradient_also_at_silence(mel_loss):
    audio = torch.zeros(1, 1, 4000, requires_grad=True)
    mel_loss(audio, 0.1 * torch.randn(1, 1, 4000)).backward()
    assert torch.isfinite(audio.grad).all()


def test_convergence_is_the_relative_error_of_magnitudes(convergence):
    noise = 0.05 * torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0))
    assert convergence(noise, noise) == pytest.approx(0.0, abs=0.01)
    assert convergence(1.5 * noise, noise) == pytest.approx(0.5, abs=0.01)
    assert convergence(0 * noise, noise) == pytest.approx(1.0, abs=0.01)


def test_convergence_minds_loud_stretches_where_mel_minds_all(convergence, mel_loss):
    noise = 0.05 * torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0))
    speech = torch.cat([noise, 0.01 * noise], dim=-1)
    loud, soft = (torch.cat([a * noise, b * 0.01 * noise], dim=-1) for a, b in ((2, 1), (1, 2)))
    assert convergence(loud, speech) > 10 * convergence(soft, speech)
    assert mel_loss(loud, speech).item() == pytest.approx(mel_loss(soft, speech).item(), rel=0.15)


def decoded(f0, voicing):
    return DecoderOutput(
        lambda: torch.zeros(1, 1, 1), torch.tensor([f0]).log(), torch.tensor([voicing])
    )


def test_pitch_losses_vanish_at_the_truth():
    losses = pitch_losses(
        decoded([100.0, 333.0, 200.0], [60.0, -60.0, 60.0]), torch.tensor([[100.0, 0.0, 200.0]])
    )
    assert losses["f0"].item() == pytest.approx(0.0, abs=1e-6)
    assert losses["voicing"].item() == pytest.approx(0.0, abs=1e-6)


def test_pitch_error_is_in_octaves_of_voiced_frames():
    truth = torch.tensor([[100.0, 0.0, 100.0, 0.0]])
    losses = pitch_losses(decoded([200.0, 5.0, 50.0, 5.0], [0.0] * 4), truth)
    assert losses["f0"].item() == pytest.approx(1.0, rel=1e-3)
    assert losses["voicing"].item() == pytest.approx(math.log(2))
    other = pitch_losses(decoded([200.0, 600.0, 50.0, 70.0], [0.0] * 4), truth)
    assert other["f0"] == losses["f0"]


def test_pitch_losses_without_any_voice():
    losses = pitch_losses(decoded([200.0, 100.0], [-60.0, -60.0]), torch.zeros(1, 2))
    assert losses["f0"].item() == 0.0 and losses["voicing"].item() < 1e-6


def judged(score, features=(1.0,)):
    return [
        Judgement(torch.full((2, 3), score), [torch.full((2, 4), f) for f in features])
        for _ in range(2)
    ]


def test_discriminator_loss_at_known_scores():
    assert discriminator_loss(judged(1.0), judged(0.0)).item() == 0.0
    assert discriminator_loss(judged(0.0), judged(1.0)).item() == 2.0
    assert discriminator_loss(judged(0.5), judged(0.5)).item() == 0.5


def test_generator_losses_at_known_scores():
    perfect = generator_losses(judged(0.3), judged(1.0))
    assert perfect["adversarial"].item() == 0.0 and perfect["feature_matching"].item() == 0.0
    assert generator_losses(judged(1.0), judged(-1.0))["adversarial"].item() == 4.0
    assert generator_losses(judged(1.0, (2.0,)), judged(1.0, (3.0,)))[
        "feature_matching"
    ].item() == pytest.approx(0.5)


def test_feature_matching_does_not_train_the_real_side():
    real, fake = torch.ones(2, 4, requires_grad=True), torch.zeros(2, 4, requires_grad=True)
    score = torch.zeros(2, 1)
    generator_losses([Judgement(score, [real])], [Judgement(score, [fake])])[
        "feature_matching"
    ].backward()
    assert real.grad is None and fake.grad.abs().sum() > 0


@pytest.mark.parametrize("length", [1201, 2400, 3333])
def test_discriminator_takes_odd_lengths(discriminator, length):
    judgements = discriminator(0.1 * torch.randn(2, 1, length))
    assert len(judgements) == 4
    assert all(
        torch.isfinite(j.score).all() and j.score.shape[0] == 2 and j.features for j in judgements
    )


def test_discriminator_ignores_level_and_offset(discriminator, tone):
    for a, b in zip(discriminator(tone), discriminator(0.3 * tone + 0.1), strict=True):
        torch.testing.assert_close(a.score, b.score, atol=1e-4, rtol=1e-2)


def test_identical_audio_has_no_feature_distance(discriminator, tone):
    real, fake = discriminator(tone), discriminator(tone.clone())
    assert generator_losses(real, fake)["feature_matching"].item() == 0.0
    assert generator_losses(real, discriminator(tone.flip(-1)))["feature_matching"].item() > 0.0


def test_gradient_reaches_the_generated_audio(discriminator, tone):
    fake = tone.clone().requires_grad_()
    losses = generator_losses(discriminator(tone), discriminator(fake))
    losses["adversarial"].backward()
    assert fake.grad.abs().sum() > 0


def test_magnitude_losses_are_zero_for_the_same_audio_and_know_a_gain(tone):
    losses = SpectralLosses(24_000, linear=True)
    same = losses(tone, tone.clone())
    assert same["log_magnitude"].item() == same["magnitude_convergence"].item() == 0
    found = losses(tone / 2, tone)
    assert found["magnitude_convergence"].item() == pytest.approx(0.5, abs=0.01)
    assert 0 < found["log_magnitude"].item() <= math.log(2) + 1e-3


def test_log_magnitudes_tell_apart_what_a_mel_band_holds_in_one(mel_loss):
    """Two tones within one band of every window: mel hardly sees which it is."""
    time = torch.arange(24_000) / 24_000
    low, high = (0.1 * torch.sin(2 * math.pi * f * time)[None, None] for f in (6000.0, 6040.0))
    linear = SpectralLosses(24_000, linear=True)(low, high)["log_magnitude"]
    assert linear > 2 * math.log(10) * mel_loss(low, high)
