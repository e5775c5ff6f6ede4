"""The detail layer: what the spectrum of a copy lacks, in codes on top of codes that stay as they
are.
"""

import pytest
import torch

from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.files import fingerprint
from codec.nn.features import mel_interpolation


@pytest.fixture
def base(tiny_codec, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def sound():
    """Four seconds of noise that swells and fades, [1,1,96000]."""
    generator = torch.Generator().manual_seed(3)
    swell = torch.nn.functional.interpolate(
        torch.rand(1, 1, 60, generator=generator), 96000, mode="linear"
    )
    return 0.3 * swell * torch.randn(1, 1, 96000, generator=generator)


@pytest.fixture
def layered(base, sound):
    """The tiny codec with a detail layer that was fitted to this sound."""
    codec = Codec.from_pretrained(base)
    codec.give_detail(codebooks=3, bands=16, n_fft=512, high_weight=0.5)
    copy = codec.decode(codec.encode(sound, 4).codes)
    codec.detail.quantizer.initialise(
        codec.detail.missing(whole(codec, sound), copy), torch.Generator().manual_seed(0)
    )
    return codec.eval()


def whole(codec, audio):
    return torch.nn.functional.pad(audio, (0, -audio.shape[-1] % codec.config.samples_per_frame))


def test_every_book_brings_the_levels_nearer(layered, sound):
    codes, original = layered.encode(sound).codes, whole(layered, sound)
    assert codes.shape[1] == 7
    away = [
        layered.detail.missing(original, layered.decode(codes[:, :count])).square().mean()
        for count in range(4, 8)
    ]
    assert away == sorted(away, reverse=True) and away[-1] < 0.5 * away[0]


def test_codes_and_sound_of_the_base_stay(base, layered, tone):
    bare = Codec.from_pretrained(base)
    alone, both = bare.encode(tone).codes, layered.encode(tone).codes
    assert torch.equal(both[:, :4], alone)
    assert torch.equal(layered.decode(both[:, :4]), bare.decode(alone))
    for count in (1, 4, 6):
        some = layered.encode(tone, count).codes
        assert some.shape[1] == count and torch.equal(some[:, :4], alone[:, :count])


def test_codes_are_searched_for_the_best_sum(layered, sound):
    sound = sound.flip(-1)  # not the one that the books were fitted to
    codes, original, copy = (
        layered.encode(sound).codes,
        whole(layered, sound),
        layered.decode(layered.encode(sound, 4).codes),
    )
    missing, quantizer = layered.detail.missing(original, copy), layered.detail.quantizer
    searched, greedy = (
        quantizer.lookup(found) - missing for found in (codes[:, 4:], quantizer(missing).codes)
    )
    assert searched.square().mean() < 0.99 * greedy.square().mean()


def test_only_vectors_of_its_books_are_stored(layered):
    names = [name for name in layered.state_dict() if name.startswith("detail.")]
    assert sorted(names) == [f"detail.quantizer.codebooks.{book}.vectors" for book in range(3)]


def test_levels_that_are_told_are_given(layered, tone):
    """Codes that say 6 dB for every band double the sound."""
    vectors = layered.detail.quantizer.codebooks[0].vectors
    vectors.copy_(
        20 * torch.log10(torch.tensor(2.0)) * layered.detail.weights[:, 0].expand_as(vectors)
    )
    copy = whole(layered, tone)
    louder = layered.detail(
        copy,
        torch.zeros(1, 1, copy.shape[-1] // layered.config.samples_per_frame, dtype=torch.long),
    )
    torch.testing.assert_close(louder, 2 * copy, atol=1e-4, rtol=1e-3)


def test_what_gains_do_not_bring_about_is_mended(layered, sound, monkeypatch):
    """Neighbouring bands and hops pull gains together; what is measured comes nearer to what is
    told.
    """
    away, codes = [], layered.encode(sound).codes[:, 4:]
    copy, told = (
        0.3 * torch.randn(sound.shape, generator=torch.Generator().manual_seed(1)),
        layered.detail.quantizer.lookup(codes),
    )
    for passes in (0, 1, 2):
        monkeypatch.setattr("codec.detail.PASSES", passes)
        away.append(
            (layered.detail.missing(layered.detail(copy, codes), copy) - told)
            .square()
            .mean()
            .sqrt()
        )
    assert away[0] > 1.1 * away[1] > 1.1 * away[2]


@pytest.mark.parametrize("hop_length", [120, 125])
def test_hops_may_be_odd(hop_length, tone):
    codec = Codec(CodecConfig.preset("tiny", hop_length=hop_length)).eval()
    codec.give_detail(codebooks=2, bands=8, n_fft=512)
    encoded = codec.encode(tone)
    assert codec.decode(encoded.codes, encoded.num_samples).shape == tone.shape


def test_what_lies_high_weighs_less(layered):
    """Noise whose half of the spectrum is halved: 6 dB count as 3 above 5 kHz, and as 6 below."""
    noise = torch.randn(1, 1, 9600, generator=torch.Generator().manual_seed(0))
    spectrum = torch.fft.rfft(noise)
    gains = torch.where(torch.linspace(0, 12000, spectrum.shape[-1]) > 5000, 0.5, 1.0)
    for copy, below, above in (
        (0.5 * noise, 6.0, 3.0),
        (torch.fft.irfft(spectrum * gains, n=9600), 0.0, 3.0),
    ):
        missing = layered.detail.missing(noise, copy)[0].unflatten(0, (4, 16)).mean((0, 2))
        assert missing[:6].mean() == pytest.approx(below, abs=0.1) and missing[
            -3:
        ].mean() == pytest.approx(above, abs=0.1)


def test_a_perfect_copy_lacks_nothing(layered, tone):
    original = whole(layered, tone)
    assert not layered.detail.missing(original, original).any()
    softer = layered.detail.missing(original, 0.5 * original)
    torch.testing.assert_close(softer.max(), 20 * torch.log10(torch.tensor(2.0)), atol=1e-2, rtol=0)
    assert layered.detail.missing(original, torch.zeros_like(original)).max() == 25.0


def test_silence_costs_nothing(layered):
    silence = torch.zeros(1, 1, 9600)
    assert not layered.detail.missing(silence, 1e-5 * torch.randn(1, 1, 9600)).any()


@pytest.mark.parametrize(
    "n_fft, rate, bands", [(1024, 24000, 32), (1024, 16000, 80), (512, 8000, 8)]
)
def test_bands_share_every_bin_between_them(n_fft, rate, bands):
    weights = mel_interpolation(n_fft, bands, rate)
    assert weights.shape == (bands, n_fft // 2 + 1) and weights.min() >= 0
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(n_fft // 2 + 1), atol=1e-4, rtol=0)


def test_batch_equals_one_by_one(layered, sound):
    both = torch.cat([sound, sound.flip(-1)])
    codes = layered.encode(both).codes
    alone = torch.cat([layered.encode(one[None]).codes for one in both])
    # a random codec has codes that are nearly the same
    assert (codes == alone).float().mean() > 0.97


def test_any_decoder_can_have_it(tone):
    torch.manual_seed(0)
    for decoder in ("vocos", "source_filter"):
        codec = Codec(CodecConfig.preset("tiny", decoder=decoder)).eval()
        codec.give_detail(codebooks=2, bands=8)
        before = codec.detail.quantizer.codebooks[0].vectors.clone()
        encoded = codec.encode(tone)
        # it works as the codec does, not in training
        assert torch.equal(codec.detail.quantizer.codebooks[0].vectors, before)
        assert (
            encoded.codes.shape[1] == 6
            and codec.decode(encoded.codes, encoded.num_samples).shape == tone.shape
        )


def test_too_many_codebooks_are_refused(layered):
    with pytest.raises(ValueError, match="1 <= k <= 7"):
        layered.decode(torch.zeros(1, 8, 3, dtype=torch.long))


def test_a_language_model_of_the_base_knows_its_codes(layered, base, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    assert fingerprint(tmp_path / "layered") == fingerprint(base) == fingerprint(base, detail=True)
    assert fingerprint(tmp_path / "layered", detail=True) != fingerprint(base, detail=True)


@pytest.mark.parametrize("part", ["detail.quantizer.codebooks.0.vectors", "decoder.stem.weight"])
def test_its_codes_are_known_by_what_gives_them_their_meaning(layered, base, tmp_path, part):
    layered.save_pretrained(tmp_path / "layered")
    other = Codec.from_pretrained(tmp_path / "layered")
    other.state_dict()[part] += 1
    other.save_pretrained(tmp_path / "other")
    assert fingerprint(tmp_path / "other") == fingerprint(base)
    assert fingerprint(tmp_path / "other", detail=True) != fingerprint(
        tmp_path / "layered", detail=True
    )


def test_it_comes_back_from_the_disk(layered, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    loaded = Codec.from_pretrained(tmp_path / "layered")
    assert loaded.config == layered.config
    torch.testing.assert_close(
        loaded.detail.quantizer.codebooks[1].vectors,
        layered.detail.quantizer.codebooks[1].vectors,
        atol=1e-2,
        rtol=1e-3,
    )


def test_detail_of_another_shape_is_refused(layered, tmp_path):
    layered.save_pretrained(tmp_path / "layered")
    with pytest.raises(CheckpointError, match="do not fit"):
        Codec.extended(tmp_path / "layered", layered.config.changed(detail_codebooks=2))


def test_bitrate_counts_both_layers():
    assert (
        CodecConfig.preset("small", detail_codebooks=8).bitrate
        == 3 * CodecConfig.preset("small").bitrate
        == 3000
    )


def test_not_with_every_quantizer():
    with pytest.raises(ValueError, match="detail_codebooks"):
        CodecConfig.preset("small", quantizer="bd_rfsq", codebook_size=2**15, detail_codebooks=2)
