"""TeacherTargets on disk, and crops with what the teachers say of them."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import AudioCache, build_cache
from affecttts.errors import RequestError
from affecttts.teachers.cache import TeacherCache
from affecttts.teachers.protocol import Teacher, TeacherAnswer
from affecttts.teachers.registry import make_teacher
from affecttts.teachers.targets import TeacherTargets, collate
from affecttts.training.codec.crops import CropConfig, CropSampler
from codec import CodecConfig
from codec.errors import CheckpointError
from tiny_models import DATA

CODEC = CodecConfig.preset("tiny")
MANIFEST = DATA / "manifest.jsonl"


@dataclass
class Counting(Teacher):
    """A teacher that says the time, and how often it was asked."""

    id: str = "clock 1"
    rate: float | None = 10.0
    asked: int = 0
    silent: tuple = ()

    def teach(self, clip):
        self.asked += 1
        if clip.utterance.id in self.silent:
            return None
        count = max(1, round(10 * clip.seconds))
        times = np.arange(count, dtype=np.float32)[:, None] / 10
        return TeacherAnswer(times, None if self.rate else (np.arange(count) + 1) / 10)


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio") / "cache"
    build_cache([MANIFEST], folder, CODEC.sample_rate, CODEC.hop_length)
    return AudioCache([MANIFEST], folder, CODEC.sample_rate, CODEC.hop_length)


@pytest.fixture(scope="module")
def targets(audio, tmp_path_factory):
    """The default teachers."""
    teachers = (make_teacher(name, CODEC) for name in ("prosody", "phonology", "phonology"))
    return TeacherTargets(*teachers, audio, tmp_path_factory.mktemp("teachers"))


@pytest.mark.parametrize("rate", [10.0, None])
def test_every_clip_is_asked_about_once(audio, tmp_path, rate):
    silent = (audio.clips[3].utterance.id,)
    teacher = Counting(rate=rate, silent=silent)
    for _ in range(2):
        cache = TeacherCache(teacher, audio, tmp_path)
        assert teacher.asked == len(audio.clips) and cache.dim == 1
    assert cache.answer(3) is None
    answer, seconds = cache.answer(5), audio.clips[5].length / 24_000
    np.testing.assert_allclose(answer.vectors[:, 0], np.arange(round(10 * seconds)) / 10, atol=2e-3)
    assert (answer.ends is None) == (rate is not None)
    assert [path.name for path in tmp_path.iterdir()] == ["clock-1"]


def change(field, value):
    def damage(folder):
        index = json.loads((folder / "index.json").read_text())
        index[field] = value(index[field])
        (folder / "index.json").write_text(json.dumps(index))

    return damage


def truncate(folder):
    data = (folder / "vectors.f16").read_bytes()
    (folder / "vectors.f16").write_bytes(data[:-2])


DAMAGE = {
    "another teacher": (change("teacher", lambda _: "clock 2"), "teacher"),
    "another rate": (change("rate", lambda _: 11.0), "rate"),
    "another width": (change("dim", lambda _: 2), "bytes"),
    "fewer clips": (change("clips", lambda rows: rows[:-1]), "clips"),
    "other audio": (change("clips", lambda rows: [rows[0] | {"sha256": "0"}, *rows[1:]]), "clips"),
    "truncated": (truncate, "bytes"),
    "no vectors": (lambda folder: (folder / "vectors.f16").unlink(), "bytes"),
}


@pytest.mark.parametrize("damage, said", DAMAGE.values(), ids=DAMAGE)
def test_what_does_not_fit_is_refused(audio, tmp_path, damage, said):
    TeacherCache(Counting(), audio, tmp_path)
    damage(tmp_path / "clock-1")
    with pytest.raises(CheckpointError, match=said) as caught:
        TeacherCache(Counting(), audio, tmp_path)
    assert "remove" in str(caught.value)


def test_a_teacher_with_nothing_to_say_is_refused_and_leaves_nothing(audio, tmp_path):
    mute = Counting(silent=tuple(clip.utterance.id for clip in audio.clips))
    with pytest.raises(CheckpointError, match="nothing to learn"):
        TeacherCache(mute, audio, tmp_path)
    assert not list(tmp_path.iterdir())


def sampler(audio, targets=None, **changes):
    values = {
        "batch_size": 6,
        "seconds": 0.4,
        "gain_jitter_db": 6.0,
        "speaker_weights": {},
        "seed": 0,
    }
    return CropSampler(audio, CropConfig(**(values | changes)), CODEC, targets=targets)


def test_a_batch_is_a_pure_function_of_the_step(audio, targets):
    first, second = sampler(audio, targets), sampler(audio, targets)
    for step in (7, 0):  # in any order
        second.batch(3)
        torch.rand(5)
        a, b = first.batch(step), second.batch(step)
        assert a.ids == b.ids and torch.equal(a.audio, b.audio) and torch.equal(a.f0, b.f0)
        assert torch.equal(a.targets.teacher_features.emotion, b.targets.teacher_features.emotion)
        assert torch.equal(a.targets.tokens, b.targets.tokens)
    assert not torch.equal(first.batch(0).audio, first.batch(1).audio)
    assert not torch.equal(first.batch(0).audio, sampler(audio, seed=1).batch(0).audio)


def test_shapes_of_a_batch(audio, targets):
    batch = sampler(audio, targets, reach=2).batch(0)
    assert batch.audio.shape == (6, 1, 9600) and batch.f0.shape == (6, 40) and len(batch.ids) == 6
    teacher_features = batch.targets.teacher_features
    assert teacher_features.emotion.shape == (6, 10, 12) and teacher_features.semantic.shape == (
        6,
        10,
        28,
    )
    assert batch.targets.tokens.shape == (6, 10, 5, 28)
    assert teacher_features.semantic_known.any() and sampler(audio).batch(0).targets is None


def test_crops_come_from_the_training_split(audio):
    held_out = {clip.utterance.id for clip in audio.clips if clip.utterance.split != "train"}
    drawn = {name for step in range(10) for name in sampler(audio).batch(step).ids}
    assert held_out and drawn and not drawn & held_out


def test_a_speaker_of_weight_zero_is_never_drawn(audio):
    chosen = sampler(audio, speaker_weights={"fenrir": 0.0})
    speakers = {clip.utterance.id: clip.utterance.speaker for clip in audio.clips}
    assert {speakers[name] for step in range(10) for name in chosen.batch(step).ids} == {"heart"}
    with pytest.raises(RequestError, match="speaker_weights"):
        sampler(audio, speaker_weights={"fenrir": 0.0, "heart": 0.0})


def test_a_crop_longer_than_the_clip_is_padded_and_unknown(audio, targets):
    batch = sampler(audio, targets, seconds=20.0, batch_size=1).batch(0)
    known = batch.targets.teacher_features.emotion_known[0]
    silent = batch.audio[0, 0].unflatten(0, (-1, CODEC.samples_per_frame)).abs().amax(1) == 0
    assert known.any() and not known.all()
    assert silent[~known][1:].all()  # the first one may hold a little of the end
    assert (batch.targets.teacher_features.emotion[0][~known] == 0).all()
    assert (batch.targets.tokens[0][~known] == 0).all()
    assert not batch.targets.sounding[0][~known].any()
    assert batch.mask.shape == (1, 500) and silent[~batch.mask[0]].all()
    # a frame that the recording ends in counts as audio
    assert batch.mask[0].sum() - known.sum() in (0, 1)
    assert sampler(audio).batch(0).mask.all()


def test_frames_sound_or_not_as_in_the_whole_recording(audio, targets):
    """The clips end in silence; a gain changes nothing, and a crop of silence alone does not
    sound.
    """
    whole = targets.stretch(4, 0.0, 40, CODEC, 1)["sounding"]
    assert 0.3 < whole.mean() < 1.0
    clip = audio.clips[4]
    seconds = clip.length / audio.sample_rate
    tail = targets.stretch(4, seconds - 0.08, 2, CODEC, 1)["sounding"]
    levels = np.square(audio.audio(clip)[-1920:].reshape(2, -1)).mean(1)
    assert not tail.any() and (levels > 0).any()


def test_crops_are_never_clipped(audio):
    assert sampler(audio, gain_jitter_db=60.0).batch(0).audio.abs().max() <= 0.99 + 1e-6


def test_a_teacher_that_hears_levels_is_told_of_the_gain(audio, tmp_path):
    """Crops whose gains differ and nothing else; their targets differ by the gains."""
    plain, affective = (make_teacher(name, CODEC) for name in ("prosody", "affective_prosody"))
    told = TeacherTargets(affective, plain, make_teacher("phonology", CODEC), audio, tmp_path)
    batches = [
        sampler(audio, told, gain_jitter_db=jitter, seconds=1.0).batch(0) for jitter in (0.0, 6.0)
    ]
    moved = (2 * (batches[1].audio.abs().amax(2) / batches[0].audio.abs().amax(2)).log10()).numpy()
    assert np.abs(moved).max() > 0.1
    still, louder = (batch.targets.teacher_features for batch in batches)
    apart = ((louder.emotion - still.emotion) * still.emotion_known[..., None]).numpy()
    np.testing.assert_allclose(
        apart,
        moved[..., None] * affective.per_gain * still.emotion_known.numpy()[..., None],
        atol=1e-5,
    )
    assert torch.equal(still.semantic, louder.semantic)


def test_targets_of_a_crop_are_those_of_its_place(audio, targets):
    whole = targets.stretch(4, 0.0, 20, CODEC, 1)
    part = targets.stretch(4, 5 / CODEC.frame_rate, 10, CODEC, 1)
    for name in whole:
        np.testing.assert_allclose(part[name], whole[name][5:15], atol=1e-3)
    assert collate([part, part]).teacher_features.emotion.shape == (2, 10, 12)


def test_a_frame_teacher_is_no_text_teacher(audio, tmp_path):
    prosody, phonology = (make_teacher(name, CODEC) for name in ("prosody", "phonology"))
    with pytest.raises(RequestError, match="phonology, minilm"):
        TeacherTargets(prosody, phonology, prosody, audio, tmp_path)


STRANGERS = [
    ("oracle", "clap"),
    ("prosody:big", "takes no model"),
    ("wav2vec2_bert:x", "RECOGNISER"),
]


@pytest.mark.parametrize("name, said", STRANGERS)
def test_unknown_teachers_are_refused(name, said):
    with pytest.raises(RequestError, match=said):
        make_teacher(name, CODEC)
