"""Audio files in and out: what is refused, and what is made of the rest."""

import io
import struct

import numpy as np
import pytest
import soundfile

from codec import audio as audio_module
from codec.audio import Audio, load_audio, resample, save_wav
from codec.errors import AudioError

RATE = 24_000


def sine(hertz=440.0, seconds=0.5, rate=RATE, level=0.5):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def write(path, samples, rate=RATE, subtype="FLOAT"):
    soundfile.write(path, samples, rate, subtype=subtype)


def with_one_bad(value):
    samples = sine()
    samples[100] = value
    return samples


def cut(path, keep):
    write(path, sine())
    path.write_bytes(path.read_bytes()[:keep])


BAD = {
    "missing": ("a.wav", lambda path: None),
    "a folder": ("a.wav", lambda path: path.mkdir()),
    "text": ("a.wav", lambda path: path.write_text("this is no sound")),
    "text called raw": ("a.raw", lambda path: path.write_text("this is no sound")),
    "empty file": ("a.wav", lambda path: path.write_bytes(b"")),
    "truncated header": ("a.wav", lambda path: cut(path, 20)),
    "header only": ("a.wav", lambda path: cut(path, 44)),
    "truncated flac": ("a.flac", lambda path: path.write_bytes(b"fLaC\x00\x00\x00\x22")),
    "no samples": ("a.wav", lambda path: write(path, np.zeros(0, np.float32))),
    "one sample": ("a.wav", lambda path: write(path, np.full(1, 0.5, np.float32))),
    "silence": ("a.wav", lambda path: write(path, np.zeros(RATE, np.float32))),
    "near silence": ("a.wav", lambda path: write(path, sine(level=5e-6))),
    "NaN": ("a.wav", lambda path: write(path, with_one_bad(np.nan))),
    "infinite": ("a.wav", lambda path: write(path, with_one_bad(np.inf))),
}


@pytest.mark.parametrize("rate", [RATE, 16_000])
@pytest.mark.parametrize("name, make", BAD.values(), ids=BAD)
def test_bad_files_are_named(tmp_path, name, make, rate):
    path = tmp_path / name
    make(path)
    with pytest.raises(AudioError) as caught:
        load_audio(path, rate)
    assert str(path) in str(caught.value)


def test_over_long_files_are_refused_before_they_are_read(tmp_path, monkeypatch):
    path = tmp_path / "long.wav"
    write(path, sine(seconds=0.5))
    monkeypatch.setattr(audio_module, "MAX_SECONDS", 0.4)
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda *args, **kwargs: pytest.fail("was read")
    )
    with pytest.raises(AudioError, match=r"long\.wav.*cut it"):
        load_audio(path, RATE)


def test_a_header_that_claims_years_is_refused(tmp_path):
    path = tmp_path / "liar.wav"
    write(path, sine(), subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", 1)  # one sample a second
    path.write_bytes(data)
    with pytest.raises(AudioError, match=r"liar\.wav"):
        load_audio(path, RATE)


def test_stereo_is_mixed(tmp_path):
    path = tmp_path / "stereo.wav"
    write(path, np.stack([sine(), np.zeros(RATE // 2, np.float32)], axis=1))
    loaded = load_audio(path, RATE)
    assert loaded.samples.ndim == 1 and loaded.samples.dtype == np.float32
    np.testing.assert_allclose(loaded.samples, sine() / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_other_rates_keep_length_and_pitch(tmp_path, rate):
    path = tmp_path / "other.wav"
    write(path, sine(440.0, 1.0, rate), rate)
    loaded = load_audio(path, RATE)
    assert loaded.sample_rate == RATE
    assert abs(len(loaded.samples) - RATE) <= 1 and loaded.seconds == pytest.approx(1.0, abs=1e-3)
    peak = (
        np.abs(np.fft.rfft(loaded.samples * np.hanning(len(loaded.samples)))).argmax()
        * RATE
        / len(loaded.samples)
    )
    assert peak == pytest.approx(440.0, abs=1.5)
    assert np.abs(loaded.samples).max() == pytest.approx(0.5, rel=0.1)


def test_the_same_rate_is_left_alone():
    samples = sine()
    assert resample(samples, RATE, RATE) is samples


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_common_formats_are_read(tmp_path, suffix):
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, sine(), RATE)
    assert load_audio(path, RATE).samples.std() == pytest.approx(sine().std(), rel=0.05)


def test_too_loud_float_files_are_clipped(tmp_path):
    path = tmp_path / "loud.wav"
    write(path, sine(level=3.0))
    assert np.abs(load_audio(path, RATE).samples).max() == 1.0


def test_saving_and_loading_keeps_the_samples(tmp_path):
    path, stream = tmp_path / "out.wav", io.BytesIO()
    save_wav(path, Audio(sine(), RATE))
    save_wav(stream, Audio(sine(), RATE))
    assert path.read_bytes() == stream.getvalue()
    assert soundfile.info(path).subtype == "PCM_16"
    loaded = load_audio(path, RATE)
    assert loaded.sample_rate == RATE
    np.testing.assert_allclose(loaded.samples, sine(), atol=1.5 / 32768)


def test_saving_clips_instead_of_wrapping(tmp_path):
    save_wav(tmp_path / "out.wav", Audio(np.array([2.0, -2.0] * 1000, np.float32), RATE))
    read, _ = soundfile.read(tmp_path / "out.wav")
    assert read[0] > 0.99 and read[1] < -0.99
