"""`affecttts encode`, `decode` and `reconstruct`."""

import shutil

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from codec.files import fingerprint
from tiny_models import random_codec

SAMPLES = 12_345


@pytest.fixture
def codec_dir(tiny_model_dir):
    return tiny_model_dir / "codec"


@pytest.fixture
def codes_file(cli, codec_dir, wav_file, tmp_path):
    assert (
        cli("encode", wav_file, "--codec", codec_dir, "-o", tmp_path / "codes.safetensors").code
        == 0
    )
    return tmp_path / "codes.safetensors"


def test_encoding_and_decoding_equals_reconstruction(
    cli, codec_dir, codes_file, wav_file, tmp_path
):
    assert cli("decode", codes_file, "--codec", codec_dir, "-o", tmp_path / "a.wav").code == 0
    assert cli("reconstruct", wav_file, "--codec", codec_dir, "-o", tmp_path / "b.wav").code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert soundfile.info(tmp_path / "a.wav").frames == SAMPLES
    streamed = cli("reconstruct", wav_file, "--codec", codec_dir, "-o", "-")
    assert streamed.out == (tmp_path / "b.wav").read_bytes()


def test_codes_say_what_they_are_of(codes_file, codec_dir):
    with safe_open(codes_file, framework="pt") as file:
        codes, metadata = file.get_tensor("codes"), file.metadata()
    assert codes.shape == (4, 13) and codes.min() >= 0 and codes.max() < 64
    assert metadata == {"codec": fingerprint(codec_dir), "num_samples": str(SAMPLES)}


def test_fewer_codebooks(cli, codec_dir, wav_file, tmp_path):
    for count in (1, 4):
        arguments = ["--codec", codec_dir, "--num-codebooks", count]
        assert (
            cli("encode", wav_file, *arguments, "-o", tmp_path / f"{count}.safetensors").code == 0
        )
        assert (
            cli(
                "decode",
                tmp_path / f"{count}.safetensors",
                "--codec",
                codec_dir,
                "-o",
                tmp_path / f"{count}.wav",
            ).code
            == 0
        )
        assert cli("reconstruct", wav_file, *arguments, "-o", tmp_path / f"{count}r.wav").code == 0
        assert (tmp_path / f"{count}.wav").read_bytes() == (tmp_path / f"{count}r.wav").read_bytes()
    assert (tmp_path / "1.wav").read_bytes() != (tmp_path / "4.wav").read_bytes()


@pytest.mark.parametrize("count", [0, -1, 5])
def test_numbers_of_codebooks_that_the_codec_has_not(cli, codec_dir, wav_file, tmp_path, count):
    done = cli(
        "encode", wav_file, "--codec", codec_dir, "-o", tmp_path / "x", f"--num-codebooks={count}"
    )
    assert done.refused(2, str(count), "1 to 4") and not (tmp_path / "x").exists()


BAD_AUDIO = {
    "missing": lambda path: None,
    "text": lambda path: path.write_text("hello"),
    "empty": lambda path: path.write_bytes(b""),
    "no samples": lambda path: soundfile.write(path, np.zeros(0), 24_000),
    "one sample": lambda path: soundfile.write(path, np.full(1, 0.5), 24_000),
    "silent": lambda path: soundfile.write(path, np.zeros(24_000), 24_000),
    "NaN": lambda path: soundfile.write(path, np.full(24_000, np.nan), 24_000, subtype="FLOAT"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
@pytest.mark.parametrize("make", BAD_AUDIO.values(), ids=BAD_AUDIO)
def test_bad_audio(cli, codec_dir, tmp_path, command, make):
    make(tmp_path / "bad.wav")
    assert cli(command, tmp_path / "bad.wav", "--codec", codec_dir, "-o", tmp_path / "out").refused(
        1, "bad.wav"
    )
    assert not (tmp_path / "out").exists()


def store(codes, **metadata):
    def make(path, codec_dir):
        values = {"codec": fingerprint(codec_dir), "num_samples": "2880"} | metadata
        save_file(
            {"codes": codes},
            path,
            {key: value for key, value in values.items() if value is not None},
        )

    return make


FINE = torch.zeros(4, 3, dtype=torch.int16)
BAD_CODES = {
    "missing": lambda path, _: None,
    "text": lambda path, _: path.write_text("hello"),
    "empty": lambda path, _: path.write_bytes(b""),
    "a folder": lambda path, _: path.mkdir(),
    "other tensors": lambda path, _: save_file({"weights": FINE}, path),
    "no metadata": lambda path, _: save_file({"codes": FINE}, path),
    "another codec": store(FINE, codec="0" * 16),
    "no length": store(FINE, num_samples=None),
    "length is a word": store(FINE, num_samples="many"),
    "negative length": store(FINE, num_samples="-5"),
    "too large codes": store(FINE + 64),
    "too many books": store(torch.zeros(5, 3, dtype=torch.int16)),
    "one dimension": store(torch.zeros(4, dtype=torch.int16)),
    "fractions": store(torch.full((4, 3), 0.5)),
}


@pytest.mark.parametrize("make", BAD_CODES.values(), ids=BAD_CODES)
def test_bad_codes(cli, codec_dir, tmp_path, make):
    make(tmp_path / "bad", codec_dir)
    assert cli(
        "decode", tmp_path / "bad", "--codec", codec_dir, "-o", tmp_path / "out.wav"
    ).refused(1, str(tmp_path / "bad"))
    assert not (tmp_path / "out.wav").exists()


def test_codes_of_another_codec_name_both(cli, codes_file, codec_dir, tmp_path):
    random_codec(seed=1).save_pretrained(tmp_path / "other")
    done = cli("decode", codes_file, "--codec", tmp_path / "other", "-o", tmp_path / "out.wav")
    assert done.refused(1, fingerprint(codec_dir), fingerprint(tmp_path / "other"), "--codec")


@pytest.mark.parametrize("command", ["encode", "decode", "reconstruct"])
def test_outputs_and_codecs_that_cannot_be(
    cli, codec_dir, codes_file, wav_file, tiny_model_dir, tmp_path, command
):
    source = codes_file if command == "decode" else wav_file
    kept = tmp_path / "kept"
    kept.write_bytes(b"precious")
    assert cli(command, source, "--codec", codec_dir, "-o", kept).refused(2, "--force")
    assert kept.read_bytes() == b"precious"
    assert cli(command, source, "--codec", codec_dir, "-o", tmp_path / "none" / "x").refused(
        1, "does not exist"
    )
    assert cli(command, source, "--codec", tmp_path / "nothing", "-o", tmp_path / "x").refused(
        1, "nothing"
    )
    assert cli(command, source, "--codec", tiny_model_dir / "lm", "-o", tmp_path / "x").refused(
        1, "lm"
    )
    broken = shutil.copytree(codec_dir, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"x")
    assert cli(command, source, "--codec", broken, "-o", tmp_path / "x").refused(1, "broken")
    assert not (tmp_path / "x").exists()
    assert cli(command, source, "--codec", codec_dir, "-o", kept, "--force").code == 0
    assert kept.read_bytes() != b"precious"


def test_codes_do_not_go_to_standard_output(cli, codec_dir, wav_file):
    assert cli("encode", wav_file, "--codec", codec_dir, "-o", "-").refused(2, "file")
