"""Prosodic features and the pitch tracker against sounds of known movement."""

import pytest
import torch

from codec import CodecConfig
from codec.nn.pitch import f0_torch
from codec.nn.prosody import PROSODY_DIM, ProsodyFeatures, held

CONFIG = CodecConfig.preset("tiny")
RATE, HOP = CONFIG.sample_rate, CONFIG.hop_length


def glide(start=100.0, end=200.0, seconds=2.0, gain=0.1):
    """A harmonic sound whose pitch glides evenly in octaves: audio [1,1,T] and F0 [1,N]."""
    count = round(seconds * RATE) // CONFIG.samples_per_frame * CONFIG.samples_per_frame
    track = start * (end / start) ** (torch.arange(count) / count)
    phase = 2 * torch.pi * torch.cumsum(track.double() / RATE, 0)
    sound = sum(torch.sin(k * phase) / k for k in range(1, 9)).float()
    return gain * sound[None, None], track[HOP // 2 :: HOP][None]


def features(audio, f0, usual=100.0):
    return ProsodyFeatures(CONFIG)(audio, f0, torch.full((len(audio),), usual))


def test_a_glide_of_an_octave_rises_by_two_half_octaves():
    audio, f0 = glide()
    found = features(audio, f0)
    assert found.shape == (1, audio.shape[-1] // CONFIG.samples_per_frame, PROSODY_DIM)
    pitch, voicing, change = found[0, :, 0], found[0, :, 1], found[0, :, 4]
    assert pitch[0].item() == pytest.approx(0.0, abs=0.05) and pitch[-1].item() == pytest.approx(
        2.0, abs=0.05
    )
    assert (voicing == 1).all() and change[0] == 0
    torch.testing.assert_close(
        change[1:], torch.full_like(change[1:], 2 / len(pitch)), atol=1e-3, rtol=0
    )
    slow = found[0, :, 8]
    # a moving mean lags behind
    assert (slow.diff() > 0).all() and slow[0] > pitch[0] and slow[-1] < pitch[-1]


def test_the_usual_pitch_is_the_zero_point():
    audio, f0 = glide()
    low, high = features(audio, f0, 100.0), features(audio, f0, 200.0)
    torch.testing.assert_close(
        low[..., 0] - high[..., 0], torch.full_like(low[..., 0], 2.0), atol=1e-4, rtol=0
    )


def test_a_gain_changes_nothing():
    audio, f0 = glide()
    torch.testing.assert_close(features(audio, f0), features(4 * audio, f0), atol=1e-3, rtol=0)


def test_level_follows_loudness_in_units_of_ten_decibels():
    audio, f0 = glide()
    half = audio.shape[-1] // 2
    audio[..., half:] *= 10
    level = features(audio, f0)[0, :, 2]
    assert (level[30:45].mean() - level[5:20].mean()).item() == pytest.approx(2.0, abs=0.05)


def test_tilt_tells_bright_from_dark():
    time = torch.arange(RATE) / RATE
    low, high = (torch.sin(2 * torch.pi * f * time)[None, None] for f in (300.0, 3000.0))
    f0 = torch.full((1, 100), 300.0)
    assert features(low, f0)[0, :, 3].mean() < -1 < 1 < features(high, f0)[0, :, 3].mean()
    assert (features(high, torch.zeros(1, 100))[0, :, 3] == 0).all()  # of voiced frames alone


def test_unvoiced_frames_hold_the_last_pitch():
    f0 = torch.tensor([[0.0, 120.0, 0.0, 0.0, 150.0, 0.0], [0.0] * 6])
    assert held(f0, torch.tensor([100.0, 90.0])).tolist() == [
        [100.0, 120.0, 120.0, 120.0, 150.0, 150.0],
        [90.0] * 6,
    ]


def test_silence_gives_finite_features():
    assert torch.isfinite(features(torch.zeros(2, 1, 9600), torch.zeros(2, 40))).all()


def test_the_tracker_follows_a_glide():
    audio, truth = glide(90.0, 300.0)
    found = f0_torch(audio, RATE, HOP, 55.0, 700.0)
    assert found.shape == truth.shape and (found > 0).float().mean() > 0.95
    voiced = found > 0
    octaves = (found[voiced] / truth[voiced]).log2().abs()
    assert octaves.median() < 0.01 and octaves.quantile(0.95) < 0.05


def test_the_tracker_finds_no_pitch_in_noise_and_silence():
    noise = 0.1 * torch.randn(1, 1, RATE, generator=torch.Generator().manual_seed(0))
    assert (f0_torch(noise, RATE, HOP, 55.0, 700.0) > 0).float().mean() < 0.1
    assert (f0_torch(torch.zeros(1, 1, RATE), RATE, HOP, 55.0, 700.0) == 0).all()


def test_the_tracker_works_part_by_part(monkeypatch):
    audio, _ = glide(seconds=0.5)
    whole = f0_torch(audio, RATE, HOP, 55.0, 700.0)
    monkeypatch.setattr("codec.nn.pitch.PART", 7)
    assert torch.equal(f0_torch(audio, RATE, HOP, 55.0, 700.0), whole)
