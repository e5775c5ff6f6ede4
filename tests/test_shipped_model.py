"""The shipped model does what the README says: speaks, in four voices, with emotions that can be
measured.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from affecttts import Synthesizer
from affecttts.adaptation.prepare import MARGIN
from affecttts.data.alignment.likelihoods import load_phone_classifier, phone_likelihoods
from affecttts.data.alignment.units import ENGLISH
from affecttts.data.alignment.viterbi import Aligner
from affecttts.data.manifest import read_manifest
from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import frame_counts
from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME, SHIPPED
from codec import Codec
from codec.audio import load_audio
from codec.files import read_json
from tiny_models import DATA

pytestmark = pytest.mark.shipped

TEXT = "The train will leave the station in a few minutes."
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.from_pretrained()


def mean_f0(samples: np.ndarray, sample_rate: int) -> float:
    """Median F0 in Hz by autocorrelation over loud frames."""
    size, hop = round(0.04 * sample_rate), round(0.02 * sample_rate)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    frames = frames[(frames**2).mean(axis=1) > 0.1 * (frames**2).mean()]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(size)
    spectra = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    correlation = np.fft.irfft(spectra)[:, :size]
    low, high = round(sample_rate / 500), round(sample_rate / 60)
    lags = correlation[:, low:high].argmax(axis=1) + low
    clear = correlation[np.arange(len(lags)), lags] > 0.4 * correlation[:, 0]
    return float(np.median(sample_rate / lags[clear]))


def pitch(synthesizer: Synthesizer, **request) -> float:
    """Mean over seeds of the median F0, Hz."""
    results = [synthesizer.synthesize(TEXT, seed=seed, **request) for seed in SEEDS]
    return float(np.mean([mean_f0(r.audio, r.sample_rate) for r in results]))


def seconds(synthesizer: Synthesizer, **request) -> float:
    return float(
        np.mean([synthesizer.synthesize(TEXT, seed=seed, **request).seconds for seed in SEEDS])
    )


def test_says_all_and_ends(synthesizer):
    result = synthesizer.synthesize(TEXT, emotion="happy", seed=1)
    assert result.finish_reason == "end"
    assert result.end_probability > 0.5
    assert 1.5 < result.seconds < 6
    assert 0.01 < np.sqrt((result.audio**2).mean()) < 0.5


def test_same_seed_same_samples(synthesizer):
    one, two, other = (synthesizer.synthesize(TEXT, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.audio, two.audio)
    assert not np.array_equal(one.codes, other.codes)


@pytest.mark.parametrize("voice", ["heart", "michael"])
def test_emotions_move_the_pitch_as_in_the_corpus(synthesizer, voice):
    neutral = pitch(synthesizer, voice=voice)
    for emotion in ("happy", "fearful", "surprised"):
        assert pitch(synthesizer, voice=voice, emotion=emotion) > neutral * 1.05, emotion
    for emotion in ("sad", "disgusted"):
        assert pitch(synthesizer, voice=voice, emotion=emotion) < neutral * 0.95, emotion


def test_sad_is_slower_than_fearful(synthesizer):
    assert seconds(synthesizer, emotion="sad") > 1.2 * seconds(synthesizer, emotion="fearful")


def test_intensity_scales(synthesizer):
    weak, usual, strong = (
        pitch(synthesizer, emotion="happy", intensity=i) for i in (0.5, 1.0, 1.5)
    )
    assert weak < usual < strong


def test_women_speak_higher_than_men(synthesizer):
    assert min(pitch(synthesizer, voice=v) for v in ("heart", "bella")) > max(
        pitch(synthesizer, voice=v) for v in ("fenrir", "michael")
    )


def test_free_text_moves_the_voice(synthesizer):
    neutral = pitch(synthesizer)
    assert pitch(synthesizer, prompt="like somebody who has just won the lottery") > neutral * 1.05
    assert pitch(synthesizer, prompt="as if all hope were gone after the funeral") < neutral * 0.95


def test_model_folder_is_complete_and_small():
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size < 80e6
    assert not [p for p in SHIPPED.rglob("*") if p.suffix in {".pt", ".bin", ".pkl", ".ckpt"}]
    card = (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    for heading in ("Data", "Licence", "Training", "Limits"):
        assert heading in card
    assert read_json(Path(SHIPPED) / "model.json")["voices"] == [
        "heart",
        "bella",
        "fenrir",
        "michael",
    ]


def test_more_codebooks_bring_copies_nearer():
    """Levels in bands, weighted dB away from the recording's: four books of detail take off a
    quarter, all 24 half.
    """
    codec = Codec.from_pretrained(SHIPPED / "codec")
    away = []
    for path in sorted((DATA / "clips").iterdir())[:6]:
        samples = torch.from_numpy(load_audio(path, codec.config.sample_rate).samples)
        samples = samples[
            : len(samples) // codec.config.samples_per_frame * codec.config.samples_per_frame
        ][None, None]
        codes = codec.encode(samples).codes
        copies = [codec.decode(codes[:, :count]) for count in (1, 4, 8, 28)]
        away.append(
            [float(codec.detail.missing(samples, copy).square().mean().sqrt()) for copy in copies]
        )
    first, base, half, whole = np.mean(away, axis=0)
    assert first > base > 1.33 * half and base > 2 * whole and base < 4


def test_its_phone_classifier_finds_the_phones_of_recordings():
    """Borders are the manifest's but for what its clock is off in a clip, and right words are told
    from another clip's.
    """
    # all durations alike: what is heard decides
    aligner = Aligner.fit(ENGLISH, [], MAX_DURATION, 25.0)
    clips = [u for u in read_manifest(DATA / "manifest.jsonl") if u.durations]
    phone_classifier, heard = load_phone_classifier(SHIPPED / PHONE_CLASSIFIER_NAME, ENGLISH), []
    for clip in clips:
        audio = load_audio(DATA / clip.path, 24_000).samples
        heard.append(
            phone_likelihoods(phone_classifier, ENGLISH, audio, 24_000, -(-len(audio) // 960), 25.0)
        )
    errors, classes = [], [ENGLISH.classes(clip.ipa) for clip in clips]
    for clip, part, phones in zip(clips, heard, classes):
        expected = frame_counts(clip.ipa, clip.durations, clip.offset, len(part), 25.0)
        off = (np.cumsum(aligner.align(part, phones).counts) - np.cumsum(expected))[:-1]
        errors += np.abs(off - np.median(off)).tolist()
    assert np.mean(errors) < 0.8 and np.mean(np.array(errors) <= 1) > 0.8
    right = [aligner.align(part, phones).margin for part, phones in zip(heard, classes)]
    # Two clips of one sentence follow each other.
    wrong = [aligner.align(part, classes[index - 2]).margin for index, part in enumerate(heard)]
    assert min(right) > MARGIN and np.median(wrong) < MARGIN
