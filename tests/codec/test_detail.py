"""The detail layer: more codebooks on top of codes that stay as they are."""

import pytest
import torch

from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.serialization import fingerprint

CHANGES = {"detail_codebooks": 3}


@pytest.fixture
def base(tiny_codec, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def layered(tiny_codec, base, tone):
    """The tiny codec with a detail layer that has started on this tone."""
    codec = Codec.extended(base, tiny_codec.config.changed(**CHANGES)).eval()
    codec.detail.initialise(codec.detail_latents(latents(codec, tone)), torch.Generator().manual_seed(0))
    return codec


@torch.no_grad()
def latents(codec, tone):
    hidden = codec.hidden(tone)
    return codec.modulate(codec.encoder.latents(hidden), hidden).latents


def test_every_book_brings_the_latents_nearer(layered, tone):
    wanted, codes = latents(layered, tone), layered.encode(tone).codes
    left = [(wanted - layered.lookup(codes[:, :count])).square().mean() for count in range(4, 8)]
    assert left == sorted(left, reverse=True) and left[-1] < 0.8 * left[0]


def test_codes_of_the_base_stay(tiny_codec, layered, tone):
    base, both = tiny_codec.encode(tone).codes, layered.encode(tone).codes
    assert torch.equal(both[:, :4], base)
    for count in (1, 4, 6):
        assert torch.equal(layered.encode(tone, count).codes, both[:, :count])


def test_it_is_heard(layered, tone):
    codes = layered.encode(tone).codes
    latents, without = layered.lookup(codes), layered.lookup(codes[:, :4])
    assert not torch.allclose(latents, without, atol=0.1)
    torch.testing.assert_close(latents - without, layered.detail.lookup(codes[:, 4:]), atol=1e-4, rtol=1e-4)


def test_decoding_equals_one_pass(layered, tone):
    with torch.no_grad():
        through = layered(tone)
    assert torch.equal(layered.encode(tone).codes, through.quantized.codes)
    assert len(through.quantized.stages) == 7 and through.quantized.perplexity.shape == (7,)
    torch.testing.assert_close(layered.lookup(through.quantized.codes), through.quantized.quantized, atol=1e-3, rtol=1e-3)


def test_too_many_codebooks_are_refused(layered):
    with pytest.raises(ValueError, match="1 <= k <= 7"):
        layered.decode(torch.zeros(1, 8, 3, dtype=torch.long))


def test_no_gradient_of_the_base_comes_through_it(layered, tone):
    """Straight through both layers the latents take the decoder's gradient once, as with the base alone."""
    layered.train()
    layered.quantizer.eval()
    output = layered(tone)
    encoder = layered.encoder.project.weight
    got = torch.autograd.grad(output.quantized.quantized.sum(), encoder, retain_graph=True)[0]
    torch.testing.assert_close(got, torch.autograd.grad(output.latents.sum(), encoder)[0])
    assert not output.quantized.stages[-1].requires_grad


def test_a_language_model_of_the_base_knows_its_codes(layered, base, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    assert fingerprint(tmp_path / "layered") == fingerprint(base)
    assert fingerprint(tmp_path / "layered", detail=True) != fingerprint(base, detail=True)
    loaded = Codec.from_pretrained(tmp_path / "layered")
    loaded.detail.codebooks[0].vectors[0, 0] += 1
    loaded.save_pretrained(tmp_path / "other")
    assert fingerprint(tmp_path / "other") == fingerprint(base)
    assert fingerprint(tmp_path / "other", detail=True) != fingerprint(tmp_path / "layered", detail=True)


def test_detail_of_another_shape_is_refused(layered, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    with pytest.raises(CheckpointError, match="do not fit"):
        Codec.extended(tmp_path / "layered", layered.config.changed(detail_codebooks=2))


def test_it_can_be_left_behind(layered, base, tone, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    Codec.extended(tmp_path / "layered", layered.config.changed(detail_codebooks=0)).save_pretrained(tmp_path / "bare")
    assert fingerprint(tmp_path / "bare", detail=True, decoder=True) == fingerprint(base, detail=True, decoder=True)


def test_bitrate_counts_both_layers():
    assert CodecConfig.preset("small", detail_codebooks=4).bitrate == 2 * CodecConfig.preset("small").bitrate == 2000


def test_not_with_every_quantizer():
    with pytest.raises(ValueError, match="detail_codebooks"):
        CodecConfig.preset("small", quantizer="bd_rfsq", codebook_size=2**15, detail_codebooks=2)
