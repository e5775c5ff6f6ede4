"""What is measured of an audio file."""

import numpy as np
import pytest
import soundfile

from affecttts.data.checking.measure import ClippedSamples, loudness, measure, silent_share
from codec.errors import AudioError

RATE = 24_000


def clipped_share(samples, block=1000):
    """However the samples come in blocks."""
    counts = []
    for size in (block, 7, 1, len(samples)):
        clipped = ClippedSamples()
        for start in range(0, len(samples), size):
            clipped.add(samples[start : start + size])
        counts.append(clipped.share)
    assert len(set(counts)) == 1
    return counts[0]


def sine(hertz=997.0, seconds=2.0, level=0.5, rate=RATE):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_loudness_of_the_standards_reference_tone(rate):
    """BS.1770: a full-scale 997 Hz sine in one channel reads -3.01 LUFS."""
    assert loudness(sine(level=1.0, rate=rate), rate) == pytest.approx(-3.01, abs=0.05)


def test_loudness_follows_the_level_and_weights_low_tones_less():
    assert loudness(sine(level=0.1), RATE) == pytest.approx(
        loudness(sine(level=1.0), RATE) - 20, abs=0.01
    )
    assert loudness(sine(40.0), RATE) < loudness(sine(997.0), RATE) - 3
    assert loudness(sine(seconds=0.1), RATE) == pytest.approx(loudness(sine(), RATE), abs=0.5)


def test_pauses_do_not_count_for_loudness():
    padded = np.concatenate([sine(), np.zeros(5 * RATE, np.float32)])
    assert loudness(padded, RATE) == pytest.approx(loudness(sine(), RATE), abs=0.5)


def test_silence_is_relative_to_the_loudest_frame():
    half = np.concatenate([sine(seconds=1), 1e-4 * sine(seconds=1)])
    assert silent_share(half, RATE) == pytest.approx(0.5, abs=0.02)
    assert silent_share(0.001 * half, RATE) == silent_share(half, RATE)
    assert silent_share(sine(seconds=0.005), RATE) == 0


def test_only_runs_at_full_scale_are_clipped():
    samples = np.zeros((1000, 1), np.float32)
    samples[10] = samples[20] = 1.0
    assert clipped_share(samples) == 0
    samples[100:104] = -1.0
    assert clipped_share(samples) == pytest.approx(0.004)


def test_facts_of_a_stereo_file(tmp_path):
    left, right = sine(level=0.5), sine(level=0.25)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    facts = measure(tmp_path / "a.wav")
    assert (facts.sample_rate, facts.channels, facts.seconds) == (RATE, 2, 2.0)
    assert facts.peak == pytest.approx(0.5, abs=1e-3) and facts.clipped == facts.silence == 0


def test_the_digest_is_of_the_samples_alone(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(), RATE)
    soundfile.write(tmp_path / "a.flac", *soundfile.read(tmp_path / "a.wav"))
    soundfile.write(tmp_path / "b.wav", sine(998.0), RATE)
    first, copy, other = (measure(tmp_path / name).digest for name in ("a.wav", "a.flac", "b.wav"))
    assert first == copy != other


def test_a_part_of_a_file(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.concatenate([sine(level=0.1), sine(level=0.8)]), RATE)
    soundfile.write(tmp_path / "part.wav", sine(level=0.8, seconds=1.0), RATE)
    part = measure(tmp_path / "long.wav", 2.0, 1.0)
    assert part.seconds == 1.0 and part.peak == pytest.approx(0.8, abs=1e-3)
    assert part.digest == measure(tmp_path / "part.wav").digest
    with pytest.raises(AudioError, match="ends at 4.00 s") as caught:
        measure(tmp_path / "long.wav", 3.5, 1.0)
    assert caught.value.kind == "too short"


FAULTS = {
    "missing": None,
    "too short": np.zeros(10),
    "silent": np.zeros(RATE),
    "not finite": np.full(RATE, np.nan),
}


@pytest.mark.parametrize("kind, samples", FAULTS.items(), ids=FAULTS)
def test_the_kind_of_a_fault(tmp_path, kind, samples):
    if samples is not None:
        soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError) as caught:
        measure(tmp_path / "a.wav")
    assert caught.value.kind == kind
