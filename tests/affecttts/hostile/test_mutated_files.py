"""Files that were good once: bytes flipped, cut, doubled. Each is read, or refused in one line."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import soundfile
import torch

from affecttts.data.checking.measure import measure
from affecttts.data.manifest import scan_manifest
from codec.audio import load_audio, read_header
from codec.errors import AudioError, CheckpointError
from codec.files import load_weights, save_weights
from peak_memory import peak_growth
from soak import soak

RATE = 24_000
MEMORY = 300_000_000  # bytes over the size of a file
FEW, MANY = 25, 600  # mutations of every file
FORMATS = {
    "wav": {},
    "float.wav": {"subtype": "FLOAT"},
    "flac": {},
    "ogg": {},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {},
    "aiff": {},
}


def mutated(data: bytes, seed: int) -> bytes:
    """A copy with one thing wrong, mostly in the first part, where headers are."""
    rng = random.Random(seed)
    size = len(data) if rng.random() < 0.3 else min(len(data), 120)
    place = rng.randrange(size)
    kind = rng.randrange(6)
    if kind == 0:  # bits
        return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    if kind == 1:  # a number in the header
        number = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, rng.getrandbits(32)])
        return data[:place] + number.to_bytes(4, rng.choice(["little", "big"])) + data[place + 4 :]
    if kind == 2:
        return data[:place]
    if kind == 3:
        return data[:place] + rng.randbytes(rng.randrange(1, 300)) + data[place:]
    if kind == 4:
        return data[:place] + data[place + rng.randrange(1, 300) :]
    return data + data[place:]


def make_sound(folder, suffix):
    time = np.arange(RATE // 2) / RATE
    path = folder / f"good.{suffix}"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time), RATE, **FORMATS[suffix])
    return path.read_bytes()


def check_sound(data, path):
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for read in (lambda: load_audio(path, RATE).samples, lambda: measure(path), read_header):
            try:
                found = read(path) if read is read_header else read()
            except AudioError as error:
                assert str(path) in str(error) and "\n" not in str(error)
                continue
            if isinstance(found, np.ndarray):
                assert np.isfinite(found).all() and np.abs(found).max() <= 1


def fuzz_sound(folder, suffix, count):
    good = make_sound(folder, suffix)
    with peak_growth() as growth:
        for seed in range(count):
            check_sound(mutated(good, seed), folder / f"bad.{suffix}")
    assert growth() < len(good) + MEMORY


@pytest.mark.parametrize("suffix", FORMATS)
def test_mutated_sound(tmp_path, suffix):
    fuzz_sound(tmp_path, suffix, FEW)


@soak
@pytest.mark.parametrize("suffix", FORMATS)
def test_much_mutated_sound(tmp_path, suffix):
    fuzz_sound(tmp_path, suffix, MANY)


def fuzz_weights(folder, count):
    torch.manual_seed(0)
    save_weights(folder / "good.safetensors", {"a": torch.randn(4, 3), "b": torch.randn(50)})
    good, path = (folder / "good.safetensors").read_bytes(), folder / "bad.safetensors"
    for seed in range(count):
        path.write_bytes(mutated(good, seed))
        try:
            found = load_weights(path)
        except CheckpointError as error:
            assert str(path) in str(error)
            continue
        assert all(tensor.isfinite().all() for tensor in found.values() if tensor.numel())


def test_mutated_weights(tmp_path):
    fuzz_weights(tmp_path, 300)


@soak
def test_much_mutated_weights(tmp_path):
    fuzz_weights(tmp_path, 20_000)


def fuzz_manifest(folder, count):
    row = '{"id": "a", "path": "a.wav", "speaker": "s", "seconds": 1.0, "split": "train"}\n'
    good, path = (row * 3).encode(), folder / "bad.jsonl"
    for seed in range(count):
        data = mutated(good, seed)
        path.write_bytes(data)
        rows = list(scan_manifest(path))
        lines = [n for n, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
        assert [row.number for row in rows] == lines
        assert all(row.utterance or row.fault for row in rows)


def test_a_number_beyond_all_floats_fails_alone(tmp_path):
    row = '{"id": "a", "path": "a.wav", "speaker": "s", "seconds": %s, "split": "train"}\n'
    (tmp_path / "m.jsonl").write_text(row % "1.0" + row % ("9" * 400) + row % "2.0")
    rows = list(scan_manifest(tmp_path / "m.jsonl"))
    assert [bool(row.fault) for row in rows] == [False, True, False]


def test_mutated_manifests(tmp_path):
    fuzz_manifest(tmp_path, 300)


@soak
def test_much_mutated_manifests(tmp_path):
    fuzz_manifest(tmp_path, 20_000)


def fuzz_tokens(cli, model, sound, folder, count):
    """Token files through the command line."""
    tokens, bad, out = folder / "good.tok", folder / "bad.tok", folder / "out.wav"
    codec = ("--codec", model / "codec", "--force", "-o")
    assert cli("encode", sound, *codec, tokens).code == 0
    good = tokens.read_bytes()
    for seed in range(count):
        bad.write_bytes(mutated(good, seed))
        out.unlink(missing_ok=True)
        outcome = cli("decode", bad, *codec, out)
        assert (outcome.code == 0 and out.exists()) or outcome.refused(1), seed
        assert outcome.code == 0 or not out.exists()


def test_mutated_tokens(cli, tiny_model_dir, wav_file, tmp_path):
    fuzz_tokens(cli, tiny_model_dir, wav_file, tmp_path, 12)


@soak
def test_much_mutated_tokens(cli, tiny_model_dir, wav_file, tmp_path):
    fuzz_tokens(cli, tiny_model_dir, wav_file, tmp_path, 300)


@pytest.mark.parametrize("what", ["a pipe", "a folder", "/dev/zero", "a socket"])
def test_no_input_is_a_pipe_a_folder_or_a_device(cli, say, tiny_model_dir, tmp_path, what):
    import os
    import socket

    path = tmp_path / "odd"
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "a socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path.symlink_to(what)
    out, codec = tmp_path / "out", ("--codec", tiny_model_dir / "codec")
    assert say("--input", path, "-o", out).refused(1, "regular file")
    assert say("--batch", path, "--output-dir", tmp_path / "o").refused(1, "regular file")
    for command in ("encode", "reconstruct", "decode"):
        assert cli(command, path, *codec, "-o", out).refused(1, "regular file")
    assert cli("data", "check", path).code == 2
    assert cli("data", "import", "folder", tmp_path, "--table", path, "--output", out).code == 2
    assert not out.exists()


def test_arguments_of_any_type_are_said_to_be_wrong(tiny_model_dir, tmp_path):
    from affecttts import Synthesizer
    from affecttts.synthesis.voices import check_name, read_card
    from codec import Codec

    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    for value in (3, 2.5, [], {}, object(), b"\xff", "a\0b", "", "x" * 5000, True):
        for read in (Synthesizer.from_pretrained, Codec.from_pretrained, read_card):
            with pytest.raises(CheckpointError):
                read(value)
        with pytest.raises(CheckpointError):
            synthesizer.load_voice(value)
        with pytest.raises(AudioError):
            load_audio(value, RATE)
        if not isinstance(value, str) or not value.isalnum() or len(value) > 64:
            with pytest.raises(ValueError):
                check_name(value)
    for rate in (0, -1, 2.5, "24000", None, True):
        with pytest.raises(AudioError):
            load_audio(tmp_path, rate)


def test_a_batch_of_bad_rows_speaks_the_good_ones(say, tmp_path):
    good = '{"id": "good", "text": "Yes."}'
    bad = [
        '{"id": "b1", "text": "Yes.", "prompt": "\\ud800"}',
        '{"id": "b2", "text": "a\\u0000b"}',
        '{"id": "b3", "text": 3}',
        '{"id": "b4", "text": "Yes.", "voice": "a\\u0000"}',
        '{"id": "b5", "text": "Yes.", "seed": 1e400}',
        '{"id": "b6", "text": "Yes.", "intensity": [1]}',
        '{"id": ' + "[" * 5000 + "]" * 5000 + ', "text": "Yes."}',
        '{"id": "b8", "text": "Yes.", "emotion": {}}',
        '{"id": "\\ud800", "text": "Yes."}',
    ]
    (tmp_path / "b.jsonl").write_text("\n".join([*bad, good]))
    outcome = say("--batch", tmp_path / "b.jsonl", "--output-dir", tmp_path / "o", "-q")
    assert outcome.code == 3 and (tmp_path / "o" / "good.wav").exists()
    assert len(outcome.err.splitlines()) == len(bad) and "Traceback" not in outcome.err
