"""All losses that the teachers give, together."""

import pytest
import torch

from affecttts.teachers.targets import FrameTargets
from affecttts.training.codec.distillation import BALANCED, Distillation
from codec.model import CodecOutput
from codec.modulation import TeacherFeatures
from codec.training.alignment import AlignmentConfig
from codec.training.relation import RelationConfig
from tiny_models import random_codec

FRAMES = 12
DIMS = (12, 28, 28)


def targets(seed=0, batch=2):
    draw = torch.Generator().manual_seed(seed)
    emotion, semantic = (torch.randn(batch, FRAMES, dim, generator=draw) for dim in DIMS[:2])
    tokens = torch.randn(batch, FRAMES, 3, DIMS[2], generator=draw)
    return FrameTargets(
        TeacherFeatures.everywhere(emotion, semantic),
        tokens,
        torch.ones(batch, FRAMES, dtype=torch.bool),
    )


def output(codec, taught=None, share=0.0):
    audio = 0.1 * torch.randn(2, 1, FRAMES * 960, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(3)
    return codec(
        audio, teacher_features=taught.teacher_features if taught else None, student_share=share
    )


def distillation(codec, wanted=BALANCED[:2], relation=None, alignment=None):
    torch.manual_seed(0)
    return Distillation(
        codec.config,
        DIMS,
        RelationConfig(**(relation or {})),
        AlignmentConfig(**(alignment or {})),
        wanted,
    )


def test_the_default_has_the_weights_that_older_checkpoints_hold():
    assert {
        name: tuple(w.shape) for name, w in distillation(random_codec()).state_dict().items()
    } == {"aligner.project.weight": (28, 32), "aligner.project.bias": (28,)}


def test_only_wanted_losses_are_made():
    codec = random_codec()
    assert set(distillation(codec)(output(codec), targets())[0]) == {"relation", "alignment"}
    assert set(distillation(codec, ("matching",))(output(codec), targets())[0]) == {"matching"}
    assert distillation(codec, ())(output(codec), targets()) == ({}, {})
    with pytest.raises(ValueError, match="matching"):
        distillation(codec, ("sharpening",))


def test_losses_reach_the_encoder_through_the_first_quantiser():
    codec = random_codec().train()
    found = output(codec)
    losses, logs = distillation(codec, BALANCED)(found, targets())
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss, found.latents, retain_graph=True)
        assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0, name
    assert set(logs) >= {
        "relation/emotion_correlation",
        "relation/inside_band",
        "alignment/cosine",
        "alignment/gamma_entropy",
    }


def test_the_log_tells_of_the_relations_that_are_trained():
    """Teachers that hold still within each clip: only between clips is there a relation to agree
    with.
    """
    codec, taught = random_codec().eval(), targets()
    still = taught.teacher_features.emotion[:, :1].expand(-1, FRAMES, -1)
    taught = FrameTargets(
        TeacherFeatures.everywhere(still, taught.teacher_features.semantic),
        taught.tokens,
        taught.sounding,
    )
    told = {
        scope: distillation(codec, relation={"norm": "raw", "scope": scope})(output(codec), taught)[
            1
        ]["relation/mean_emotion"]
        for scope in ("clip", "batch")
    }
    assert told["clip"] < 0.01 < 1.0 < told["batch"]


def test_layers_choose_the_student():
    codec = random_codec()
    found = output(codec)
    first, all_of_them = (
        distillation(codec, relation={"layers": n})(found, targets())[0]["relation"] for n in (1, 4)
    )
    assert first != all_of_them


def test_shares_of_the_teachers_count():
    codec = random_codec()
    found = output(codec)
    both, emotion, semantic = (
        distillation(codec, relation=shares)(found, targets())[0]["relation"]
        for shares in ({}, {"beta": 0.0}, {"alpha": 0.0})
    )
    torch.testing.assert_close(both, emotion + semantic)
    assert emotion > 0 and semantic > 0


def test_what_is_unknown_has_no_say():
    codec = random_codec()
    found, taught = output(codec), targets()
    known = torch.ones(2, FRAMES, dtype=torch.bool)
    known[1] = False
    partial = TeacherFeatures(
        taught.teacher_features.emotion, taught.teacher_features.semantic, known, known
    )
    tokens = taught.tokens * known[..., None, None]
    base = distillation(codec)(found, FrameTargets(partial, tokens, taught.sounding))[0]
    spoilt = TeacherFeatures(
        *(torch.where(known[..., None], x, 99.0) for x in (partial.emotion, partial.semantic)),
        known,
        known,
    )
    again = distillation(codec)(found, FrameTargets(spoilt, tokens, taught.sounding))[0]
    for name in base:
        torch.testing.assert_close(base[name], again[name])


def test_without_transcripts_semantics_stand_in_for_the_words():
    codec = random_codec()
    found, taught = output(codec), targets()
    silent = FrameTargets(taught.teacher_features, torch.zeros_like(taught.tokens), taught.sounding)
    assert distillation(codec)(found, silent)[0]["alignment"].item() == 0.0
    assert (
        distillation(codec, alignment={"fallback": True})(found, silent)[0]["alignment"].item()
        > 0.3
    )


def test_silent_frames_are_not_aligned():
    """What the first quantiser says in them is free, and with `speech_only` off it is not."""
    codec, taught = random_codec(), targets()
    sounding = taught.sounding.clone()
    sounding[:, 8:] = False
    quiet = FrameTargets(taught.teacher_features, taught.tokens, sounding)
    for speech_only, frames in ((True, 8), (False, FRAMES)):
        found = output(codec)
        loss = distillation(codec, ("alignment",), alignment={"speech_only": speech_only})(
            found, quiet
        )[0]["alignment"]
        (gradient,) = torch.autograd.grad(loss, found.latents)
        assert (gradient.abs().sum((0, 1)) > 0).tolist() == [True] * frames + [False] * (
            FRAMES - frames
        )


def test_softness_brings_in_the_unquantised_latents():
    codec = random_codec()
    found, soft = output(codec), distillation(codec, relation={"soft": 1.0, "soft_steps": 10})
    bare = CodecOutput(found.num_samples, found.latents, found.decoded, found.quantized)
    early, late = (soft(bare, targets(), step)[0]["relation"] for step in (0, 10))
    torch.testing.assert_close(late, distillation(codec)(bare, targets())[0]["relation"])
    assert early != late


def test_the_student_is_taught_also_before_the_codebooks_start():
    codec = random_codec(modulation="xattn_pre", student_dim=32, modulation_dim=32).train()
    taught = targets()
    audio = 0.1 * torch.randn(2, 1, FRAMES * 960)
    found = codec(
        audio, quantize=False, teacher_features=taught.teacher_features, student_share=1.0
    )
    losses, _ = distillation(codec)(found, taught)
    assert set(losses) == {"prediction", "consistency"}


def test_the_emotion_block_is_read_out():
    codec = random_codec(
        quantizer="bd_rfsq", codebook_size=2**15, modulation="cem", modulation_dim=32
    )
    module, taught = distillation(codec), targets()
    losses, _ = module(output(codec, taught), taught)
    assert set(losses) == {"emotion_block", "relation", "alignment"}
    found = output(codec, taught)
    latents = torch.autograd.grad(
        module(found, taught)[0]["emotion_block"], found.latents, allow_unused=True
    )[0]
    assert (latents[:, 8:] == 0).all() and latents[:, :8].abs().sum() > 0
