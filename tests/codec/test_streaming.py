"""Decoding in pieces gives the samples of decoding at once."""

import pytest
import torch

from affecttts.synthesis.model_folder import SHIPPED
from codec import Codec
from codec.audio import load_audio
from codec.config import CodecConfig
from codec.nn.source import pulse_train
from codec.streaming import StreamingDecoder
from codec.streaming.source_filter import StreamingPulses
from tiny_models import DATA


def difference_db(stream, whole):
    """RMS of the difference, in dB below the whole. Rounding of the pitch adds up in the phase, and
    may let the highest harmonic of a sample come or go.
    """
    return 20 * torch.log10((stream - whole).norm() / whole.norm()).item()


def joined(codec, codes, size):
    """The stream's samples, and how many it had given after each piece."""
    stream = StreamingDecoder(codec)
    parts = [stream.push(codes[..., i : i + size]) for i in range(0, codes.shape[-1], size)]
    parts.append(stream.finish())
    counts = torch.tensor([part.shape[-1] for part in parts]).cumsum(0)
    return torch.cat(parts, dim=-1), counts.tolist()


@pytest.fixture(scope="module", params=["parametric", "source_filter"])
def voiced_codec(request):
    """A small causal codec whose filters and pitch are loud and moving."""
    torch.manual_seed(1)
    shape = {"frame_stride": 2, "decoder_context": "causal", "decoder_lookahead": 2}
    codec = Codec(CodecConfig.preset("tiny", decoder=request.param, **shape)).eval()
    decoder = codec.decoder
    with torch.no_grad():
        if request.param == "source_filter":
            decoder.filters.weight.mul_(10)
            decoder.pitch.weight.mul_(2)
        else:
            torch.nn.init.normal_(decoder.values_of.weight, std=0.02)
            torch.nn.init.normal_(decoder.linear.weight, std=0.02)
            decoder.values_of.bias[-1] = 0.2  # more voiced than not
    return codec


def most_db(codec):
    """What rounding may do: the source-filter decoder counts its phase from the start."""
    return -40 if codec.config.decoder == "source_filter" else -70


@pytest.mark.parametrize("size", [1, 2, 5, 17, 60])
@pytest.mark.parametrize("batch", [1, 3])
def test_pieces_of_any_size_join_to_the_whole(voiced_codec, size, batch):
    codes = torch.randint(0, 64, (batch, 4, 60), generator=torch.Generator().manual_seed(size))
    whole = voiced_codec.decode(codes)
    stream, _ = joined(voiced_codec, codes, size)
    assert stream.shape == whole.shape and whole.abs().max() > 0.01
    assert difference_db(stream, whole) < most_db(voiced_codec)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_signals_stream(voiced_codec, frames):
    codes = torch.randint(0, 64, (1, 4, frames), generator=torch.Generator().manual_seed(0))
    stream, _ = joined(voiced_codec, codes, 1)
    assert difference_db(stream, voiced_codec.decode(codes)) < most_db(voiced_codec)


def test_the_delay_is_fixed_and_below_160_ms(voiced_codec):
    codes = torch.randint(0, 64, (1, 4, 60))
    _, counts = joined(voiced_codec, codes, 1)
    frame = voiced_codec.config.samples_per_frame
    behind = [(index + 1) * frame - count for index, count in enumerate(counts[10:60], start=10)]
    assert len(set(behind)) == 1 and 0 < behind[0] / voiced_codec.config.sample_rate < 0.16


@pytest.mark.shipped
def test_the_shipped_codec_streams_its_copies(utterances):
    codec = Codec.from_pretrained(SHIPPED / "codec").eval()
    audio = torch.from_numpy(load_audio(DATA / utterances[0].path, 24_000).samples)[None, None]
    codes = codec.encode(audio, codec.config.num_codebooks).codes
    whole = codec.decode(codes)
    for size in (1, 8):
        stream, _ = joined(codec, codes, size)
        assert difference_db(stream, whole) < -40


def test_pulses_before_the_first_voiced_frame_count_with_its_pitch():
    f0 = torch.tensor(
        [
            [0.0, 0, 0, 0, 117.3, 121.7, 0, 0, 131.9, 141.1, 0],
            [91.3, 0, 0, 94.7, 0, 0, 0, 0, 98.9, 0, 0],
        ]
    )
    stream = StreamingPulses(240, 24_000)
    parts = [stream.push(f0[:, i : i + 2], last=i + 2 >= 11) for i in range(0, 11, 2)]
    assert difference_db(torch.cat(parts, dim=-1), pulse_train(f0, 240, 24_000)) < -40


def test_other_decoders_say_that_they_do_not_stream():
    with pytest.raises(ValueError, match="vocos"):
        StreamingDecoder(Codec(CodecConfig.preset("tiny", decoder="vocos")))


def test_without_codes_there_are_no_samples(tiny_codec):
    assert StreamingDecoder(tiny_codec).finish().shape[-1] == 0
