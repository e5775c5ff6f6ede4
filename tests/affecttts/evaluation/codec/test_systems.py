"""Codecs under test: delays, baselines, commands and their errors."""

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.codec import baselines
from affecttts.evaluation.codec.baselines import BASELINES, ogg_payload, open_baseline
from affecttts.evaluation.codec.request import CodecRequest, open_systems
from affecttts.evaluation.codec.systems import (
    Absent,
    Aligned,
    Coded,
    Command,
    Transformers,
    delay_seconds,
)

RATE = 24000


class Late:
    """Delays by some samples and damages."""

    name, bitrate, identity, codebook_size, teachers = "late", None, "", None, ()

    def __init__(self, samples, damage=lambda audio: audio):
        self.samples, self.damage = samples, damage

    def code(self, audio, sample_rate):
        moved = np.pad(audio, (self.samples, 0)) if self.samples >= 0 else audio[-self.samples :]
        return Coded(self.damage(moved).astype(np.float32))


@pytest.mark.parametrize("samples", [-300, 0, 1, 1105, 3000])
def test_a_constant_delay_is_taken_back(pulses, samples):
    audio = pulses()
    aligned = Aligned(Late(samples), [audio, pulses(140)], RATE)
    copy = aligned.code(audio, RATE).audio
    assert aligned.delay_seconds == samples / RATE and len(copy) == len(audio)
    assert np.abs(copy - audio)[: len(audio) - 400].max() < 1e-6


def test_a_vocoder_s_delay_is_found_though_the_waveform_is_lost(pulses):
    def other_phase(audio):
        return audio * np.sign(np.random.default_rng(0).standard_normal(len(audio)))

    found = Aligned(Late(480, other_phase), [pulses(), pulses(140)], RATE).delay_seconds
    assert found == pytest.approx(480 / RATE, abs=0.003)
    # nothing to find, nothing broken
    assert delay_seconds([(pulses(), np.zeros(RATE))], RATE) < 0.3


def test_opus_counts_its_packets_and_keeps_its_rate(pulses):
    audio = pulses(seconds=3.0)
    low, high = open_baseline("opus", (8, 24))
    rates = [system.code(audio, RATE).bits / len(audio) * RATE / 1000 for system in (low, high)]
    assert rates[0] < 12 < rates[1] < 32
    assert Aligned(low, [audio], RATE).code(audio, RATE).audio.shape == audio.shape
    assert [system.name for system in open_baseline("opus", ())] == [
        "opus 6k",
        "opus 8k",
        "opus 12k",
    ]


def test_ogg_pages_and_headers_are_no_payload():
    def page(*packets):
        lacing = b"".join(bytes([255] * (len(p) // 255) + [len(p) % 255]) for p in packets)
        return b"OggS" + bytes(22) + bytes([len(lacing)]) + lacing + b"".join(packets)

    assert ogg_payload(page(b"x" * 19) + page(b"y" * 300) + page(b"z" * 10, b"w" * 255)) == 265


def test_a_missing_encoder_is_told(monkeypatch):
    monkeypatch.setattr(baselines.shutil, "which", lambda name: None)
    (absent,) = open_baseline("codec2", ())
    assert isinstance(absent, Absent) and "apt-get install ffmpeg" in absent.cure
    monkeypatch.setattr(baselines.shutil, "which", lambda name: "ffmpeg")
    monkeypatch.setattr(baselines, "_encoders", lambda: frozenset())
    assert "libcodec2" in open_baseline("codec2", ())[0].cure
    with pytest.raises(RequestError, match="0.7, 1.2"):
        open_baseline("codec2", (6.0,))


@pytest.mark.parametrize(
    "name", [name for name, of in BASELINES.items() if isinstance(of.way, baselines.Ffmpeg)]
)
def test_codecs_of_ffmpeg(pulses, name):
    system = open_baseline(name, ())[0]
    if isinstance(system, Absent):
        pytest.skip(system.cure)
    coded = system.code(pulses(), RATE)
    assert (
        coded.bits / 2.0 / 1000 == pytest.approx(system.bitrate, rel=0.1)
        and np.abs(coded.audio).max() > 0.01
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("python3 -c 'import sys; sys.exit(\"no such mode\")' {in} {out}", "no such mode"),
        ("no-such-program {in} {out}", "install no-such-program"),
        ("true {in} {out}", "wrote no"),
        ("sh -c 'sleep 5' {in} {out}", "took over 0.2 s"),
        ("cp {in} somewhere", "needs {in} and {out}"),
    ],
)
def test_a_command_s_faults_are_told(pulses, command, said):
    with pytest.raises(RequestError, match=said.replace("{", r"\{")):
        Command("mine", command, None, 0.2 if "sleep" in command else 20.0).code(pulses(), RATE)


def test_a_command_is_no_shell(pulses, tmp_path):
    Command("mine", f"cp {{in}} {{out}} ; touch {tmp_path}/shell", None, 20.0)
    with pytest.raises(RequestError):
        Command("mine", f"cp {{in}} {{out}} ; touch {tmp_path}/shell", None, 20.0).code(
            pulses(), RATE
        )
    assert not list(tmp_path.iterdir())


def test_names_that_mean_nothing_are_refused(tmp_path):
    for request, said in (
        (CodecRequest(("nothing",)), "no such folder"),
        (CodecRequest((), external=("cp {in} {out}",)), "NAME=program"),
    ):
        with pytest.raises(RequestError, match=said):
            open_systems(request)


def _tiny(kind):
    transformers = pytest.importorskip("transformers")
    if kind == "encodec":
        config = transformers.EncodecConfig(
            num_filters=4,
            hidden_size=8,
            codebook_size=16,
            codebook_dim=8,
            num_lstm_layers=1,
            upsampling_ratios=[8, 5, 4, 2],
            target_bandwidths=[0.3, 1.2],
        )
        return transformers.EncodecModel(config)
    if kind == "dac":
        config = transformers.DacConfig(
            encoder_hidden_size=4,
            decoder_hidden_size=32,
            n_codebooks=4,
            codebook_size=16,
            codebook_dim=4,
        )
        return transformers.DacModel(config)
    config = transformers.MimiConfig(
        num_filters=4,
        hidden_size=16,
        num_quantizers=4,
        codebook_size=16,
        codebook_dim=8,
        vector_quantization_hidden_dimension=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        intermediate_size=16,
        upsample_groups=16,
    )
    return transformers.MimiModel(config)


@pytest.mark.parametrize("kind", ["encodec", "dac", "mimi"])
def test_codecs_of_transformers_from_a_folder(pulses, tmp_path, kind):
    _tiny(kind).save_pretrained(tmp_path / kind)
    systems = open_systems(CodecRequest((str(tmp_path / kind),), num_codebooks=(1, 3)))
    assert [system.name for system in systems] == [f"{kind} k=1", f"{kind} k=3"]
    one, three = (system.code(pulses(), RATE) for system in systems)
    assert (
        isinstance(systems[0], Transformers)
        and len(one.codes) == 1
        and (three.codes[0] == one.codes[0]).all()
    )
    assert three.bits == pytest.approx(3 * one.bits) and abs(len(one.audio) - 2 * RATE) < RATE / 10
