"""Prosody read off tokens, the shifts of emotions, and labels by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from affecttts.adaptation.prosody import (
    MEASURES,
    ProsodyReference,
    fit_reference,
    label_clips,
    measure,
    spoken_phones,
)
from affecttts.adaptation.replay import BaseData
from affecttts.data.manifest import Utterance
from codec.nn.decoder import DecoderOutput

pytestmark = pytest.mark.slow

REFERENCE = ProsodyReference(
    ("happy", "sad"),
    np.array([[4.0, 3, 15, 2, 4], [-3.0, -4, -30, -5, -7]]),
    np.ones((2, 5)),
    np.array([1.0, 2, 10, 2, 2]),
)


class StubCodec:
    """Its 'codes' are what it says: semitones re 100 Hz, half the loudness exponent, voicing."""

    def __init__(self, codec):
        self.config, self.quantizer = codec.config, self

    def lookup(self, codes):
        return codes

    def decode_latents(self, codes):
        stride = self.config.frame_stride
        semitones, loudness, voicing = (row.repeat_interleave(stride).float() for row in codes[0])
        log_f0 = np.log(100.0) + semitones * np.log(2) / 12
        phase = torch.cumsum(
            log_f0.exp().repeat_interleave(self.config.hop_length) / self.config.sample_rate, 0
        )
        wave = torch.sin(2 * torch.pi * phase) * 10 ** (
            loudness.repeat_interleave(self.config.hop_length) / 10 - 2
        )
        return DecoderOutput(lambda: wave[None, None], log_f0[None], (voicing - 0.5)[None])


@pytest.fixture
def stub(tiny_codec):
    return StubCodec(tiny_codec)


def codes(semitones=12, frames=50, loudness=10, voiced=1):
    return np.stack(
        [np.full(frames, semitones), np.full(frames, loudness), np.full(frames, voiced)]
    )


def test_pitch_rate_and_level_are_what_they_are(stub):
    base = measure(stub, codes(), "həlˈO")
    semitones = 12 * np.log2(200)
    assert base[0] == pytest.approx(semitones, abs=0.01) and base[1] == pytest.approx(0, abs=0.01)
    assert base[2] == pytest.approx(100 * np.log(4 / 2), abs=4)
    higher, longer, louder = (
        measure(stub, codes(17), "həlˈO"),
        measure(stub, codes(frames=100), "həlˈO"),
        measure(stub, codes(loudness=12), "həlˈO"),
    )
    assert higher[0] - base[0] == pytest.approx(5, abs=0.01)
    assert longer[2] - base[2] == pytest.approx(100 * np.log(0.5), abs=3)
    assert louder[3] - base[3] == pytest.approx(4, abs=0.1)


def test_range_of_a_moving_pitch(stub):
    moving = codes()
    moving[0] = np.linspace(0, 20, 50).round()
    assert measure(stub, moving, "həlˈO")[1] == pytest.approx(18, abs=1)


def test_silence_at_the_ends_is_no_speech(stub):
    quiet = codes()
    quiet[1, :25] = 0
    quiet[1, 25:] = 30
    assert measure(stub, quiet, "həlˈO")[2] - measure(stub, codes(), "həlˈO")[2] == pytest.approx(
        100 * np.log(2), abs=5
    )


def test_nothing_voiced_or_nothing_at_all_is_no_number(stub):
    assert np.isnan(measure(stub, codes(voiced=0), "s")[[0, 1, 4]]).all()
    assert np.isnan(measure(stub, codes(frames=0), "s")).all()


def test_phones_that_sound():
    assert spoken_phones("həlˈO, wˈɜld.") == 8 and spoken_phones("...") == 1


def test_labels_by_the_nearest_shift():
    assert REFERENCE.label(np.array([4.2, 3, 14, 2, 4])) == "happy"
    assert REFERENCE.label(np.array([-3, -4, -28, -4, -6])) == "sad"
    assert REFERENCE.label(np.array([0.3, 0.5, -4, 0, 0])) == "neutral"
    assert REFERENCE.label(np.array([2.0, 1.5, 7.5, 1, 2])) == "neutral", (
        "half way is not sure enough"
    )
    assert REFERENCE.label(np.full(5, np.nan)) == "neutral"


def test_a_voice_is_its_own_reference():
    usual, generator = np.array([40.0, 9, 260, -20, -10]), np.random.default_rng(0)
    calm = [usual + generator.normal(size=5) * 0.2 for _ in range(9)]
    labels = label_clips(REFERENCE, [*calm, usual + REFERENCE.means[0], usual + REFERENCE.means[1]])
    assert labels == ["neutral"] * 9 + ["happy", "sad"]


def test_the_reference_is_measured_on_base_data(stub):
    rows, store = [], {}
    for speaker, register in (("a", 0), ("b", 12)):
        for emotion, shift in (("neutral", 0), ("happy", 4), ("sad", -3)):
            for index in range(4):
                name = f"{speaker}{emotion}{index}"
                rows.append(
                    Utterance(name, "x", speaker, 2.0, "train", ipa="həlˈO", emotion=emotion)
                )
                store[name] = codes(register + 12 + shift + index % 2, 50 + index)
    # a voice without neutral clips does not count
    rows.append(replace(rows[0], id="stray", speaker="c", emotion="happy"))
    reference = fit_reference(BaseData(None, tuple(rows), store), stub)
    pitch = list(MEASURES).index("f0")
    assert reference.emotions == ("happy", "sad")
    assert reference.means[:, pitch] == pytest.approx([4, -3], abs=0.01)
    assert (
        reference.clear[:, pitch].all()
        and not reference.clear[:, list(MEASURES).index("rate")].any()
    )
    assert reference.usual[pitch] == pytest.approx(0.5, abs=0.01)
