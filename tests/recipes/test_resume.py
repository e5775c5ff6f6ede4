"""A run that was interrupted and resumed ends bit for bit like one that was not."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.data.lineage import load_lineage, resumed_lineage, trace
from codec import Codec
from codec.files import WEIGHTS_NAME, read_json
from codec.training.discriminators import Discriminator
from tiny_runs import (
    MANIFEST,
    MODULES,
    assert_same,
    codec_trainer,
    lm_trainer,
    logged,
    run_interrupted,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]


# The codebooks start before, at and after the checkpoint.
@pytest.mark.parametrize("start", [2, 4, 6])
def test_codec(cache, tmp_path, start):
    straight = codec_trainer(cache, tmp_path / "a", codebooks_start_step=start)
    initial = {name: value.clone() for name, value in straight.codec.state_dict().items()}
    straight.run()
    resumed = run_interrupted(
        lambda: codec_trainer(cache, tmp_path / "b", codebooks_start_step=start), stop_after=5
    )
    assert straight.step == resumed.step == 8
    moved = [
        name
        for name, value in straight.codec.state_dict().items()
        if not torch.equal(value, initial[name])
    ]
    assert any(name.startswith("encoder.") for name in moved) and any(
        name.startswith("quantizer.") for name in moved
    )
    assert_same(straight.codec, resumed.codec)
    assert_same(straight.ema, resumed.ema)
    assert (tmp_path / "a" / "codec" / WEIGHTS_NAME).read_bytes() == (
        tmp_path / "b" / "codec" / WEIGHTS_NAME
    ).read_bytes()


def test_codec_with_all_modules(cache, tmp_path):
    straight = codec_trainer(cache, tmp_path / "a", codebooks_start_step=2, **MODULES)
    initial = {name: value.clone() for name, value in straight.codec.state_dict().items()}
    straight.run()
    resumed = run_interrupted(
        lambda: codec_trainer(cache, tmp_path / "b", codebooks_start_step=2, **MODULES),
        stop_after=5,
    )
    for part in ("codec", "ema", "distillation"):
        assert_same(getattr(straight, part), getattr(resumed, part))
    moved = {
        name.split(".")[0]
        for name, value in straight.codec.state_dict().items()
        if not torch.equal(value, initial[name])
    }
    assert moved == {"encoder", "quantizer", "decoder", "modulator", "student"}
    ramp = logged(tmp_path / "a", "weight/relation")
    assert ramp[0] < ramp[-1] and all(weight >= 0 for weight in ramp)
    for name in ("loss/prediction", "loss/consistency", "relation/emotion_correlation"):
        assert logged(tmp_path / "a", name), name
    assert all(
        0 <= share <= 1
        for name in ("student/q1", "off/q4")
        for share in logged(tmp_path / "a", f"agreement/{name}")
    )
    assert logged(tmp_path / "a", "agreement/prosody/q2")
    codec = Codec.from_pretrained(tmp_path / "a" / "codec")
    assert codec.modes[0] == "student" and codec.config.emotion_teacher == "prosody"


def test_codec_against_discriminators(cache, codec_dir, tiny_codec, tmp_path):
    changes = {
        "steps": 4,
        "checkpoint_every": 2,
        "codebooks": "frozen",
        "adversarial_start_step": 1,
        "adversarial_crop_seconds": 0.1,
        "codebook_choices": (2, 4),
    }
    straight = codec_trainer(cache, tmp_path / "a", str(codec_dir), **changes)
    fresh = {
        name: value.clone() for name, value in straight.adversary.discriminator.state_dict().items()
    }
    straight.run()
    resumed = run_interrupted(
        lambda: codec_trainer(cache, tmp_path / "b", str(codec_dir), **changes), stop_after=3
    )
    assert_same(straight.codec, resumed.codec)
    assert_same(straight.ema, resumed.ema)
    trained = straight.adversary.discriminator
    assert_same(trained, resumed.adversary.discriminator)
    assert any(not torch.equal(value, fresh[name]) for name, value in trained.state_dict().items())
    assert_same(trained, Discriminator.from_pretrained(tmp_path / "a" / "discriminator"))
    saved = str(tmp_path / "a" / "discriminator")
    further = codec_trainer(
        cache, tmp_path / "c", str(codec_dir), init_discriminator=saved, **changes
    )
    assert_same(trained, further.adversary.discriminator)
    trained, before = straight.averaged().state_dict(), tiny_codec.state_dict()
    for name, value in trained.items():
        if name.startswith("quantizer."):
            assert torch.equal(value, before[name]), f"{name} is frozen"
        elif name.startswith("encoder."):
            assert torch.equal(value, before[name].half().float()), f"{name} is frozen"
    assert not torch.equal(
        trained["decoder.stem.weight"], before["decoder.stem.weight"].half().float()
    )


def test_lm(monkeypatch, tokens, codec_dir, tmp_path):
    straight = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a")
    assert len(straight.batches) > 3  # the checkpoint lies inside an epoch ..
    straight.run()
    assert straight.epoch > 0  # .. and the run goes beyond it
    resumed = run_interrupted(
        lambda: lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "b"), stop_after=5
    )
    assert (straight.step, straight.epoch, straight.position) == (
        resumed.step,
        resumed.epoch,
        resumed.position,
    )
    assert_same(straight.model, resumed.model)
    assert_same(straight.ema, resumed.ema)
    for name in (WEIGHTS_NAME, "prompt_pieces.model", "layout.json", "config.json"):
        assert (tmp_path / "a" / "lm" / name).read_bytes() == (
            tmp_path / "b" / "lm" / name
        ).read_bytes()


def test_weights_and_checkpoints_tell_their_manifests_and_teachers(
    monkeypatch, cache, tokens, codec_dir, tmp_path
):
    changes = {"steps": 2, "codebooks_start_step": 1, "checkpoint_every": 2, "validate_every": 9}
    changes |= {"gradient_ratios": {"relation": 0.3}}  # for which teachers are asked
    codec_trainer(cache, tmp_path / "codec", **changes).run()
    lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "lm", steps=1, checkpoint_every=1).run()
    first, second = load_lineage(tmp_path / "codec" / "codec"), load_lineage(tmp_path / "lm" / "lm")
    assert first.manifests == trace([MANIFEST]).manifests and first.teachers == (
        "phonology",
        "prosody",
    )
    assert (
        second.manifests == (*first.manifests, *load_lineage(codec_dir).manifests)
        and not second.teachers
    )
    for name, lineage in (("codec", first), ("lm", second)):
        assert (
            resumed_lineage(read_json(tmp_path / name / "checkpoint" / "state.json")["state"])
            == lineage
        )
