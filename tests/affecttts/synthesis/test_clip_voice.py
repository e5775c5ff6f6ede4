"""A voice from a clip: near the clip's speaker, refused where it cannot or may not be."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.lm.voices import VoiceCodes
from affecttts.synthesis.clip_voice import clip_code, code_of
from affecttts.synthesis.model_folder import INFO_NAME, SPEAKER_ENCODER_NAME
from affecttts.synthesis.synthesizer import Synthesizer
from codec.audio import Audio, load_audio, save_wav
from codec.errors import CheckpointError
from tiny_models import DATA, random_speaker_encoder


@pytest.fixture(scope="module")
def clips(utterances, tmp_path_factory):
    """Clips of 4 s of two voices."""
    folder, paths = tmp_path_factory.mktemp("clips"), {}
    for name in ("heart", "fenrir"):
        rows = [u for u in utterances if u.speaker == name]
        sounds = [load_audio(DATA / u.path, 24_000).samples for u in rows]
        paths[name] = folder / f"{name}.wav"
        save_wav(paths[name], Audio(np.concatenate(sounds * 3)[: 4 * 24_000], 24_000))
    return paths


def test_a_clip_speaks_with_emotion(tiny_model_dir, clips):
    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    said = {
        (clip, emotion): synthesizer.synthesize(
            "Hello there.", voice_from=str(path), emotion=emotion, seed=3
        ).audio.tobytes()
        for clip, path in clips.items()
        for emotion in ("neutral", "sad")
    }
    assert len(set(said.values())) == 4


def test_a_clip_is_worth_its_code(tiny_model_dir, clips, tmp_path):
    """A named voice with the code of the clip says the same."""
    model = shutil.copytree(tiny_model_dir, tmp_path / "model")
    info = json.loads((model / INFO_NAME).read_text())
    info["voice_codes"]["heart"] = clip_code(random_speaker_encoder(), clips["fenrir"]).hex()
    (model / INFO_NAME).write_text(json.dumps(info))
    named = Synthesizer.from_pretrained(model).synthesize("Hello there.", voice="heart", seed=3)
    cloned = Synthesizer.from_pretrained(tiny_model_dir).synthesize(
        "Hello there.", voice_from=str(clips["fenrir"]), seed=3
    )
    assert np.array_equal(named.codes, cloned.codes)


def test_the_code_of_several_clips_is_of_their_mean(clips):
    encoder = random_speaker_encoder()
    sounds = [load_audio(path, 16_000) for path in clips.values()]
    codes = [np.frombuffer(code_of(encoder, [sound]), np.uint8).astype(int) for sound in sounds]
    both = np.frombuffer(code_of(encoder, sounds), np.uint8)
    assert (both >= np.minimum(*codes) - 1).all() and (both <= np.maximum(*codes) + 1).all()


def test_refusals(say, clips, wav_file, model_copy, tmp_path):
    out = ("-o", tmp_path / "out.wav")
    assert say("--voice-from", wav_file, *out).refused(2, "0.5 s", "3 to 30 s")
    assert say("--voice-from", tmp_path / "no.wav", *out).refused(1, "no.wav")
    both = say("--voice-from", clips["heart"], "--voice", "heart", *out)
    assert both.refused(2, "not both")
    assert say("--consent", clips["heart"], *out).refused(2, "without --voice-from")
    shutil.rmtree(model_copy / SPEAKER_ENCODER_NAME)
    bare = say("--voice-from", clips["heart"], *out, model=model_copy)
    assert bare.refused(1, "no speaker_encoder", "--speaker-encoder")


def test_a_model_may_require_consent(say, clips, model_copy, tmp_path):
    info = json.loads((model_copy / INFO_NAME).read_text()) | {"require_consent": True}
    (model_copy / INFO_NAME).write_text(json.dumps(info))
    speak = ("--voice-from", clips["heart"], "-o", tmp_path / "out.wav")
    assert say(*speak, model=model_copy).refused(2, "--consent FILE")
    paper = tmp_path / "consent.txt"
    paper.write_text(" \n")
    assert say(*speak, "--consent", paper, model=model_copy).refused(2, "empty")
    paper.write_text("Ann agreed on 1 May to tests.")
    assert say(*speak, "--consent", paper, model=model_copy).code == 0


def test_a_strange_speaker_encoder_is_refused(model_copy, clips):
    folder = model_copy / SPEAKER_ENCODER_NAME
    config = json.loads((folder / "config.json").read_text()) | {"hop_length": 240}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="package the one that encoded them"):
        Synthesizer.from_pretrained(model_copy).synthesize("Hi.", voice_from=str(clips["heart"]))


def test_codes_of_voices_survive_their_file(tmp_path):
    codes = VoiceCodes("f" * 16, {"a b": (bytes(16), bytes(range(16))), "c": (b"\x0f" * 16,)})
    codes.save(tmp_path / "voices.json")
    assert VoiceCodes.load(tmp_path / "voices.json") == codes
    assert codes.only(["a b"]).codes == {"a b": (bytes(16),)}
    with pytest.raises(RequestError, match="encode_voices"):
        codes["d"]
    for broken in ('{"voices": {}}', '{"voices": {"a": ""}, "speaker_encoder": ""}', "[]"):
        (tmp_path / "voices.json").write_text(broken)
        with pytest.raises(CheckpointError):
            VoiceCodes.load(tmp_path / "voices.json")


def test_nothing_spoken_is_a_cap_and_no_fault(tiny_model_dir, monkeypatch):
    """The first duration may be beyond the budget: no frame, no sound, and the reason is told."""
    from affecttts.lm import generate

    monkeypatch.setattr(generate._Sampler, "_fits", lambda *_: False)
    result = Synthesizer.from_pretrained(tiny_model_dir).synthesize("Hi.", seed=1)
    assert result.finish_reason == "cap" and len(result.audio) == 0
