"""Encoders: whole files and streams, in pieces of any size."""

import io
import struct

import av
import numpy as np
import pytest
import soundfile

from codec.audio import load_audio
from codec.encoders import FORMATS, format_of, open_writer, write_audio
from codec.errors import AudioError, FormatError

RATE = 24_000
LOSSLESS = ("wav", "flac", "pcm")


@pytest.fixture(scope="module")
def tone():
    """Two seconds of a rising tone, float32 [T]."""
    turns = np.cumsum(np.linspace(150, 900, 2 * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * turns)).astype(np.float32)


def pieces(samples, size):
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def stream(name, samples, size):
    writer = open_writer(name, RATE, "made by a test")
    return b"".join([*map(writer.write, pieces(samples, size)), writer.finish()])


def decoded(data):
    """What a player makes of a stream that it reads from its beginning to its end."""
    with av.open(io.BytesIO(data)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    samples = np.concatenate(frames, axis=-1)[0].astype(np.float64)
    return samples / 32768 if frames[0].dtype == np.int16 else samples


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
def test_a_file_holds_the_signal_in_its_length(tone, tmp_path, name):
    path = tmp_path / f"tone{FORMATS[name].suffixes[0]}"
    write_audio(path, pieces(tone, 5000), RATE, comment="made by a test")
    read = load_audio(path, RATE).samples
    assert len(tone) <= len(read) <= len(tone) + 3 * 1024
    assert name == "aac" or len(read) == len(tone)
    middles = [part[RATE : RATE + 4096] for part in (tone, read)]
    peaks = [int(np.abs(np.fft.rfft(middle)).argmax()) for middle in middles]
    assert abs(peaks[0] - peaks[1]) <= 8 and 0.8 < np.abs(middles[1]).max() / 0.4 < 1.2
    assert name == "aac" or b"made by a test" in path.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_the_size_of_the_pieces_changes_nothing(tone, name):
    whole = stream(name, tone, len(tone))
    if name in ("wav", "pcm"):
        assert stream(name, tone, 777) == whole
    else:
        assert np.array_equal(decoded(stream(name, tone, 777)), decoded(whole))


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_come_before_the_end(tone, name):
    writer = open_writer(name, RATE)
    assert sum(len(writer.write(part)) for part in pieces(tone[: RATE + RATE // 2], 2000)) > 500
    writer.finish()


def test_a_streamed_wav_has_no_length_and_a_file_the_true_one(tone, tmp_path):
    data = stream("wav", tone, 4000)
    place = data.index(b"data") + 4
    assert data[4:8] == data[place : place + 4] == b"\xff" * 4
    write_audio(tmp_path / "a.wav", [tone], RATE, comment="made by a test")
    file = (tmp_path / "a.wav").read_bytes()
    assert struct.unpack("<I", file[4:8]) == (len(file) - 8,)
    assert struct.unpack("<I", file[place : place + 4]) == (2 * len(tone),)
    assert soundfile.SoundFile(tmp_path / "a.wav").comment == "made by a test"


def test_nothing_is_a_file_too(tmp_path):
    write_audio(tmp_path / "a.wav", [], RATE)
    assert soundfile.info(tmp_path / "a.wav").frames == 0


@pytest.mark.parametrize("name", FORMATS)
def test_nan_is_refused_and_leaves_nothing(tone, tmp_path, name):
    target = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    with pytest.raises(AudioError, match="NaN"):
        write_audio(target, [tone, np.full(10, np.nan, np.float32)], RATE)
    assert not list(tmp_path.iterdir())


def test_an_earlier_file_stays_where_it_shall(tone, tmp_path):
    (tmp_path / "a.flac").write_text("mine")
    with pytest.raises(FileExistsError):
        write_audio(tmp_path / "a.flac", [tone], RATE, replace=False)
    assert (tmp_path / "a.flac").read_text() == "mine"


def test_suffixes_and_names_that_are_not_known_are_told():
    assert format_of("speech.OGG").name == "opus"
    with pytest.raises(FormatError, match=r"\.wma.*\.wav.*\.mp3"):
        format_of("speech.wma")
    with pytest.raises(FormatError, match="flac.*opus"):
        open_writer("tape", RATE)
