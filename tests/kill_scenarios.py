"""Tiny runs of everything that writes, each a function of a folder of inputs and one of results.

Each is called again after a kill and must then finish.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

os.environ.setdefault("ACCELERATE_USE_CPU", "true")
torch.set_num_threads(1)
sys.path.insert(0, str(Path(__file__).parents[1]))  # recipes are modules from there

import torch.utils.tensorboard  # noqa: F401  loaded once for all runs

from affecttts.adaptation import prepare, selftest
from affecttts.adaptation.config import AdaptationConfig, AdaptationRequest
from affecttts.adaptation.run import adapt
from affecttts.cli.main import main
from affecttts.data.audio_cache import AudioCache
from affecttts.errors import RequestError
from affecttts.evaluation.codec import judges, metrics
from affecttts.training.codec import trainer as codec_trainer
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.lm import trainer as lm_trainer
from affecttts.training.lm.config import LMTrainingConfig
from affecttts.training.schema import build
from recipes.corpora.kokoro_affect import generate, plan
from recipes.corpora.kokoro_affect.sentences import Sentence
from remembered_f0 import FOLDER, remember
from tiny_models import load_recipe
from tiny_runs import LM, MANIFEST
from tiny_voices import TINY

CODEC = {
    "preset": "tiny",
    "steps": 4,
    "batch_size": 2,
    "crop_seconds": 0.32,
    "warmup_steps": 1,
    "codebooks_start_step": 1,
    "codebooks_start_batches": 1,
    "weight_ema": 0.8,
    "mixed_precision": "no",
    "log_every": 1,
    "validate_every": 3,
    "checkpoint_every": 2,
    "adversarial_start_step": 1,
    "adversarial_crop_seconds": 0.1,
    "discriminator": {
        "periods": [],
        "windows": [],
        "scales": [1],
        "band_windows": [256],
        "band_channels": 2,
    },
}
if FOLDER in os.environ:  # in a process that the tests started
    remember(Path(os.environ[FOLDER]), pytest.MonkeyPatch())
for recipe in ("predict_corpus", "encode_corpus"):
    load_recipe(recipe)


def train_codec(inputs: Path, output: Path) -> None:
    config = build(CodecTrainingConfig, CODEC)
    trainer = codec_trainer.Trainer(config, inputs / "cache", [MANIFEST], output, None)
    trainer.resume()
    trainer.run()


def train_codec_without_exchange(inputs: Path, output: Path) -> None:
    """Where the system cannot swap two folders in one step."""
    import codec.atomic

    codec.atomic.exchange = lambda one, other: False
    train_codec(inputs, output)


def train_lm(inputs: Path, output: Path) -> None:
    lm_trainer.speak = lambda *_: None  # seconds, and no part of training
    config = build(LMTrainingConfig, LM | {"steps": 4, "checkpoint_every": 2})
    tokens, codec = str(inputs / "tokens"), inputs / "model" / "codec"
    trainer = lm_trainer.Trainer(config, [MANIFEST], tokens, codec, output, None)
    trainer.resume()
    trainer.run()


def build_audio_cache(inputs: Path, output: Path) -> None:
    AudioCache([MANIFEST], output / "decoded", 24_000, 240)


def encode_corpus(inputs: Path, output: Path) -> None:
    codec = ["--codec", str(inputs / "model" / "codec")]
    _recipe("encode_corpus", *codec, "--output", str(output), "--shards", "2")


def predict_corpus(inputs: Path, output: Path) -> None:
    model = inputs / "model"
    folders = ["--codec", str(model / "codec"), "--lm", str(model / "lm")]
    _recipe("predict_corpus", *folders, "--tokens", str(inputs / "tokens"), "--output", str(output))


def _recipe(name: str, *options: str) -> None:
    sys.argv = [name, "--manifest", MANIFEST, *options]
    load_recipe(name).main()


class _NoTest:
    def __init__(self, *_) -> None:
        pass

    def run(self):
        return selftest.SelfTest(())


def adapt_voice(inputs: Path, output: Path) -> None:
    selftest.SelfTester = _NoTest
    prepare.MARGIN = -10.0  # the codes of an untrained codec tell little of words
    recordings, model = inputs / "recordings", inputs / "adaptable"
    request = AdaptationRequest(
        recordings, "allison", output / "allison", model, show_progress=False
    )
    config = AdaptationConfig(**(TINY | {"epochs": 1.0, "checkpoint_every": 1}))
    _unless_there(lambda: adapt(request, config, lambda question: True, print, sentences=1))


def encode_clip(inputs: Path, output: Path) -> None:
    codec = ["--codec", str(inputs / "model" / "codec")]
    _command("encode", str(inputs / "tone.wav"), "-o", str(output / "tone.safetensors"), *codec)


def synthesize_batch(inputs: Path, output: Path) -> None:
    model = ["--model", str(inputs / "model")]
    batch = ["--batch", str(inputs / "items.jsonl")]
    code = main(["synthesize", *model, *batch, "--output-dir", str(output), "-q"])
    assert code in (0, 3), code  # 3: some are there already


def evaluate_tts(inputs: Path, output: Path) -> None:
    without = [part for name in ("words", "voice", "sound") for part in ("--without-judge", name)]
    without += ["--without-judge", "acoustic", "--without-judge", "relative"]
    _command(
        *("evaluate", "tts", "--model", str(inputs / "model"), "-q", *without),
        *("--items", str(inputs / "items.jsonl"), "--report", str(output)),
    )
    for name in ("spoken.jsonl", "items.jsonl"):  # what took how long is not the same twice
        lines = (output / name).read_text().splitlines()
        keys = sorted(json.loads(line).get("key", "head") for line in lines)
        (output / name).write_text("\n".join(keys))
    for path in output.glob("report.*"):
        path.write_text("whole" if path.read_text().rstrip().endswith(("}", "</html>")) else "torn")


def evaluate_codec(inputs: Path, output: Path) -> None:
    judges.METRICS = tuple(m for m in metrics.METRICS if m.name in ("SI-SDR", "bitrate"))
    without = ["--without-judge", "acoustic", "--without-judge", "spectral"]
    codec = f"tiny={inputs / 'model' / 'codec'}"
    _command(
        *("evaluate", "codec", "--manifest", MANIFEST, "--codec", codec, "--limit", "2", "-q"),
        *(*without, "--report", str(output)),
    )


class _Singer:
    """In place of Kokoro."""

    def __call__(self, task: plan.Task) -> generate.Clip:
        time = np.arange(4800) / 24_000
        samples = 0.1 * np.sin(2 * np.pi * (200 + 50 * len(task.emotion)) * time)
        return generate.Clip(samples.astype(np.float32), "hˈI.", (0.05,) * 6, 0.0)


def generate_corpus(inputs: Path, output: Path) -> None:
    sentences = [Sentence("Hi.", "s", "train"), Sentence("Hi there.", "n", "valid")]
    tasks = list(plan.tasks(sentences, {"heart": "af_heart"}, 0, (2, 2)))
    generate.make_shard(_Singer(), iter(tasks), output, 0, 1)
    generate.merge(iter(tasks), output)


def _command(*arguments: str) -> None:
    code = main(list(arguments))
    assert code in (0, 2), code  # 2: the result is there already


def _unless_there(work) -> None:
    try:
        work()
    except RequestError as error:
        assert "--force" in str(error), error


# those whose logs tell times are compared by what they must hold
QUICK = (build_audio_cache, encode_corpus, predict_corpus, encode_clip, synthesize_batch)
QUICK += (generate_corpus, evaluate_codec)
LONG = (train_codec, train_codec_without_exchange, train_lm, adapt_voice, evaluate_tts)
