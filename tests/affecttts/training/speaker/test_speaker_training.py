"""The speaker encoder: trained, resumed, measured; and thousands of speakers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")

from affecttts.cli.script import run_script
from affecttts.errors import RequestError
from affecttts.lm.voices import VoiceCodes
from affecttts.training.config import load_config
from affecttts.training.speaker.config import SpeakerTrainingConfig
from affecttts.training.speaker.crops import Clips, SpeakerCrops
from affecttts.training.speaker.disturbances import coloured_noise, filtered, in_room, mixed
from affecttts.training.speaker.separation import equal_error_rate, level_distance, separation
from affecttts.training.speaker.trainer import SpeakerTrainer
from codec.files import fingerprint
from codec.speaker import SpeakerEncoder, SpeakerEncoderConfig
from tiny_models import DATA, REPOSITORY, load_recipe, random_speaker_encoder

MANIFEST = str(DATA / "manifest.jsonl")
TINY = REPOSITORY / "recipes" / "configs" / "tiny" / "speaker_encoder.yaml"


def config(*changes):
    return load_config(SpeakerTrainingConfig, TINY, list(changes))


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")


def test_an_interrupted_run_ends_in_the_same_encoder(on_cpu, tmp_path):
    whole = SpeakerTrainer(config(), [MANIFEST], tmp_path / "whole")
    whole.run()
    first = SpeakerTrainer(config(), [MANIFEST], tmp_path / "parts")
    for _ in range(4):
        first.train_step()
        first.step += 1
        if first.step == 3:
            first.save()
    second = SpeakerTrainer(config(), [MANIFEST], tmp_path / "parts")
    torch.rand(11)
    second.resume()
    assert second.step == 3
    second.run()
    folders = [tmp_path / name / "speaker_encoder" for name in ("whole", "parts")]
    one, other = (SpeakerEncoder.from_pretrained(folder).state_dict() for folder in folders)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_crops_are_a_function_of_the_step_and_every_speed_is_a_speaker():
    crops = SpeakerCrops(Clips([MANIFEST], 16_000, hours=1), config())
    assert len(crops.speakers) == 3 * len(crops.clips.by_speaker)
    (audio, speakers), (again, _) = crops.batch(3), crops.batch(3)
    assert torch.equal(audio, again) and audio.shape == (4, 1, 12_800)
    assert len(set(speakers.tolist())) == 4 and not torch.equal(audio, crops.batch(4)[0])


def test_held_out_speakers_are_not_trained_on():
    clips = Clips([MANIFEST], 16_000, hours=0)
    name = next(iter(clips.by_speaker))
    with pytest.raises(RequestError, match="at least 2"):
        SpeakerCrops(clips, config(f"held_out=[{','.join(clips.by_speaker)}]"))
    if len(clips.by_speaker) > 2:
        crops = SpeakerCrops(clips, config(f"held_out=[{name}]"))
        assert name not in {speaker for speaker, _ in crops.speakers}


def test_disturbances_keep_length_and_level():
    generator = np.random.default_rng(0)
    audio = generator.standard_normal(8000).astype(np.float32) * 0.1
    noise = coloured_noise(8000, generator)
    assert np.square(noise).mean() == pytest.approx(1, rel=1e-3)
    for changed in (
        in_room(audio, 16_000, generator),
        filtered(audio, 16_000, generator),
        mixed(audio, noise, generator, 10),
    ):
        assert changed.shape == audio.shape and changed.dtype == np.float32
        assert not np.array_equal(changed, audio) and np.isfinite(changed).all()
    loud = mixed(audio, noise, generator, 20) - audio
    assert np.square(loud).mean() <= np.square(audio).mean() * 10**-1.99


def test_codes_round_to_the_nearest_level_and_back():
    encoder = random_speaker_encoder()
    vectors = torch.randn(200, 16, generator=torch.Generator().manual_seed(1)) * 0.3
    codes = encoder.encode(vectors)
    assert codes.min() == 0 and codes.max() == 15
    inside = ((codes > 0) & (codes < 15)).all(dim=1)
    error = (encoder.decode(codes) - vectors)[inside]
    half_step = 4.8 / 15 / 2 * encoder.spread
    assert inside.sum() > 20
    assert ((error @ encoder.axes.T).abs() <= half_step + 1e-5).all()
    assert torch.equal(encoder.encode(encoder.decode(codes)), codes)


def test_axes_are_those_along_which_speakers_differ_most():
    encoder = SpeakerEncoder(SpeakerEncoderConfig(embedding_dim=8, code_length=3))
    speakers = torch.randn(50, 8) * torch.tensor([0.1, 3, 0.1, 2, 0.1, 1, 0.1, 0.1])
    encoder.set_axes(speakers)
    assert encoder.axes.abs().argmax(dim=1).tolist() == [1, 3, 5]
    few = SpeakerEncoder(SpeakerEncoderConfig(embedding_dim=8, code_length=4))
    few.set_axes(speakers[:2])  # fewer speakers than axes
    assert torch.isfinite(few.decode(few.encode(speakers))).all()


def test_error_rate_by_hand():
    same, other = np.array([0.9, 0.8, 0.3]), np.array([0.1, 0.2, 0.4])
    assert equal_error_rate(same, other) == pytest.approx(1 / 3)
    assert equal_error_rate(same, other - 1) == 0
    found = separation(np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]), ["a", "a", "b", "b"])
    assert found.equal_error_rate == 0 and found.same > 0.99 > found.other
    assert level_distance(np.array([[1, 1], [1, 3], [9, 9]]), ["a", "a", "b"]) == (1, 7.5)


def test_recipes_make_and_measure_the_voices_of_a_corpus(monkeypatch, capsys, tmp_path):
    folder = tmp_path / "speaker_encoder"
    random_speaker_encoder().save_pretrained(folder)
    base = ["--manifest", MANIFEST, "--speaker-encoder", str(folder)]
    monkeypatch.setattr(sys, "argv", ["encode_voices", *base, "--output", str(tmp_path / "t")])
    assert run_script(load_recipe("encode_voices").main) == 0
    codes = VoiceCodes.load(tmp_path / "t" / "voices.json")
    assert codes.speaker_encoder == fingerprint(folder)
    assert set(codes.codes) == set(Clips([MANIFEST], 16_000, 0).by_speaker)
    assert all(len(each) > 1 and len(each[0]) == 16 for each in codes.codes.values())
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["measure_speaker_encoder", *base, "--seconds", "0.5"])
    assert run_script(load_recipe("experiments/measure_speaker_encoder").main) == 0
    assert '"equal_error_rate"' in capsys.readouterr().out
