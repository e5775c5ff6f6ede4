"""What the codec's trainer makes of its config: codebooks, modules, parts, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.errors import RequestError
from affecttts.training.codec.config import CodecTrainingConfig, LossWeights
from affecttts.training.codec.trainer import Trainer
from affecttts.training.schema import build
from codec import Codec, CodecConfig
from tiny_runs import CODEC, MANIFEST, MODULES, codec_trainer, logged

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]


def test_detail_comes_along_and_has_no_part_in_training(cache, codec_dir, tmp_path):
    codec = Codec.from_pretrained(codec_dir)
    codec.give_detail(codebooks=2, bands=8)
    codec.save_pretrained(tmp_path / "layered")
    bare = codec_trainer(cache, tmp_path / "a", str(codec_dir), codebooks="frozen")
    layered = codec_trainer(cache, tmp_path / "b", str(tmp_path / "layered"), codebooks="frozen")
    for trainer in (bare, layered):
        trainer.run()
    trained, plain = (
        Codec.from_pretrained(tmp_path / name / "codec").state_dict() for name in ("b", "a")
    )
    assert all(torch.equal(trained[name], value) for name, value in plain.items())
    given = {
        name: value for name, value in codec.state_dict().items() if name.startswith("detail.")
    }
    assert given and all(
        torch.equal(trained[name], value.half().float()) for name, value in given.items()
    )
    metrics = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("a", "b")]
    assert metrics[0] == metrics[1]  # validation hears the base layer


def test_detail_is_not_trained(cache, codec_dir, tmp_path):
    with pytest.raises(RequestError, match="detail_codebooks.*fit_detail"):
        codec_trainer(
            cache,
            tmp_path / "a",
            str(codec_dir),
            codebooks="keep",
            codec={"detail_codebooks": 2},
        )


@pytest.mark.parametrize("codebooks", ["restart", "keep", "frozen"])
def test_codebooks_that_go_on_need_a_codec(cache, tmp_path, codebooks):
    with pytest.raises(RequestError, match=f"{codebooks} needs a codec.*--init"):
        codec_trainer(cache, tmp_path, codebooks=codebooks)


def test_trained_codebooks_are_not_thrown_away_unasked(cache, codec_dir, tmp_path):
    with pytest.raises(RequestError, match="fresh would throw.*keep.*restart.*frozen"):
        codec_trainer(cache, tmp_path, str(codec_dir))


def test_codebooks_do_what_is_said(cache, codec_dir, tiny_codec, tmp_path):
    """After one step: restart: as k-means finds them; keep: as they were, moved on; frozen: as they
    were.
    """
    books = {}
    for codebooks in ("restart", "keep", "frozen"):
        trainer = codec_trainer(
            cache, tmp_path / codebooks, str(codec_dir), codebooks=codebooks, steps=1
        )
        trainer.run()
        books[codebooks] = trainer.codec.quantizer.code_vectors()[0]
    before = tiny_codec.quantizer.code_vectors()[0]
    moved = {name: (now - before).norm() / before.norm() for name, now in books.items()}
    assert moved["frozen"] == 0 and 0 < moved["keep"] < moved["restart"]


def test_without_codebooks_nothing_is_quantised(cache, tmp_path):
    trainer = codec_trainer(cache, tmp_path, codebooks="none", steps=4, validate_every=2)
    before = trainer.codec.quantizer.code_vectors()[0].clone()
    trainer.run()
    assert torch.equal(trainer.codec.quantizer.code_vectors()[0], before)
    assert not logged(tmp_path, "perplexity/q1") and not logged(tmp_path, "valid/mel")


def refused(tmp_path, manifest=MANIFEST, **changes):
    """A run whose audio must not be decoded."""
    config = build(CodecTrainingConfig, CODEC | changes)
    with pytest.raises(RequestError) as error:
        Trainer(config, tmp_path / "cache", [str(manifest)], tmp_path, None)
    assert not (tmp_path / "cache").exists()
    return str(error.value)


def test_what_cannot_work_is_told_before_audio_is_decoded(tmp_path):
    assert "none.jsonl" in refused(tmp_path, tmp_path / "none.jsonl")
    assert "no clip to train on" in refused(tmp_path, speaker_weights={"heart": 0.0, "fenrir": 0.0})
    assert "latent_dim" in refused(tmp_path, codec={"latent_dim": -1})
    assert "codebook_choices is [2, 9]" in refused(tmp_path, codebook_choices=(2, 9))


def test_relations_fade(cache, tmp_path):
    codec_trainer(
        cache,
        tmp_path,
        codebooks_start_step=0,
        **MODULES | {"balanced_ramp_steps": 0, "balanced_fade": (0.25, 0.75)},
    ).run()
    weights, norms = (logged(tmp_path, f"{name}/relation") for name in ("weight", "gradient_norm"))
    assert weights[0] > 0 and norms[-1] > 0 and weights[-1] == 0
    with pytest.raises(ValueError, match="balanced_fade"):
        codec_trainer(cache, tmp_path / "b", balanced_fade=(0.75, 0.25))


def test_a_codec_of_older_times_goes_on(cache, codec_dir, tmp_path):
    """Its config knows none of the later fields, its checkpoint none of the later weights; and it
    can be given modules.
    """
    folder = tmp_path / "old"
    shutil.copytree(codec_dir, folder)
    config = json.loads((folder / "config.json").read_text())
    later = list(CodecConfig.__dataclass_fields__)
    later = later[later.index("encoder") :]
    (folder / "config.json").write_text(
        json.dumps({name: value for name, value in config.items() if name not in later})
    )
    plain = codec_trainer(cache, tmp_path / "a", str(folder), codec={}, codebooks="keep", steps=2)
    assert set(plain.distillation.state_dict()) == {
        "aligner.project.weight",
        "aligner.project.bias",
    }
    grown = codec_trainer(
        cache,
        tmp_path / "b",
        str(folder),
        codebooks="keep",
        steps=2,
        checkpoint_every=2,
        **MODULES,
    )
    grown.run()
    assert Codec.from_pretrained(tmp_path / "b" / "codec").modes[0] == "student"


def test_a_window_wider_than_the_crop_is_refused(cache, tmp_path):
    wide = MODULES | {"codec": MODULES["codec"] | {"modulation_window": 8}}
    with pytest.raises(RequestError, match="modulation_window 8"):
        codec_trainer(cache, tmp_path / "a", **wide)


def test_a_cycle_needs_a_student(cache, tmp_path):
    with pytest.raises(RequestError, match="cycle is 2.0: it asks a student"):
        codec_trainer(cache, tmp_path / "a", loss_weights={"cycle": 2.0})


def test_a_cycle_teaches_the_decoder_alone(cache, tmp_path):
    codec_trainer(cache, tmp_path / "a", **MODULES, steps=2).run()
    changes = {
        "codec": MODULES["codec"],
        "codebooks": "frozen",
        "steps": 2,
    }
    loss_weights = {entry.name: 0.0 for entry in fields(LossWeights)} | {"cycle": 1.0}
    trainer = codec_trainer(
        cache,
        tmp_path / "b",
        init=str(tmp_path / "a" / "codec"),
        **changes,
        loss_weights=loss_weights,
    )
    initial = {name: value.clone() for name, value in trainer.codec.state_dict().items()}
    trainer.run()
    moved = {
        name.split(".")[0]
        for name, value in trainer.codec.state_dict().items()
        if not torch.equal(value, initial[name])
    }
    assert moved == {"decoder"}


PARTS = {
    "half precision": MODULES | {"mixed_precision": "bf16"},
    "no pitch": {"codec": {"decoder": "vocos"}},
    "seanet": {
        "codec": {
            "encoder": "seanet",
            "decoder": "seanet",
            "seanet_filters": 2,
            "seanet_strides": [4, 5, 6, 8],
        }
    },
    "factorised": {"codec": {"quantizer": "rvq_fact"}},
    "split, plain matching": {
        "codec": {"quantizer": "rvq_split"},
        "gradient_ratios": {"matching": 0.1},
    },
    "block-diagonal": {
        "codec": MODULES["codec"]
        | {"quantizer": "bd_rfsq", "codebook_size": 2**15, "modulation": "cem"},
        "gradient_ratios": {"relation": 0.1, "alignment": 0.1},
        "loss_weights": {"cycle": 1.0},
    },
    "other discriminators": {
        "adversarial_start_step": 1,
        "adversarial_alone_steps": 1,
        "adversarial_crop_seconds": 0.1,
        "discriminator": {
            "periods": [],
            "windows": [],
            "scales": [1, 2],
            "band_windows": [256],
            "band_channels": 2,
        },
    },
}


@pytest.fixture
def fresh_accelerator():
    """accelerate keeps one precision for the life of a process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS)
def test_every_part_can_be_trained(cache, tmp_path, changes, fresh_accelerator):
    trainer = codec_trainer(
        cache, tmp_path, codebooks_start_step=1, **({"steps": 3, "checkpoint_every": 3} | changes)
    )
    initial = {name: value.clone() for name, value in trainer.codec.state_dict().items()}
    trainer.run()
    moved = {
        name.split(".")[0]
        for name, value in trainer.codec.state_dict().items()
        if not torch.equal(value, initial[name])
    }
    assert moved >= {"encoder", "quantizer", "decoder"}
    audio = 0.1 * torch.randn(1, 1, 5000)
    codec = Codec.from_pretrained(tmp_path / "codec")
    assert torch.isfinite(codec.decode(codec.encode(audio).codes)).all()


def test_teachers_need_no_weight_of_mel(cache, tmp_path):
    without = MODULES | {"loss_weights": {"mel": 0.0}, "steps": 1, "log_every": 1}
    codec_trainer(cache, tmp_path, codebooks_start_step=0, **without).run()
    assert logged(tmp_path, "loss/mel") and logged(tmp_path, "loss/relation")
