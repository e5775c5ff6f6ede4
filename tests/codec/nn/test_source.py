"""The excitation: a pulse train of the pitch asked for, and noise that is always the same."""

import pytest
import torch

from codec.nn.source import NOISE_SECONDS, FixedNoise, pulse_train

RATE, HOP = 24_000, 240


@pytest.mark.parametrize("f0", [80.0, 150.0, 440.0])
def test_harmonics_lie_at_multiples_of_f0(f0):
    pulses = pulse_train(torch.full((1, 100), f0), HOP, RATE)[0]
    assert pulses.shape == (24_000,)
    # 1 Hz a bin
    spectrum = torch.fft.rfft(pulses * torch.hann_window(24_000, periodic=False)).abs()
    wide = int(f0 * 0.4)
    for harmonic in (1, 2, 5, 10):
        around = spectrum[int(f0 * harmonic) - wide : int(f0 * harmonic) + wide + 1]
        assert abs(int(around.argmax()) - wide) <= 1
        assert around.max() > 50 * around.median()


@pytest.mark.parametrize("f0", [60.0, 100.0, 220.0, 690.0])
def test_power_is_one_whatever_the_pitch(f0):
    assert pulse_train(torch.full((1, 100), f0), HOP, RATE).pow(2).mean().item() == pytest.approx(
        1.0, rel=0.05
    )


def test_nothing_beyond_the_nyquist_frequency_folds_back():
    spectrum = torch.fft.rfft(
        pulse_train(torch.full((1, 100), 690.0), HOP, RATE)[0] * torch.hann_window(24_000)
    ).abs()
    between = spectrum[345 + 690 : 11_900 : 690]  # halfway between harmonics
    assert between.max() < 1e-2 * spectrum.max()


def test_unvoiced_frames_are_exactly_silent():
    f0 = torch.full((1, 40), 120.0)
    f0[:, 10:20] = 0
    pulses = pulse_train(f0, HOP, RATE)[0]
    # Voicing fades between frame centres, so half a frame at either border is neither.
    assert torch.count_nonzero(pulses[10 * HOP + HOP // 2 : 20 * HOP - HOP // 2]) == 0
    assert pulses[: 9 * HOP].pow(2).mean().item() == pytest.approx(1.0, rel=0.1)
    assert torch.count_nonzero(pulse_train(torch.zeros(2, 30), HOP, RATE)) == 0


def test_phase_goes_on_through_a_gap():
    f0 = torch.full((1, 40), 120.0)
    gap = f0.clone()
    gap[:, 10:20] = 0
    assert torch.equal(
        pulse_train(f0, HOP, RATE)[0, 21 * HOP :], pulse_train(gap, HOP, RATE)[0, 21 * HOP :]
    )


def test_rows_do_not_disturb_each_other():
    f0 = torch.rand(3, 20, generator=torch.Generator().manual_seed(0)) * 300 + 60
    torch.testing.assert_close(pulse_train(f0, HOP, RATE)[1:2], pulse_train(f0[1:2], HOP, RATE))


def test_noise_depends_on_the_position_alone():
    first, second = FixedNoise(1000), FixedNoise(1000)
    assert torch.equal(first(500), second(700)[:500])
    assert first(NOISE_SECONDS * 1000 + 300).shape == (NOISE_SECONDS * 1000 + 300,)
    assert first(5000).std().item() == pytest.approx(1.0, rel=0.05)
    assert not list(first.parameters()) and not first.state_dict()


def test_decoder_follows_the_pitch_that_it_is_given(tiny_codec):
    latents = torch.randn(1, 32, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        low, high, none = (
            tiny_codec.decode_latents(latents, torch.full((1, 40), hertz))
            for hertz in (100.0, 200.0, 0.0)
        )
    assert low.audio.shape == (1, 1, 9600)
    assert not torch.allclose(low.audio, high.audio, atol=1e-3)
    assert none.audio.std() < low.audio.std()  # only noise is left
    # what is predicted does not depend on what is given
    assert torch.equal(low.log_f0, high.log_f0)


def test_predicted_pitch_stays_in_range_and_is_used(tiny_codec):
    latents = 30 * torch.randn(1, 32, 10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        free = tiny_codec.decode_latents(latents)
        f0 = tiny_codec.decoder.predicted_f0(free.log_f0, free.voicing)
        forced = tiny_codec.decode_latents(latents, f0)
    config = tiny_codec.config
    hertz = free.log_f0.exp()
    assert (hertz >= config.f0_min * 0.999).all() and (hertz <= config.f0_max * 1.001).all()
    assert torch.equal(free.audio, forced.audio)
