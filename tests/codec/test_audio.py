"""Audio files in and out: what is refused, and what is made of the rest."""

import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codec import audio as audio_module
from codec.audio import Audio, load_audio, read_header, read_samples, resample, save_wav
from codec.errors import AudioError, AudioWarning
from codec.inputs.sound import mono_shares
from peak_memory import peak_growth

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
    "a pipe": ("a.wav", lambda path: os.mkfifo(path)),
    "a device": ("a.wav", lambda path: path.symlink_to("/dev/zero")),
    "a link to itself": ("a.wav", lambda path: path.symlink_to(path)),
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


def test_too_loud_float_files_are_scaled_and_said_to_be(tmp_path):
    path = tmp_path / "loud.wav"
    write(path, sine(level=3.0))
    with pytest.warns(AudioWarning, match="9.5 dB above full scale"):
        loaded = load_audio(path, RATE).samples
    np.testing.assert_allclose(loaded, sine(level=1.0), atol=1e-5)


CENTRE = {"wav": 2, "flac": 2, "ogg": 1}  # place of the centre among six channels


@pytest.mark.parametrize("suffix", CENTRE)
def test_dialogue_in_the_centre_keeps_its_level(tmp_path, suffix):
    path = tmp_path / f"surround.{suffix}"
    channels = np.zeros((len(sine()), 6), np.float32)
    channels[:, CENTRE[suffix]] = sine()
    soundfile.write(path, channels, RATE)
    assert load_audio(path, RATE).samples.std() == pytest.approx(sine().std(), rel=0.05)


def test_bass_effects_stay_out_and_surrounds_come_softer():
    assert mono_shares(6)[3] == 0 and mono_shares(6, vorbis=True)[5] == 0
    for channels in (3, 4, 5, 6, 7, 8):
        for vorbis in (False, True):
            shares = sorted(mono_shares(channels, vorbis))
            assert shares == sorted(mono_shares(channels, not vorbis))
    for channels in (1, 2, 9):
        assert mono_shares(channels).sum() == pytest.approx(1)


@pytest.mark.parametrize("rate", [1, 3999, 400_000])
def test_absurd_rates_are_refused_with_the_bounds(tmp_path, rate):
    path = tmp_path / "absurd.wav"
    soundfile.write(path, np.zeros(8000), rate)
    with pytest.raises(AudioError, match="4000 to 384000 are read"):
        load_audio(path, RATE)


def test_names_that_are_no_utf8_are_read(tmp_path):
    write(tmp_path / "sound.wav", sine())
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav"))
    (tmp_path / "sound.wav").rename(path)
    assert load_audio(path, RATE).seconds == pytest.approx(len(sine()) / RATE)


def test_a_wide_file_at_a_high_rate_is_read_in_little_memory(tmp_path, monkeypatch):
    path = tmp_path / "wide.flac"
    with soundfile.SoundFile(path, "w", 192_000, 8) as file:
        block = np.tile(sine()[:, None], (1, 8)) * np.float32(0.1)
        for _ in range(40 * 192_000 // len(block)):
            file.write(block)
    load_audio(path, RATE, 0.0, 1.0)  # what is loaded for the first time
    with peak_growth() as growth:
        assert load_audio(path, RATE).seconds == pytest.approx(40, abs=1)
    assert growth() < 60_000_000  # all at once: 250 MB and more
    monkeypatch.setattr(audio_module, "MAX_DECODED", 2_000_000)
    with pytest.raises(AudioError, match="2e.06 samples in 8 channels"):
        read_samples(path)


def test_blocks_make_what_the_whole_file_makes(tmp_path):
    path = tmp_path / "long.wav"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 44_100).astype(np.float32)
    soundfile.write(path, samples, 44_100, subtype="FLOAT")
    assert np.array_equal(load_audio(path, RATE).samples, resample(samples, 44_100, RATE))


@pytest.mark.parametrize("kind", ["m4a", "webm", "aac"])
def test_sound_of_telephones_and_browsers_is_read_through_pyav(tmp_path, kind):
    av = pytest.importorskip("av")
    path = tmp_path / f"sound.{kind}"
    form, codec = {"webm": ("webm", "libopus"), "m4a": ("mp4", "aac"), "aac": ("adts", "aac")}[kind]
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.layout = "mono"
        samples = resample(np.tile(sine(), 4), RATE, 48_000)
        size = 960 if codec == "libopus" else 1024
        for start in range(0, len(samples) - size, size):
            part = samples[None, start : start + size]
            if codec == "libopus":
                frame = av.AudioFrame.from_ndarray(part, format="flt", layout="mono")
            else:
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    loaded = load_audio(path, RATE)
    assert loaded.seconds == pytest.approx(len(samples) / 48_000, abs=0.1)
    assert loaded.samples.std() == pytest.approx(sine().std(), rel=0.1)
    assert read_header(path).seconds == pytest.approx(loaded.seconds, rel=0.2)
    with pytest.raises(AudioError, match="too|cut it into pieces"):
        load_audio(path, RATE, max_seconds=0.5)


def test_without_pyav_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "sound.m4a").write_bytes(b"x" * 100)
    with pytest.raises(AudioError, match=r"pip install 'affecttts\[av\]'") as caught:
        load_audio(tmp_path / "sound.m4a", RATE)
    assert caught.value.kind == "needs PyAV"


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
