"""Decoded audio and F0 of a manifest."""

import json

import numpy as np
import pytest
import soundfile

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import AudioCache, f0_world
from codec.audio import load_audio

RATE, HOP = 24_000, 240


def sound(hertz, seconds=0.5):
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.1 * sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 10))).astype(
        np.float32
    )


@pytest.fixture
def manifest(tmp_path):
    return make_manifest(tmp_path / "first", {"low": 120.0, "high": 240.0})


def make_manifest(folder, pitches):
    folder.mkdir()
    rows = []
    for name, hertz in pitches.items():
        soundfile.write(folder / f"{name}.wav", sound(hertz, 0.503), RATE)
        rows.append(
            {"id": name, "path": f"{name}.wav", "speaker": "s", "seconds": 0.503, "split": "train"}
        )
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "manifest.jsonl"


def test_audio_and_pitch_of_every_clip(manifest, tmp_path):
    cache = AudioCache([manifest], tmp_path / "cache", RATE, HOP)
    assert [clip.utterance.id for clip in cache.clips] == ["low", "high"]
    for clip, hertz in zip(cache.clips, (120.0, 240.0)):
        audio, f0 = cache.audio(clip), cache.f0(clip)
        assert len(audio) == 12_000 and len(f0) == 50  # cut to whole hops
        np.testing.assert_allclose(
            audio,
            load_audio(manifest.parent / clip.utterance.path, RATE).samples[:12_000],
            atol=1e-4,
        )
        assert np.median(f0[f0 > 0]) == pytest.approx(hertz, rel=0.01) and (f0 > 0).mean() > 0.7


def test_a_second_look_decodes_nothing(manifest, tmp_path, monkeypatch):
    AudioCache([manifest], tmp_path / "cache", RATE, HOP)
    monkeypatch.setattr(
        "affecttts.data.audio_cache.build_cache", lambda *args: pytest.fail("built again")
    )
    AudioCache([manifest], tmp_path / "cache", RATE, HOP)


def test_the_cache_of_another_rate_is_refused(manifest, tmp_path):
    AudioCache([manifest], tmp_path / "cache", RATE, HOP)
    with pytest.raises(ValueError, match="remove the folder"):
        AudioCache([manifest], tmp_path / "cache", 16_000, HOP)


def test_the_cache_of_another_manifest_is_refused(manifest, tmp_path):
    """Also where it has as many clips: their audio would go under the wrong names."""
    AudioCache([manifest], tmp_path / "cache", RATE, HOP)
    other = make_manifest(tmp_path / "second", {"third": 150.0, "fourth": 300.0})
    with pytest.raises(ValueError, match="remove the folder"):
        AudioCache([other], tmp_path / "cache", RATE, HOP)


def test_noise_has_no_pitch():
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert (f0_world(noise, RATE, HOP) > 0).mean() < 0.3


def test_a_cache_by_another_tracker_is_refused(manifest, tmp_path):
    folder = tmp_path / "cache"
    AudioCache([manifest], folder, RATE, HOP)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"tracker": "dio"}))
    with pytest.raises(ValueError, match="harvest; remove the folder"):
        AudioCache([manifest], folder, RATE, HOP)
