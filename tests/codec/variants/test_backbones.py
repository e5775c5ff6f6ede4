"""Encoders and decoders by name, and the preset after the paper."""

import itertools

import pytest
import torch

from codec import Codec, CodecConfig
from codec.config import CHOICES
from codec.parts import VARIANTS
from codec.training.losses import SpectralLosses, pitch_losses
from codec.variants.seanet import SeanetDecoder, SeanetEncoder
from tiny_models import random_codec

SEANET = {"seanet_filters": 4, "seanet_strides": (4, 5, 6, 8)}
LENGTHS = (1, 959, 960, 961, 5000)


def codec(encoder, decoder, **changes):
    return random_codec(encoder=encoder, decoder=decoder, **(SEANET | changes))


def test_every_choice_has_its_class():
    assert {"features", *VARIANTS["encoder"]} == set(CHOICES["encoder"])
    assert {"parametric", *VARIANTS["decoder"]} == set(CHOICES["decoder"])


@pytest.mark.parametrize(
    "encoder, decoder", list(itertools.product(CHOICES["encoder"], CHOICES["decoder"]))
)
def test_any_length_in_is_the_same_length_out(encoder, decoder):
    model = codec(encoder, decoder)
    for length in LENGTHS:
        audio = 0.1 * torch.randn(2, 1, length, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            output = model(audio)
        assert output.audio.shape == audio.shape and torch.isfinite(output.audio).all()
        assert output.latents.shape == (2, 32, -(-length // 960))
        encoded = model.encode(audio)
        assert model.decode(encoded.codes, encoded.num_samples).shape == audio.shape


@pytest.mark.parametrize("decoder", ["vocos", "seanet"])
def test_decoders_without_pitch_have_no_pitch_losses_and_ignore_f0(decoder, tone):
    model = codec("features", decoder)
    with torch.no_grad():
        plain, given = model(tone), model(tone, torch.full((1, 52), 200.0))
    assert plain.decoded.log_f0 is None and pitch_losses(plain.decoded, torch.zeros(1, 52)) == {}
    assert torch.equal(plain.audio, given.audio)


@pytest.mark.parametrize("encoder, decoder", [("seanet", "seanet"), ("features", "vocos")])
def test_gradient_reaches_every_weight_and_the_loss_falls(encoder, decoder, tone):
    model, spectral = codec(encoder, decoder, quantizer_dropout=0.0).train(), SpectralLosses(24_000)
    audio, history = tone[..., :4800], []
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for step in range(25):
        loss = spectral(model(audio, quantize=False).audio, audio)["mel"]
        loss.backward()
        if step == 0:
            still = [
                n
                for n, w in model.named_parameters()
                if w.grad is None or not w.grad.abs().sum() > 0
            ]
            assert not still
        optimizer.step()
        optimizer.zero_grad()
        history.append(loss.item())
    assert history[-1] < 0.8 * history[0]


def test_seanet_frames_stand_for_their_samples():
    """A click in frame 5 changes hidden frame 5 most, and back: no convolution shifts time."""
    config = CodecConfig.preset("tiny", **SEANET, encoder="seanet")
    torch.manual_seed(0)
    encoder, decoder = SeanetEncoder(config).eval(), SeanetDecoder(config).eval()
    click = torch.zeros(1, 1, 960 * 11)
    click[..., 960 * 5 : 960 * 6] = torch.randn(960)
    hidden = torch.zeros(1, 2 * config.hidden_dim, 11)
    hidden[..., 5] = torch.randn(2 * config.hidden_dim)
    with torch.no_grad():
        felt = (encoder.hidden(click) - encoder.hidden(torch.zeros_like(click))).abs().mean(1)[0]
        heard = (
            (decoder.layers(hidden) - decoder.layers(torch.zeros_like(hidden)))[0, 0]
            .unflatten(0, (11, 960))
            .abs()
            .mean(1)
        )
    assert felt.argmax() == 5 and heard.argmax() == 5


def test_strides_must_make_a_frame():
    with pytest.raises(ValueError, match="seanet_strides"):
        CodecConfig.preset("tiny", encoder="seanet")
    with pytest.raises(ValueError, match="seanet_strides"):
        CodecConfig.preset("tiny", seanet_strides=(4, 0))
    assert CodecConfig.preset(
        "tiny", encoder="seanet", seanet_strides=[4, 5, 6, 8]
    ).seanet_strides == (4, 5, 6, 8)


def millions(module):
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def test_the_papers_shape_has_its_44_million_parameters():
    """docs/lab/codec_comparison.md counts them."""
    config = CodecConfig.preset("paper")
    with torch.device("meta"):
        model = Codec(config)
    assert (config.sample_rate, config.samples_per_frame, config.frame_rate, config.bitrate) == (
        16000,
        320,
        50.0,
        4000.0,
    )
    assert (config.num_codebooks, config.codebook_size, config.latent_dim) == (8, 1024, 1024)
    parts = {name: round(millions(part), 1) for name, part in model.named_children()}
    assert parts == {"encoder": 20.5, "quantizer": 0.0, "decoder": 18.9, "modulator": 4.7}
    assert millions(model) == pytest.approx(44.2, abs=0.05)
    tables = sum(book.vectors.numel() for book in model.quantizer.codebooks) / 1e6
    assert tables == pytest.approx(8.4, abs=0.05)


def test_the_shipped_shape_has_not_changed():
    """Parameters and buffers of `small` under their names: what a checkpoint of it holds."""
    with torch.device("meta"):
        model = Codec(CodecConfig())
    names = list(model.state_dict())
    assert millions(model) == pytest.approx(15.985413) and len(names) == 149
    assert {name.split(".")[0] for name in names} == {"encoder", "quantizer", "decoder"}
    assert model.modes == ("off",)
