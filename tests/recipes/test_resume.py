"""A run that was interrupted and resumed ends bit for bit like one that was not."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.data.audio_cache import build_cache
from affecttts.data.lineage import load_lineage, resumed_lineage, trace
from affecttts.errors import RequestError
from affecttts.training.codec.config import CodecTrainingConfig, LossWeights
from affecttts.training.codec.trainer import Trainer
from affecttts.training.schema import build
from codec import Codec, CodecConfig
from codec.errors import CheckpointError
from codec.files import WEIGHTS_NAME, read_json
from codec.training.discriminators import Discriminator
from tiny_models import random_codec
from tiny_runs import MANIFEST, lm_trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]
CODEC = {
    "preset": "tiny",
    "codec": {"quantizer_dropout": 0.5},
    "steps": 8,
    "batch_size": 2,
    "crop_seconds": 0.32,
    "warmup_steps": 2,
    "codebooks_start_batches": 2,
    "weight_ema": 0.8,
    "mixed_precision": "no",
    "log_every": 2,
    "validate_every": 3,
    "checkpoint_every": 4,
}


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Decoded audio of the clips, made once."""
    folder = tmp_path_factory.mktemp("audio") / "cache"
    build_cache([MANIFEST], folder, 24_000, 240)
    return folder


def run_interrupted(make, stop_after):
    """Run until `stop_after` steps are done, lose the process, disturb its random numbers,
    resume.
    """
    first = make()
    step = first.train_step

    def until():
        if first.step == stop_after:
            raise Interrupted
        return step()

    first.train_step = until
    with pytest.raises(Interrupted):
        first.run()
    second = make()
    torch.rand(11)
    second.resume()
    assert 0 < second.step < stop_after  # some steps are lost and done again
    second.run()
    return second


def assert_same(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


def codec_trainer(cache, output, init=None, init_discriminator=None, **changes):
    config = build(CodecTrainingConfig, CODEC | changes)
    return Trainer(config, cache, [MANIFEST], output, init, init_discriminator)


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


MODULES = {
    "codec": {
        "modulation": "xattn_pre",
        "modulation_dim": 16,
        "modulation_window": 6,
        "student_dim": 16,
        "student_layers": 1,
    },
    "gradient_ratios": {"relation": 0.3, "alignment": 0.5},
    "balanced_ramp_steps": 4,
    "student_ramp": 0.8,
    "balance_every": 3,
}


def logged(folder, name):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row[name] for row in rows if name in row]


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


def test_lm_of_another_codec_is_refused(monkeypatch, tokens, codec_dir, tmp_path):
    random_codec(seed=1).save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match="encoded by codec"):
        lm_trainer(monkeypatch, tokens, tmp_path / "other", tmp_path / "run")


def test_a_finished_run_does_nothing_more(monkeypatch, tokens, codec_dir, tmp_path):
    lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2, checkpoint_every=2).run()
    again = lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", steps=2, checkpoint_every=2)
    again.resume()
    again.train_step = lambda: pytest.fail("trained on")
    again.run()
    assert again.step == 2


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_lm_optimizers(monkeypatch, tokens, codec_dir, tmp_path, optimizer):
    if optimizer == "sgd":
        with pytest.raises(ValueError, match="sgd.*adamw.*muon"):
            lm_trainer(monkeypatch, tokens, codec_dir, tmp_path / "a", optimizer=optimizer)
        return
    trainer = lm_trainer(
        monkeypatch, tokens, codec_dir, tmp_path / "a", optimizer=optimizer, steps=2
    )
    before = {name: value.clone() for name, value in trainer._llama().state_dict().items()}
    trainer.run()
    assert all(
        not torch.equal(value, before[name])
        for name, value in trainer._llama().state_dict().items()
    )
