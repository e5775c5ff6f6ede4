"""The stages of a codec with a parametric decoder, each for a few steps."""

from __future__ import annotations

import json

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.errors import RequestError
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.trainer import Trainer
from affecttts.training.schema import build
from codec import Codec
from codec.training.envelope_discriminator import EnvelopeDiscriminator
from tiny_runs import MANIFEST

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]
SHAPE = {
    "encoder_spectrum": "cepstrum",
    "decoder": "parametric",
    "decoder_context": "causal",
    "frame_stride": 4,
    "latent_dim": 64,
    "num_codebooks": 2,
    "quantizer_dropout": 0.0,
}
MODULES = {"modulation": "xattn_pre", "modulation_dim": 16, "modulation_window": 4}
COMMON = {
    "preset": "tiny",
    "steps": 4,
    "batch_size": 2,
    "crop_seconds": 0.4,
    "warmup_steps": 1,
    "mixed_precision": "no",
    "loss_weights": {"mel": 0.0, "f0": 20.0},
    "log_every": 1,
    "validate_every": 4,
}
STAGES = {
    "start": {"codec": SHAPE, "codebooks": "none"},
    "decoder": {
        "latents": "analysis",
        "codebooks": "restart",
        "codebooks_start_batches": 2,
        "adversary": "envelope",
        "envelope_channels": 4,
        "adversarial_start_step": 0,
        "adversarial_alone_steps": 1,
    },
    "modules": {
        "codec": MODULES | {"student_dim": 16},
        "codebooks": "held",
        "decoder_learns": False,
        "gradient_ratios": {"relation": 0.5, "alignment": 0.5},
    },
}


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Folders of the three runs, one after the other."""
    root, init, folders = tmp_path_factory.mktemp("runs"), None, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("affecttts.training.codec.setup.STARTED_ON", 32)
        for name, changes in STAGES.items():
            config = build(CodecTrainingConfig, COMMON | changes)
            folders[name] = root / name
            Trainer(config, root / "cache", [str(MANIFEST)], folders[name], init).run()
            init = str(folders[name] / "codec")
    return folders


def logs(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if "loss/envelope" in row]


def test_it_starts_close_and_needs_no_waveform(stages):
    first = logs(stages["start"])[0]
    assert first["loss/envelope"] < 6 and first["loss/latents"] > 0
    assert "loss/mel" not in first and "loss/commitment" not in first


def parts_that_changed(stages, first, second):
    before, after = (
        Codec.from_pretrained(stages[name] / "codec").state_dict() for name in (first, second)
    )
    common = set(before) & set(after)
    return {name.split(".")[0] for name in common if not torch.equal(before[name], after[name])}


def test_codebooks_and_decoder_learn_from_the_analysis(stages):
    rows = logs(stages["decoder"])
    assert "loss/adversarial" not in rows[0] and "loss/adversarial" in rows[-1]
    assert "loss/latents" not in rows[0] and rows[0]["usage/q1"] > 0
    assert parts_that_changed(stages, "start", "decoder") == {"decoder", "quantizer"}
    EnvelopeDiscriminator.from_pretrained(stages["decoder"] / "discriminator")


def test_modules_join_in_under_the_same_codebooks_and_decoder(stages):
    row = logs(stages["modules"])[-1]
    assert {"loss/commitment", "loss/relation", "loss/alignment", "loss/latents"} <= set(row)
    assert parts_that_changed(stages, "decoder", "modules") == {"encoder"}
    codec = Codec.from_pretrained(stages["modules"] / "codec")
    assert codec.modulator is not None and codec.config.modulation == "xattn_pre"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latents": "analysis", "gradient_ratios": {"relation": 0.5}}, "leaves the encoder alone"),
        ({"latents": "analysis", "decoder_learns": False}, "nothing that could learn"),
    ],
)
def test_runs_in_which_losses_reach_nothing_are_refused(changes, message, tmp_path):
    config = build(CodecTrainingConfig, COMMON | {"codec": SHAPE, "codebooks": "none"} | changes)
    with pytest.raises(RequestError, match=message):
        Trainer(config, tmp_path / "cache", [str(MANIFEST)], tmp_path / "run", None)


def test_an_adversary_of_envelopes_needs_a_parametric_decoder(tmp_path):
    config = build(CodecTrainingConfig, COMMON | {"adversary": "envelope"})
    with pytest.raises(RequestError, match="source_filter"):
        Trainer(config, tmp_path / "cache", [str(MANIFEST)], tmp_path / "run", None)
