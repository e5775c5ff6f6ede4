"""The streaming decoder: what it sees of the future, and the encoder's linear spectrum."""

import pytest
import torch

from codec import Codec
from codec.config import CodecConfig

FRAMES, LATER = 40, 25


def tiny(**changes):
    torch.manual_seed(0)
    return Codec(CodecConfig.preset("tiny", frame_stride=2, **changes)).eval()


def first_change(codec):
    """Codec frames into the copy where a change of the latents from frame LATER on shows first."""
    latents, f0 = (
        torch.randn(1, codec.config.latent_dim, FRAMES),
        torch.full((1, 2 * FRAMES), 150.0),
    )
    changed = latents.clone()
    changed[..., LATER:] = 0
    with torch.inference_mode():
        before, after = (codec.decode_latents(z, f0).audio for z in (latents, changed))
    sample = int(((before - after).abs()[0, 0] > 1e-6).nonzero()[0])
    return sample / codec.config.samples_per_frame


@pytest.mark.parametrize("lookahead", [0, 2, 3])
def test_a_causal_decoder_sees_its_lookahead_and_half_a_window(lookahead):
    codec = tiny(decoder_context="causal", decoder_lookahead=lookahead)
    half_window = codec.config.n_fft / 2 / codec.config.samples_per_frame
    seen = LATER - first_change(codec)
    assert lookahead < seen <= lookahead + half_window
    assert seen * codec.config.samples_per_frame / codec.config.sample_rate < 0.16


def test_the_usual_decoder_sees_further_ahead():
    assert LATER - first_change(tiny()) > 4


def test_the_second_edition_looks_ahead_at_most_160_ms():
    config = CodecConfig.preset("small_vocoder")
    seen = config.decoder_lookahead / config.frame_rate + config.n_fft / 2 / config.sample_rate
    assert config.decoder_context == "causal" and seen < 0.16
    assert config.frame_rate * config.num_codebooks <= 100  # tokens a second for a language model


def test_lookahead_beyond_the_first_layers_kernel_is_refused():
    with pytest.raises(ValueError, match="decoder_lookahead is 7"):
        CodecConfig.preset("tiny", decoder_lookahead=7)


def test_a_linear_spectrum_tells_harmonics_apart_that_share_a_mel_band():
    codec = tiny(encoder_spectrum="linear")
    time = torch.arange(24_000) / 24_000
    low, high = (0.1 * torch.sin(6.2832 * hertz * time)[None, None] for hertz in (4000.0, 4060.0))
    features = codec.encoder.features
    assert features(low).shape == (1, features.num_features, 100)
    linear = (features(low) - features(high)).abs()[0, :513].amax()
    mel = tiny().encoder.features
    assert linear > (mel(low) - mel(high)).abs()[0, :40].amax()
