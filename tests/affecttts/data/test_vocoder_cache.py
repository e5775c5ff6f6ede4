"""Vocoder parameters of recordings: they say the recording again."""

import numpy as np
import pytest
import torch

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import AudioCache, f0_world
from affecttts.data.vocoder_cache import VocoderCache, vocoder_parameters
from codec.audio import load_audio
from codec.config import CodecConfig
from codec.nn.features import magnitude, mel_filterbank
from codec.nn.vocoder import Vocoder, VocoderParameters
from tiny_models import DATA

RATE, HOP, COUNT = 24_000, 240, 60


def said_again(audio):
    f0 = f0_world(audio, RATE, HOP)
    values = torch.from_numpy(vocoder_parameters(audio, f0, RATE, HOP, COUNT))[None]
    vocoder = Vocoder(CodecConfig.preset("small_vocoder", decoder="parametric"))
    told = VocoderParameters(torch.from_numpy(f0)[None], values[..., :COUNT], values[..., COUNT:])
    return vocoder(told)[0]


def log_mel(audio):
    spectrum = magnitude(audio[None], 1024, HOP, torch.hann_window(1024))[0]
    return (mel_filterbank(1024, 60, RATE) @ spectrum).clamp_min(1e-5).log()


def test_a_recording_is_said_again(utterances):
    audio = load_audio(DATA / utterances[0].path, RATE).samples
    audio = audio[: len(audio) // HOP * HOP]
    copy = said_again(audio)
    ours, theirs = log_mel(copy), log_mel(torch.from_numpy(audio))
    loud = theirs.mean(0) > theirs.mean(0).max() - 4
    assert len(copy) == len(audio)
    assert np.corrcoef(ours[:, loud].flatten(), theirs[:, loud].flatten())[0, 1] > 0.95
    assert (ours - theirs)[:, loud].abs().mean() < 0.35


def test_a_louder_recording_differs_in_the_first_coefficient_alone(utterances):
    audio = load_audio(DATA / utterances[0].path, RATE).samples[: 100 * HOP]
    f0 = f0_world(audio, RATE, HOP)
    soft, loud = (
        vocoder_parameters(gain * audio, f0, RATE, HOP, COUNT)[f0 > 0] for gain in (0.4, 0.8)
    )
    np.testing.assert_allclose(np.median(loud - soft, axis=0)[0], np.log(2), atol=0.02)
    np.testing.assert_allclose(np.median(loud - soft, axis=0)[1:COUNT], 0, atol=0.02)


def test_silence_has_parameters_too():
    values = vocoder_parameters(np.zeros(10 * HOP, np.float32), np.zeros(10), RATE, HOP, COUNT)
    assert values.shape == (10, COUNT + 3) and np.isfinite(values).all() and values[:, 0].max() < -8


def test_every_clip_is_analysed_once(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    audio = AudioCache([DATA / "manifest.jsonl"], folder, RATE, HOP)
    first = VocoderCache(audio, folder, COUNT)
    monkeypatch.setattr(VocoderCache, "_build", lambda *args: pytest.fail("analysed again"))
    second = VocoderCache(audio, folder, COUNT)
    for clip in audio.clips:
        own = vocoder_parameters(audio.audio(clip), audio.f0(clip), RATE, HOP, COUNT)
        assert second.parameters(clip).shape == (clip.length // HOP, COUNT + 3)
        np.testing.assert_allclose(second.parameters(clip), own, rtol=2e-3, atol=2e-3)
        np.testing.assert_array_equal(first.parameters(clip), second.parameters(clip))
