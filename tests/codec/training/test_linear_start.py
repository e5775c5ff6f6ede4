"""A codec that starts as the best linear one says what it hears from the first step."""

import numpy as np
import pytest
import torch

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import f0_world
from affecttts.data.vocoder_cache import vocoder_parameters
from codec import Codec
from codec.audio import load_audio
from codec.config import CodecConfig
from codec.training.linear_start import StartBatch, linear_start, target_latents
from codec.training.vocoder_loss import DECIBELS, VocoderLosses
from tiny_models import DATA

RATE, HOP = 24_000, 240
SHAPE = {
    "encoder_spectrum": "cepstrum",
    "decoder": "parametric",
    "frame_stride": 2,
    "latent_dim": 96,
    "low_bins": 16,
}


@pytest.fixture(scope="module")
def batch(utterances):
    rows = []
    for utterance in utterances[:6]:
        audio = load_audio(DATA / utterance.path, RATE).samples[: 100 * HOP]
        audio = np.pad(audio, (0, 100 * HOP - len(audio)))
        f0 = f0_world(audio, RATE, HOP)
        rows.append((audio, f0, vocoder_parameters(audio, f0, RATE, HOP, 60)))
    audio, f0, values = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    weight = VocoderLosses(CodecConfig.preset("tiny", **SHAPE)).weight(values[..., :60])
    return StartBatch(audio[:, None], f0, values, weight)


@pytest.fixture(scope="module")
def started(batch):
    torch.manual_seed(0)
    codec = Codec(CodecConfig.preset("tiny", **SHAPE)).eval()
    linear_start(codec.encoder, codec.decoder, [batch])
    return codec


def error_db(codec, said, batch):
    losses = VocoderLosses(codec.config)
    wrong = ((said.parameters.envelope - batch.parameters[..., :60]) @ losses.points).abs().mean(-1)
    return (DECIBELS * (wrong * batch.weight).sum() / batch.weight.sum()).item()


def test_target_latents_say_the_parameters(started, batch):
    latents = target_latents(started.decoder, batch.parameters, batch.f0)
    assert latents.shape == (6, 96, 50)
    with torch.no_grad():
        said = started.decode_latents(latents)
    voiced = batch.f0 > 0
    assert error_db(started, said, batch) < 0.7
    assert (said.log_f0 - batch.f0.log())[voiced].abs().mean() < 0.02
    assert ((said.voicing > 0) == voiced).float().mean() > 0.97


def test_audio_says_nearly_as_much_before_any_step(started, batch):
    with torch.no_grad():
        output = started(batch.audio, quantize=False)
    assert error_db(started, output.decoded, batch) < 2.5
    fresh = Codec(started.config).eval()
    with torch.no_grad():
        assert error_db(fresh, fresh(batch.audio, quantize=False).decoded, batch) > 5


def test_latents_are_as_far_apart_as_what_they_say(started, batch):
    """Components are orthonormal: errors of latents are errors of the packed values."""
    vectors = started.decoder.linear.weight[..., 0]
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(96), atol=1e-4, rtol=0)


def test_features_are_standardised(started, batch):
    features = started.encoder.features(batch.audio)
    torch.testing.assert_close(features.mean((0, 2)), torch.zeros(316), atol=1e-2, rtol=0)
    torch.testing.assert_close(features.std((0, 2)), torch.ones(316), atol=2e-2, rtol=0)


def test_the_start_is_saved_with_the_codec(started, batch, tmp_path):
    started.save_pretrained(tmp_path)
    again = Codec.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        first, second = (c(batch.audio, quantize=False).decoded for c in (started, again))
    assert error_db(again, second, batch) == pytest.approx(
        error_db(started, first, batch), abs=0.02
    )
