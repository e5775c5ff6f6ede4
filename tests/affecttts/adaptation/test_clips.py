"""Cutting recordings into clips: what is left out, and why."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from affecttts.adaptation import clips as cutting
from affecttts.adaptation.clips import Findings, SpeechClip, cut, level
from affecttts.adaptation.recordings import Recording
from codec.audio import load_audio
from tiny_models import DATA

RATE = 24_000
SPOKEN = load_audio(DATA / "clips" / "00058_heart_neutral.opus", RATE).samples
PAUSE = np.zeros(RATE, dtype=np.float32)


def loud_parts(audio, longest):
    """Stands in for silero-vad where only the logic around it is tested: everything between
    silences of 0.4 s.
    """
    loud = np.flatnonzero(np.abs(audio.samples) > 0.005)
    if len(loud) == 0:
        return []
    breaks = np.flatnonzero(np.diff(loud) > 0.4 * audio.sample_rate)
    firsts, ends = np.append(loud[0], loud[breaks + 1]), np.append(loud[breaks], loud[-1])
    return [(int(first), int(end) + 1) for first, end in zip(firsts, ends)]


@pytest.fixture
def fake_speech(monkeypatch):
    monkeypatch.setattr(cutting, "find_speech", loud_parts)


@pytest.fixture
def save(tmp_path):
    def write(name, samples, rate=RATE, **known):
        soundfile.write(tmp_path / name, samples, rate)
        return Recording(tmp_path / name, **known)

    return write


@pytest.mark.usefixtures("fake_speech")
def test_what_cannot_be_used_is_counted_by_reason(save, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    noise = np.random.default_rng(0).normal(size=len(SPOKEN) + 2 * RATE) * 0.02
    noisy = np.concatenate([PAUSE, SPOKEN, PAUSE]) + noise.astype(np.float32)
    recordings = [
        save("good.wav", SPOKEN),
        save("again.wav", SPOKEN),
        save("silent.wav", PAUSE),
        save("loud.wav", np.clip(SPOKEN * 40, -1, 1)),
        save("spanish.wav", SPOKEN[1:], language="es"),
        save("old.wav", SPOKEN[::6], 4000),
        Recording(tmp_path / "broken.wav"),
        Recording(tmp_path / "none.wav"),
        save("noisy.wav", noisy),
        save("blip.wav", np.concatenate([PAUSE, SPOKEN[9000:13000], PAUSE])),
    ]
    findings = Findings()
    clips = cut(recordings, RATE, findings)
    assert [clip.recording.path.name for clip in clips] == ["good.wav"]
    assert dict(findings.left_out) == {
        "a duplicate of another file": 1,
        "cannot be read as speech": 3,
        "clipped": 1,
        "marked as another language than en": 1,
        "sampled below 8000 Hz": 1,
        "noise less than 15 dB below the speech": 1,
        "shorter than 0.5 s": 1,
    }
    assert (
        findings.examples["clipped"] == "loud.wav"
        and "silent" in findings.examples["cannot be read as speech"]
    )
    assert findings.files == len(recordings) and findings.rates[RATE] > 3 and findings.dull == 1


@pytest.mark.usefixtures("fake_speech")
def test_long_recordings_are_cut_at_pauses_and_transcribed_ones_only_trimmed(save):
    samples = np.concatenate([PAUSE, SPOKEN, PAUSE, SPOKEN * 0.5, PAUSE])
    free, given = save("free.wav", samples), save("given.wav", samples * 0.9, text="It is all one.")
    findings = Findings()
    clips = cut([free, given], RATE, findings)
    assert [(clip.recording, clip.text) for clip in clips] == [
        (free, None),
        (free, None),
        (given, "It is all one."),
    ]
    assert len(clips[2].samples) > len(clips[0].samples) + len(clips[1].samples) + 0.9 * RATE
    assert not findings.left_out


@pytest.mark.usefixtures("fake_speech")
def test_a_transcript_too_long_to_align_is_not_used(save):
    samples = np.concatenate([part for _ in range(8) for part in (SPOKEN, PAUSE)])
    findings = Findings()
    clips = cut([save("book.wav", samples, text="A whole chapter.")], RATE, findings)
    assert len(clips) == 8 and {clip.text for clip in clips} == {None}
    assert findings.unused_transcripts == 1 and not findings.left_out


def test_one_gain_for_a_whole_voice():
    clips = [SpeechClip(Recording(DATA), SPOKEN * gain, None) for gain in (0.1, 0.2, 0.05)]
    levelled = level(clips)
    gains = {
        round(float(np.abs(b.samples).max() / np.abs(a.samples).max()), 3)
        for a, b in zip(clips, levelled)
    }
    assert len(gains) == 1
    assert 10 * np.log10((levelled[0].samples ** 2).mean()) == pytest.approx(
        cutting.USUAL_LEVEL_DB, abs=0.1
    )
    assert (
        max(
            np.abs(clip.samples).max()
            for clip in level(
                [SpeechClip(Recording(DATA), np.eye(1, 9000, dtype=np.float32)[0], None)]
            )
        )
        <= 0.991
    )


def test_speech_is_told_from_silence_noise_and_music(save):
    pytest.importorskip("faster_whisper")
    time = np.arange(4 * RATE) / RATE
    music = (
        sum(
            np.sin(2 * np.pi * f * time) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * time))
            for f in (262, 330, 392)
        )
        * 0.1
    )
    noise = np.random.default_rng(0).normal(size=4 * RATE) * 0.1
    findings = Findings()
    around = np.random.default_rng(0).normal(size=RATE).astype(np.float32) * 1e-4
    speech = np.concatenate([around, SPOKEN, around, SPOKEN, around])
    clips = cut(
        [save("music.wav", music), save("noise.wav", noise), save("speech.wav", speech)],
        RATE,
        findings,
    )
    assert dict(findings.left_out) == {"no speech (silence, noise or music)": 2}
    assert len(clips) == 2
    assert all(abs(len(clip.samples) - len(SPOKEN)) < 0.5 * RATE for clip in clips)
