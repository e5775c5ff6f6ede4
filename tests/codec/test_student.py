"""The student and the modes of encoding."""

import pytest
import torch

from codec import Codec
from codec.modulation import TeacherFeatures
from codec.student import code_agreement, prediction_loss
from tiny_models import random_codec

FRAMES = 13


def modulated(seed=0, **changes):
    """A tiny codec whose modulation matters."""
    shape = {
        "modulation": "xattn_pre",
        "modulation_dim": 32,
        "modulation_window": 6,
        "student_dim": 32,
    }
    codec = random_codec(seed, **(shape | changes))
    if codec.modulator is not None:
        with torch.no_grad():
            codec.modulator.output.weight.normal_(
                std=3.0, generator=torch.Generator().manual_seed(7)
            )
    return codec


@pytest.fixture(scope="module")
def codec():
    return modulated()


def teachers(batch=1, frames=FRAMES, seed=3):
    draw = torch.Generator().manual_seed(seed)
    return TeacherFeatures.everywhere(
        *(torch.randn(batch, frames, dim, generator=draw) for dim in (12, 28))
    )


def encode(codec, tone, mode):
    return codec.encode(
        tone, mode=mode, teacher_features=teachers() if mode == "teacher" else None
    ).codes


def test_every_mode_encodes_in_its_own_way(codec, tone):
    assert codec.modes == ("student", "off", "teacher", "prosody")
    codes = {mode: encode(codec, tone, mode) for mode in codec.modes}
    assert all(value.shape == (1, 4, FRAMES) for value in codes.values())
    names = list(codes)
    assert all(not torch.equal(codes[a], codes[b]) for i, a in enumerate(names) for b in names[:i])
    assert torch.equal(codec.encode(tone).codes, codes["student"])
    assert torch.equal(encode(codec, tone, "prosody"), codes["prosody"])


def test_off_is_the_codec_without_its_modulation(codec, tone):
    bare = random_codec()
    bare.load_state_dict(
        {
            n: w
            for n, w in codec.state_dict().items()
            if n.split(".")[0] not in ("modulator", "student")
        }
    )
    assert torch.equal(bare.encode(tone).codes, encode(codec, tone, "off"))
    assert bare.modes == ("off",)


def test_modes_depend_on_what_the_codec_has():
    assert modulated(student_dim=0).modes == ("off", "teacher", "prosody")
    assert modulated(emotion_teacher="clap", emotion_dim=24).modes == ("student", "off", "teacher")
    alone = modulated(modulation="self", student_dim=0)
    assert alone.modes == ("self", "off")


def test_self_attention_works_without_any_teacher(tone):
    codec = modulated(modulation="self", student_dim=0)
    on, off = codec.encode(tone).codes, codec.encode(tone, mode="off").codes
    with torch.no_grad():
        through = codec(tone).quantized.codes
    assert torch.equal(on, through) and not torch.equal(on, off)


BAD_CALLS = {
    "unknown mode": ({"mode": "loud"}, "modes"),
    "teacher without features": ({"mode": "teacher"}, "needs teacher_features"),
    "features for nobody": (
        {"mode": "off", "teacher_features": teachers()},
        "takes no teacher_features",
    ),
    "features of other frames": (
        {"mode": "teacher", "teacher_features": teachers(frames=12)},
        "need",
    ),
    "features of another width": (
        {
            "mode": "teacher",
            "teacher_features": TeacherFeatures.everywhere(
                torch.zeros(1, FRAMES, 768), torch.zeros(1, FRAMES, 28)
            ),
        },
        "prosody",
    ),
}


@pytest.mark.parametrize("call, said", BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_calls_are_refused(codec, tone, call, said):
    with pytest.raises(ValueError, match=said):
        codec.encode(tone, **call)


def test_a_codec_without_modulation_has_one_mode(tiny_codec, tone):
    with pytest.raises(ValueError, match="off"):
        tiny_codec.encode(tone, mode="student")
    assert torch.equal(tiny_codec.encode(tone, mode="off").codes, tiny_codec.encode(tone).codes)


def test_unknown_frames_are_the_students(codec, tone):
    """Where the teachers know nothing, teacher mode is student mode."""
    nothing = torch.zeros(1, FRAMES, dtype=torch.bool)
    told = teachers()
    silent = TeacherFeatures(told.emotion, told.semantic, nothing, nothing)
    assert torch.equal(
        codec.encode(tone, mode="teacher", teacher_features=silent).codes,
        codec.encode(tone, mode="student").codes,
    )


def test_the_student_trains_on_the_encoder_without_changing_it(codec, tone):
    student = modulated().train()
    found = student(tone, teacher_features=teachers())
    prediction_loss(found.predicted, teachers()).backward()
    moved = {
        name.split(".")[0] for name, weight in student.named_parameters() if weight.grad is not None
    }
    assert moved == {"student"}


def test_prediction_loss_vanishes_at_the_teacher():
    told = teachers(2)
    assert prediction_loss(told, told).item() == pytest.approx(0.0, abs=1e-5)
    louder = TeacherFeatures.everywhere(5 * told.emotion, 5 * told.semantic)
    assert prediction_loss(louder, told).item() > 1.0  # size counts, not direction alone
    opposite = TeacherFeatures.everywhere(-told.emotion, -told.semantic)
    assert prediction_loss(opposite, told).item() > 4.0


def test_what_moves_little_counts_as_much():
    """A feature in other units loses no weight, apart from the cosine."""
    told = teachers(2)
    losses = []
    for unit in (1.0, 0.2):
        scale = torch.ones(12)
        scale[3] = unit
        target, wrong = told.emotion * scale, told.emotion * scale
        wrong = wrong + torch.eye(12)[3] * unit
        cosine = 1 - torch.nn.functional.cosine_similarity(wrong, target, dim=-1).mean()
        known = TeacherFeatures.everywhere(target, told.semantic)
        losses.append(
            (
                prediction_loss(TeacherFeatures.everywhere(wrong, told.semantic), known) - cosine
            ).item()
        )
    assert losses[0] == pytest.approx(losses[1], rel=1e-3) and losses[0] > 0.01


def test_prediction_loss_of_unknown_frames_is_none():
    told, other = teachers(2), teachers(2, seed=8)
    known = torch.zeros(2, FRAMES, dtype=torch.bool)
    assert (
        prediction_loss(other, TeacherFeatures(told.emotion, told.semantic, known, known)).item()
        == 0.0
    )
    known[:, :5] = True
    partial = TeacherFeatures(told.emotion, told.semantic, known, known)
    spoilt = TeacherFeatures(
        *(torch.where(known[..., None], x, 9.0) for x in (told.emotion, told.semantic)),
        known,
        known,
    )
    torch.testing.assert_close(prediction_loss(other, partial), prediction_loss(other, spoilt))


def test_consistency_is_the_distance_to_what_the_teachers_would_have_made(tone):
    codec = modulated()
    audio, told = tone.expand(4, 1, -1), teachers(4)
    torch.manual_seed(0)
    none, every = (codec(audio, teacher_features=told, student_share=share) for share in (0.0, 1.0))
    assert none.consistency is None
    expected = (every.latents - none.latents).square().mean()
    torch.testing.assert_close(every.consistency, expected, atol=1e-4, rtol=1e-3)
    # all sequences got the student's features
    torch.testing.assert_close(every.latents, codec(audio).latents)


def test_consistency_trains_the_student_and_not_what_it_agrees_on():
    codec = modulated()
    z = torch.randn(2, 32, FRAMES, requires_grad=True)
    hidden = torch.randn(2, codec.config.hidden_dim, FRAMES)
    told = teachers(2)
    codec.modulate(z, hidden, told, student_share=1.0).consistency.backward()
    assert codec.student.emotion.weight.grad.abs().sum() > 0
    flat = codec.config.changed(modulation="add")
    torch.manual_seed(0)
    plain = Codec(flat).eval()
    z.grad = None
    with torch.no_grad():
        plain.modulator.output.weight.normal_()
    plain.modulate(z, hidden, told, student_share=1.0).consistency.backward()
    assert z.grad is None or z.grad.abs().max() < 1e-6  # this modulation does not read the latents


def test_gates_are_drawn_in_training_alone(codec, tone):
    audio = tone.expand(8, 1, -1)
    with torch.no_grad():
        still = codec(audio, teacher_features=teachers(8)).latents
        off = codec.encode_latents(audio)
        codec.train()
        torch.manual_seed(0)
        moving = codec(audio, teacher_features=teachers(8), quantize=False).latents
        codec.eval()
    same_as_open = (moving - still).abs().amax((1, 2)) < 1e-4
    same_as_shut = (moving - off).abs().amax((1, 2)) < 1e-6
    assert 0 < same_as_open.sum() < 8 and same_as_shut.sum() < 8


def test_agreement_of_codes():
    codes = torch.arange(24).view(1, 2, 12)
    other = codes.clone()
    other[0, 1, :3] += 1
    assert code_agreement(codes, codes).tolist() == [1.0, 1.0]
    assert code_agreement(other, codes).tolist() == [1.0, 0.75]
    with pytest.raises(ValueError, match="same audio"):
        code_agreement(codes, codes[..., :5])


def test_a_trained_codec_can_be_given_a_modulation(tiny_codec, tone, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "codec")
    before = Codec.from_pretrained(tmp_path / "codec")
    shape = before.config.changed(modulation="xattn_pre", modulation_dim=32, student_dim=32)
    grown = Codec.extended(tmp_path / "codec", shape).eval()
    assert grown.modes[0] == "student" and torch.equal(
        grown.encode(tone).codes, before.encode(tone).codes
    )
    with pytest.raises(ValueError, match="fit"):
        Codec.extended(tmp_path / "codec", before.config.changed(decoder_dim=56))


def test_modules_and_detail_can_be_taken_from_a_trained_codec(tone, tmp_path):
    codec = modulated()
    codec.give_detail(2)
    codec.save_pretrained(tmp_path / "codec")
    before = Codec.from_pretrained(tmp_path / "codec")
    bare = Codec.extended(
        tmp_path / "codec",
        codec.config.changed(modulation="none", student_dim=0, detail_codebooks=0),
    ).eval()
    assert bare.modes == ("off",)
    assert torch.equal(
        bare.encode(tone).codes, before.encode(tone, before.config.num_codebooks, mode="off").codes
    )


def test_a_codec_with_a_student_is_saved_whole(tone, tmp_path):
    codec = modulated()
    codec.save_pretrained(tmp_path / "codec")
    loaded = Codec.from_pretrained(tmp_path / "codec")
    assert loaded.config == codec.config and loaded.modes == codec.modes
    agreement = code_agreement(loaded.encode(tone).codes, codec.encode(tone).codes)
    assert agreement[0] > 0.9  # weights in half precision
