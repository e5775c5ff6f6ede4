"""Decoding in windows: the samples of the whole, in memory that does not grow."""

import pytest
import torch

from codec.streaming import decode_windows
from peak_memory import peak_growth
from tiny_models import random_codec

FRAMES = 150


def difference_db(pieces, whole):
    """RMS of the difference, in dB below the whole."""
    return 20 * torch.log10((pieces - whole).norm().clamp_min(1e-12) / whole.norm()).item()


def random_codes(codec, frames=FRAMES, batch=1, books=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, books or codec.config.num_codebooks, frames)
    return torch.randint(codec.config.codebook_size, shape, generator=generator)


@pytest.mark.parametrize("decoder", ["source_filter", "vocos"])
@pytest.mark.parametrize("window", [1, 7, 64, 149, 150, 151])
def test_windows_make_the_whole(decoder, window):
    codec = random_codec(decoder=decoder)
    codes = random_codes(codec, 40 if window == 1 else FRAMES, batch=2)
    whole = codec.decode(codes)
    pieces = torch.cat(list(decode_windows(codec, codes, window)), dim=-1)
    assert pieces.shape == whole.shape
    assert difference_db(pieces, whole) < -50  # rounding adds up in the phase


@pytest.mark.parametrize("window", [7, 64])
def test_windows_with_a_detail_layer_make_the_whole(window):
    codec = random_codec(detail_codebooks=2)
    codes = random_codes(codec, books=6)
    whole = codec.decode(codes)
    pieces = torch.cat(list(decode_windows(codec, codes, window)), dim=-1)
    assert difference_db(pieces, whole) < -50  # rounding adds up in the phase


@pytest.mark.parametrize("voicing", [-1e3, 1e3])
def test_speech_that_is_never_or_always_voiced(voicing):
    codec = random_codec()
    with torch.no_grad():
        codec.decoder.pitch.bias[1] = voicing
    codes = random_codes(codec)
    pieces = torch.cat(list(decode_windows(codec, codes, 16)), dim=-1)
    whole = codec.decode(codes)
    assert difference_db(pieces, whole) < -50  # rounding adds up in the phase


def test_the_length_costs_no_memory():
    codec = random_codec()
    codes = random_codes(codec, 20_000).to(torch.int16)
    for _ in decode_windows(codec, codes[..., :1500]):
        pass
    with peak_growth() as growth:
        assert sum(audio.shape[-1] for audio in decode_windows(codec, codes)) == 20_000 * 960
    assert growth() < 150_000_000  # all at once: more than a gigabyte


@pytest.mark.parametrize(
    "codes",
    [
        None,
        [[[1]]],
        torch.zeros(1, 4, 3),
        torch.zeros(1, 4, 0, dtype=torch.long),
        torch.zeros(4, 3, dtype=torch.long),
        torch.full((1, 4, 3), 64),
        torch.full((1, 4, 3), -1),
        torch.zeros(1, 5, 3, dtype=torch.long),
        torch.zeros(0, 4, 3, dtype=torch.long),
        torch.zeros(1, 4, 3, dtype=torch.bool),
    ],
)
def test_codes_that_are_none_are_value_errors(tiny_codec, codes):
    for run in (tiny_codec.decode, lambda codes: list(decode_windows(tiny_codec, codes))):
        with pytest.raises(ValueError, match="codes must"):
            run(codes)


@pytest.mark.parametrize("length", [0, -1, 10**9, 1.5, "x", True])
def test_lengths_that_are_none_are_value_errors(tiny_codec, length):
    with pytest.raises(ValueError, match="num_samples"):
        tiny_codec.decode(random_codes(tiny_codec, 3), length)


@pytest.mark.parametrize(
    "wrong",
    [
        {"audio": None},
        {"audio": [0.1] * 100},
        {"audio": torch.zeros(1, 1, 1000, dtype=torch.int16)},
        {"audio": torch.full((1, 1, 1000), torch.nan)},
        {"audio": torch.zeros(0, 1, 1000)},
        {"audio": torch.zeros(1, 2, 1000)},
        {"num_codebooks": 0},
        {"num_codebooks": -1},
        {"num_codebooks": 99},
        {"num_codebooks": "4"},
        {"num_codebooks": 1.5},
        {"num_codebooks": True},
        {"mode": 3},
        {"mode": ""},
        {"mode": "teacher", "teacher_features": "x"},
        {"teacher_features": 3},
    ],
    ids=str,
)
def test_what_cannot_be_encoded_is_a_value_error(tiny_codec, tone, wrong):
    with pytest.raises(ValueError):
        tiny_codec.encode(**({"audio": tone} | wrong))
