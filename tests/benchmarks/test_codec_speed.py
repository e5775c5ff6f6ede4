"""The benchmark of the codec's speed, with codecs that do as little as possible."""

from __future__ import annotations

import time

import pytest
import torch
from codec_speed import System, compare, measure, noise


def system(name: str, seconds: float, log: list[str]) -> System:
    def work(part: str):
        def run(given):
            log.append(f"{name} {part}")
            time.sleep(seconds)
            return given

        return run

    return System(name, 16_000, 1.0, 1, work("encodes"), work("decodes"))


def test_systems_take_turns_and_ratios_are_to_the_first():
    log: list[str] = []
    systems = [system("ours", 0.002, log), system("theirs", 0.02, log)]
    ours, theirs = compare(systems, measure(systems, 0.5, 3))
    # one round to warm up
    assert log == ["ours encodes", "ours decodes", "theirs encodes", "theirs decodes"] * 4
    assert ours.encode_ratio == ours.decode_ratio == 1.0
    assert (
        theirs.encode == pytest.approx(0.04, rel=0.5)
        and theirs.encode_ratio > 3
        and theirs.decode_ratio > 3
    )
    assert theirs.encode_range[0] <= theirs.encode <= theirs.encode_range[1]


def test_the_noise_has_the_length_and_is_the_same_each_time():
    assert noise(0.5, 24_000).shape == (1, 1, 12_000)
    assert torch.equal(noise(0.1, 16_000), noise(0.1, 16_000))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("EnCodec", {"num_filters": 4, "hidden_size": 8, "codebook_dim": 8, "num_lstm_layers": 1}),
        ("DAC", {"encoder_hidden_size": 4, "decoder_hidden_size": 32}),
        (
            "Mimi",
            {
                "num_filters": 4,
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "intermediate_size": 16,
                "upsample_groups": 16,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "codebook_dim": 8,
                "vector_quantization_hidden_dimension": 8,
            },
        ),
    ],
)
def test_the_others_encode_and_decode(name, shape, monkeypatch):
    """The classes at a tiny size: audio of the right length comes back from codes of the promised
    bitrate.
    """
    transformers = pytest.importorskip("transformers")
    import codec_speed

    kind = getattr(
        transformers, {"EnCodec": "EncodecConfig", "DAC": "DacConfig", "Mimi": "MimiConfig"}[name]
    )
    monkeypatch.setattr(transformers, kind.__name__, lambda **given: kind(**given | shape))
    other = codec_speed.SYSTEMS[name]()
    with torch.inference_mode():
        codes = other.encode(noise(1.0, other.sample_rate))
        audio = other.decode(codes)
    books, bits = {"EnCodec": (2, 10), "DAC": (2, 10), "Mimi": (8, 11)}[name]
    assert (
        codes.numel() * bits / 1000 == pytest.approx(other.kilobits, rel=0.05)
        and codes.numel() % books == 0
    )
    assert audio.shape[-1] == pytest.approx(other.sample_rate, rel=0.05)
