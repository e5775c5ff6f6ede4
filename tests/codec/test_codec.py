"""The codec as a whole: lengths, codes, files."""

import json
import shutil

import pytest
import torch

from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.files import CONFIG_NAME, WEIGHTS_NAME, fingerprint
from codec.presets import PRESETS

LENGTHS = (1, 239, 240, 959, 960, 961, 5000)


@pytest.fixture
def folder(tiny_codec, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "codec")
    return tmp_path / "codec"


def noise(length, seed=0, batch=1):
    return 0.1 * torch.randn(batch, 1, length, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("length", LENGTHS)
def test_any_length_in_is_the_same_length_out(tiny_codec, length):
    audio = noise(length)
    with torch.no_grad():
        output = tiny_codec(audio)
    assert output.audio.shape == audio.shape
    encoded = tiny_codec.encode(audio)
    assert encoded.num_samples == length
    assert encoded.codes.shape == (1, 4, -(-length // tiny_codec.config.samples_per_frame))
    assert tiny_codec.decode(encoded.codes, encoded.num_samples).shape == audio.shape
    assert torch.isfinite(output.audio).all()


def test_decode_without_a_length_gives_whole_frames(tiny_codec, tone):
    codes = tiny_codec.encode(tone).codes
    assert (
        tiny_codec.decode(codes).shape[-1] == codes.shape[-1] * tiny_codec.config.samples_per_frame
    )


def test_decoding_the_codes_equals_one_pass(tiny_codec, tone):
    with torch.no_grad():
        through = tiny_codec(tone)
    encoded = tiny_codec.encode(tone)
    assert torch.equal(encoded.codes, through.quantized.codes)
    decoded = tiny_codec.decode(encoded.codes, encoded.num_samples)
    assert decoded.abs().max() > 1e-3
    # latents + (sum - latents) rounds
    torch.testing.assert_close(decoded, through.audio, atol=2e-3, rtol=0)


def test_same_codes_give_identical_samples(tiny_codec, tone):
    codes = tiny_codec.encode(tone).codes
    torch.rand(7)  # global randomness must have no say
    assert torch.equal(tiny_codec.decode(codes), tiny_codec.decode(codes.clone()))
    other = codes.clone()
    other[0, 0, 3] = (other[0, 0, 3] + 1) % 64
    assert not torch.equal(tiny_codec.decode(codes), tiny_codec.decode(other))


def test_an_item_does_not_depend_on_its_batch(tiny_codec, tone):
    batch = torch.cat([noise(tone.shape[-1], 1), tone, noise(tone.shape[-1], 2)])
    with torch.no_grad():
        alone, together = tiny_codec.encode_latents(tone), tiny_codec.encode_latents(batch)[1:2]
    torch.testing.assert_close(alone, together, atol=1e-4, rtol=1e-3)
    codes = tiny_codec.encode(batch).codes
    assert torch.equal(codes[1:2], tiny_codec.encode(tone).codes)
    torch.testing.assert_close(
        tiny_codec.decode(codes[1:2]), tiny_codec.decode(codes)[1:2], atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_codebooks_are_the_first_ones(tiny_codec, tone, count):
    full, part = tiny_codec.encode(tone).codes, tiny_codec.encode(tone, count).codes
    assert torch.equal(part, full[:, :count])
    assert not torch.equal(tiny_codec.decode(part), tiny_codec.decode(full))


def test_quantiser_can_be_bypassed(tiny_codec, tone):
    with torch.no_grad():
        output = tiny_codec(tone, quantize=False)
    assert output.quantized is None and output.audio.shape == tone.shape


@pytest.mark.parametrize("shape", [(100,), (1, 100), (1, 2, 100), (1, 1, 0)])
def test_audio_of_another_shape_is_refused(tiny_codec, shape):
    with pytest.raises(ValueError, match="audio must be"):
        tiny_codec.encode(torch.zeros(shape))


BAD_CODES = {
    "no batch": torch.zeros(4, 5, dtype=torch.long),
    "too many books": torch.zeros(1, 5, 3, dtype=torch.long),
    "no book": torch.zeros(1, 0, 3, dtype=torch.long),
    "no frame": torch.zeros(1, 4, 0, dtype=torch.long),
    "too large": torch.full((1, 4, 3), 64),
    "negative": torch.full((1, 4, 3), -1),
}


@pytest.mark.parametrize("codes", BAD_CODES.values(), ids=BAD_CODES)
def test_bad_codes_are_refused(tiny_codec, codes):
    with pytest.raises(ValueError, match="codes must"):
        tiny_codec.decode(codes)


def test_save_and_load_keep_codes_and_nearly_the_audio(tiny_codec, tone, folder):
    loaded = Codec.from_pretrained(folder)
    assert loaded.config == tiny_codec.config and not loaded.training
    codes = tiny_codec.encode(tone).codes
    assert torch.equal(loaded.encode(tone).codes, codes)
    before, after = tiny_codec.decode(codes), loaded.decode(codes)
    # A rounded frame pitch may shift late pulses, so the levels are compared, and the first frame
    # closely.
    torch.testing.assert_close(before[..., :960], after[..., :960], atol=2e-2, rtol=0)
    torch.testing.assert_close(before.std(), after.std(), rtol=0.02, atol=0)


def test_saved_twice_is_the_same_and_leaves_no_litter(tiny_codec, folder):
    first = fingerprint(folder)
    tiny_codec.save_pretrained(folder)
    assert fingerprint(folder) == first
    assert [path.name for path in folder.parent.iterdir()] == ["codec"]


def test_a_tuned_decoder_leaves_the_meaning_of_the_codes(tiny_codec, folder, tmp_path):
    first, changed = fingerprint(folder), Codec(tiny_codec.config)
    changed.load_state_dict(tiny_codec.state_dict())
    changed.decoder.stem.weight.data.mul_(2)
    changed.save_pretrained(tmp_path / "tuned")
    assert fingerprint(tmp_path / "tuned") == first
    assert fingerprint(tmp_path / "tuned", decoder=True) != fingerprint(folder, decoder=True)
    changed.quantizer.codebooks[0].vectors[0, 0] += 1
    changed.save_pretrained(tmp_path / "other")
    assert fingerprint(tmp_path / "other") != first


def truncate(folder):
    data = (folder / WEIGHTS_NAME).read_bytes()
    (folder / WEIGHTS_NAME).write_bytes(data[: len(data) // 2])


def drop_a_weight(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / WEIGHTS_NAME)
    tensors.pop("decoder.stem.weight")
    save_file(tensors, folder / WEIGHTS_NAME)


def make_pickle_only(folder):
    (folder / WEIGHTS_NAME).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")


def change_config(**values):
    def change(folder):
        path = folder / CONFIG_NAME
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


DAMAGE = {
    "missing folder": shutil.rmtree,
    "no config": lambda folder: (folder / CONFIG_NAME).unlink(),
    "no weights": lambda folder: (folder / WEIGHTS_NAME).unlink(),
    "pickle only": make_pickle_only,
    "truncated weights": truncate,
    "text as weights": lambda folder: (folder / WEIGHTS_NAME).write_text("hello"),
    "empty weights": lambda folder: (folder / WEIGHTS_NAME).write_bytes(b""),
    "weight missing": drop_a_weight,
    "truncated config": lambda folder: (folder / CONFIG_NAME).write_text('{"model_type"'),
    "config is a list": lambda folder: (folder / CONFIG_NAME).write_text("[]"),
    "foreign model": change_config(model_type="llama"),
    "unknown key": change_config(colour="red"),
    "other width": change_config(decoder_dim=40),
    "word for a number": change_config(hop_length="many"),
    "hop of zero": change_config(hop_length=0),
    "negative width": change_config(decoder_dim=-48),
    "width of half a channel": change_config(decoder_dim=47.5),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_broken_folders_are_named(folder, damage):
    damage(folder)
    with pytest.raises(CheckpointError) as caught:
        Codec.from_pretrained(folder)
    assert str(folder) in str(caught.value)


def test_presets():
    assert set(PRESETS) == {"small", "small_vocoder", "tiny", "paper"}
    assert CodecConfig.preset("small") == CodecConfig()
    assert CodecConfig.preset("tiny", num_codebooks=2).num_codebooks == 2
    with pytest.raises(ValueError, match="paper.*small.*tiny"):
        CodecConfig.preset("huge")


def test_config_refuses_what_it_does_not_know():
    config = CodecConfig.preset("tiny")
    assert CodecConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="colour"):
        CodecConfig.from_dict(config.to_dict() | {"colour": "red"})
    for changes in (
        {"hop_length": 251},
        {"n_fft": 300},
        {"num_codebooks": 0},
        {"codebook_size": 0},
    ):
        with pytest.raises(ValueError):
            CodecConfig.preset("tiny", **changes)


def test_rates_of_the_shipped_shape():
    config = CodecConfig.preset("small")
    assert (config.samples_per_frame, config.frame_rate, config.bitrate) == (960, 25.0, 1000.0)
