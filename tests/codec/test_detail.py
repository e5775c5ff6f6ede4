"""The detail layer: more codebooks on top of codes that stay as they are."""

import pytest
import torch

from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.serialization import fingerprint

CHANGES = {"detail_codebooks": 3, "detail_dim": 16, "detail_blocks": 1, "detail_latent_dim": 8}


@pytest.fixture
def base(tiny_codec, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def layered(tiny_codec, base, tone):
    """The tiny codec with a detail layer that says something."""
    codec = Codec.extended(base, tiny_codec.config.changed(**CHANGES)).eval()
    generator = torch.Generator().manual_seed(0)
    codec.detail.quantizer.initialise(codec.detail.latents(codec._whole_frames(tone)).detach(), generator)
    torch.nn.init.normal_(codec.detail.outward.weight, generator=generator)
    return codec


def test_a_fresh_one_changes_no_sound(tiny_codec, base, tone):
    fresh = Codec.extended(base, tiny_codec.config.changed(**CHANGES)).eval()
    before, after = tiny_codec.encode(tone), fresh.encode(tone)
    assert after.codes.shape[1] == fresh.config.all_codebooks == 7
    torch.testing.assert_close(fresh.decode(after.codes), Codec.from_pretrained(base).decode(before.codes))


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


def test_gradients_reach_its_encoder_through_its_codes_and_only_where_they_are_used(layered, tone):
    layered.train()
    layered(tone, num_codebooks=6).audio.square().mean().backward()
    assert layered.detail.encoder.project.weight.grad.abs().max() > 0
    layered.zero_grad(set_to_none=True)
    layered(tone, num_codebooks=4).audio.square().mean().backward()
    assert all(parameter.grad is None for parameter in layered.detail.parameters())


def test_latents_cannot_run_away(layered, tone):
    with torch.no_grad():
        layered.detail.encoder.project.weight.mul_(1000)
        latents = layered.detail.latents(layered._whole_frames(tone))
    torch.testing.assert_close(latents.square().mean(1), torch.ones_like(latents[:, 0]), atol=1e-2, rtol=0)


def test_a_language_model_of_the_base_knows_its_codes(layered, base, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    assert fingerprint(tmp_path / "layered") == fingerprint(base)
    assert fingerprint(tmp_path / "layered", detail=True) != fingerprint(base, detail=True)
    loaded = Codec.from_pretrained(tmp_path / "layered")
    loaded.detail.quantizer.codebooks[0].vectors[0, 0] += 1
    loaded.save_pretrained(tmp_path / "other")
    assert fingerprint(tmp_path / "other") == fingerprint(base)
    assert fingerprint(tmp_path / "other", detail=True) != fingerprint(tmp_path / "layered", detail=True)


def test_detail_of_another_shape_is_refused(layered, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    with pytest.raises(CheckpointError, match="do not fit"):
        Codec.extended(tmp_path / "layered", layered.config.changed(detail_codebooks=2))


def test_bitrate_counts_both_layers():
    assert CodecConfig.preset("small", detail_codebooks=4).bitrate == 2 * CodecConfig.preset("small").bitrate == 2000


def test_not_with_every_quantizer():
    with pytest.raises(ValueError, match="detail_codebooks"):
        CodecConfig.preset("small", quantizer="bd_rfsq", codebook_size=2**15, detail_codebooks=2)
