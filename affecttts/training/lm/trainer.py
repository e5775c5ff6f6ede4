"""Training of a language model: everything alive in a run, its steps, and how it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from affecttts.data.codes.store import CodeStore
from affecttts.data.lineage import training_lineage
from affecttts.lm.model import save_lm
from affecttts.lm.pieces import PromptPieces
from affecttts.lm.voices import NAME as VOICES_NAME
from affecttts.training.averaging import averaging
from affecttts.training.checkpoint import Exports, with_lineage
from affecttts.training.lm.config import LMTrainingConfig
from affecttts.training.lm.dataset import Item, LMDataset
from affecttts.training.lm.loss import StreamLoss, overall
from affecttts.training.lm.neighbours import NearMisses, neighbour_kernel
from affecttts.training.lm.start import (
    Vocabulary,
    fresh_llama,
    make_layout,
    make_pieces,
    read_voices,
    started_llama,
)
from affecttts.training.lm.validation import speak, validate
from affecttts.training.muon import Muon
from affecttts.training.precision import has_fast_bf16, mixed_precision
from affecttts.training.run import TrainingRun, update
from affecttts.training.schedule import learning_rate
from affecttts.training.tracker import Tracker
from codec import Codec
from codec.errors import CheckpointError
from codec.files import fingerprint

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

PIECES_NAME = "prompt_pieces.model"


class Trainer(TrainingRun):
    """Trains a language model, see `TrainingRun`.

    Args:
        tokens: folder of token shards, and of the codes of voices.
        codec: codec folder that made them.
        output: folder of the run; the LM lies in its `lm`, what it resumes from in its
            `checkpoint`.
        init: LM folder to start from; it may model fewer codebooks or be of another codec.
        init_codec: codec of `init`, where `codec` is that one trained on.

    Raises:
        RequestError, CheckpointError: config, data and folders do not go together.
    """

    name = "lm"
    config: LMTrainingConfig

    def __init__(
        self,
        config: LMTrainingConfig,
        manifests: list[str],
        tokens: str,
        codec: Path,
        output: Path,
        init: str | None,
        init_codec: Path | None = None,
    ) -> None:
        set_seed(config.seed)
        self.config, self.output = config, output
        self.accelerator = Accelerator(mixed_precision=mixed_precision(config.mixed_precision))
        store = CodeStore(tokens)
        if store.codec_fingerprint != fingerprint(codec):
            raise CheckpointError(
                f"{tokens}: encoded by codec {store.codec_fingerprint}, but "
                f"{codec} is {fingerprint(codec)}"
            )
        self.codec, self.codec_hash = Codec.from_pretrained(codec), store.codec_fingerprint
        self.voices = read_voices(Path(tokens) / VOICES_NAME, manifests)
        self.layout = make_layout(config, self.voices, self.codec.config)
        pieces = output / PIECES_NAME
        self.pieces = make_pieces(pieces, manifests, init, config.num_pieces)
        rate, processor = self.codec.config.frame_rate, PromptPieces(pieces)
        self.train, self.valid = (
            LMDataset(
                manifests, store, self.layout, processor, rate, config.mixture, split, self.voices
            )
            for split in ("train", "valid")
        )
        codebooks = self.codec.quantizer.code_vectors()[: config.num_codebooks]
        encoder = self.voices.speaker_encoder
        vocabulary = Vocabulary(self.layout, codebooks, self.codec_hash, encoder)
        self._prepare(
            started_llama(config, vocabulary, init, init_codec)
            if init
            else fresh_llama(config, vocabulary),
            codebooks,
        )
        self.lineage = training_lineage(manifests, init, codec)
        self.epoch, self.position = 0, 0
        self.batches = self._epoch_batches()

    def _prepare(self, model: LlamaForCausalLM, codebooks: list[Tensor]) -> None:
        """The network, its averages, losses and optimisers, on the devices of the run."""
        config = self.config
        kernels = [neighbour_kernel(vectors, config.label_softness) for vectors in codebooks]
        self.near_misses = NearMisses(self.layout, codebooks, config.code_noise)
        self.ema = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=averaging(config.weight_ema)
        )
        if config.compile:
            model.set_attn_implementation("eager")  # the one that a compiler can fuse
            model.model.compile(dynamic=True)
        optimizers = make_optimizers(config, model)
        self.model, *prepared = self.accelerator.prepare(
            StreamLoss(model, self.layout, kernels), *optimizers.values()
        )
        self.optimizers = dict(zip(optimizers, prepared))
        self.ema.to(self.accelerator.device)

    # -- one step
    def next_batch(self) -> tuple[Tensor, Tensor]:
        """tokens and labels of the next step; the position is (epoch, index) and is saved."""
        if self.position == len(self.batches):
            self.epoch, self.position = self.epoch + 1, 0
            self.batches = self._epoch_batches()
        batch = self.batches[self.position]
        self.position += 1
        tokens, labels = self.train.collate(batch, (self.config.seed, self.epoch))
        device = self.accelerator.device
        return self._noisy(tokens, batch[0]).to(device), labels.to(device)

    def _noisy(self, tokens: Tensor, first_item: Item) -> Tensor:
        """Some input codes replaced by near misses, so that the LM learns to go on after a draw
        that was not the best.
        """
        generator = torch.Generator().manual_seed(
            hash((self.config.seed, self.epoch, first_item)) % 2**31
        )
        return self.near_misses(tokens, generator)

    def _epoch_batches(self) -> list[list[Item]]:
        processes = self.accelerator.process_index, self.accelerator.num_processes
        return self.train.batches(self.epoch, self.config.seed, *processes)

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        config = self.config
        tokens, labels = self.next_batch()
        self.model.train()
        with self.accelerator.autocast():
            losses = self.model(tokens, labels)
        loss = overall(losses)
        if not torch.isfinite(loss):
            raise RuntimeError(
                f"step {self.step}: the loss is not finite; batch {self.batches[self.position - 1]}"
            )
        rate = learning_rate(self.step, config.learning_rate, config.warmup_steps, config.steps)
        norm = update(
            self.accelerator, self.optimizers, self.model, loss, rate, config.gradient_clip
        )
        self.ema.update_parameters(self._llama())
        logs = {
            "loss/train": loss.item(),
            "gradient_norm": norm,
            "learning_rate": rate,
            "epoch": self.epoch,
        }
        return logs | {f"train/{name}": part.mean().item() for name, part in losses.items()}

    # -- around the steps
    def _llama(self) -> LlamaForCausalLM:
        return self.accelerator.unwrap_model(self.model).model

    def state(self) -> tuple[dict, dict]:
        modules = {"lm": self._llama().model, "ema": self.ema.module.model}
        return modules, {name: optimizer.optimizer for name, optimizer in self.optimizers.items()}

    def exports(self) -> Exports:
        """The LM."""

        def save(folder: Path) -> None:
            codes = self.voices.only(self.voices.codes)
            save_lm(folder, self.ema.module, self.layout, self.codec_hash, self.pieces, codes)

        return {"lm": with_lineage(save, self.lineage)}

    def counters(self) -> dict:
        place = {"epoch": self.epoch, "position": self.position}
        return place | {"averaged": int(self.ema.n_averaged)}

    def restore(self, counters: dict) -> None:
        self.epoch, self.position = counters["epoch"], counters["position"]
        self.ema.n_averaged.fill_(counters["averaged"])
        self.batches = self._epoch_batches()

    def shown(self, logs: dict[str, float]) -> dict[str, str]:
        return {"loss": f"{logs['loss/train']:.3f}", "epoch": f"{self.epoch}"}

    def after_step(self, tracker: Tracker) -> None:
        due = self.step % self.config.validate_every == 0 or self.step == self.config.steps
        if due and self.accelerator.is_main_process:
            validate(self.ema.module, self.valid, self.accelerator, tracker, self.step)
            speak(self.ema.module, self.valid, self.codec, tracker, self.step)


def make_optimizers(
    config: LMTrainingConfig, model: LlamaForCausalLM
) -> dict[str, torch.optim.Optimizer]:
    """Optimisers by name; embeddings and gains do not decay."""
    embedding = model.get_input_embeddings().weight
    matrices = [p for p in model.parameters() if p.dim() > 1 and p is not embedding]
    rest = [p for p in model.parameters() if p.dim() == 1 or p is embedding]
    adam = {"lr": config.learning_rate, "betas": (0.9, 0.95), "fused": True}
    if config.optimizer == "adamw":
        groups = [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        return {"adamw": torch.optim.AdamW(groups, **adam)}
    dtype = torch.bfloat16 if has_fast_bf16() else torch.float32
    muon = Muon(matrices, config.learning_rate, config.weight_decay, dtype=dtype)
    return {"muon": muon, "adamw": torch.optim.AdamW(rest, weight_decay=0.0, **adam)}
