"""LoRA training of the token LM on one voice, with base data mixed into every step."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.prepare import Prepared
from affecttts.adaptation.replay import BaseData
from affecttts.data.codes.store import CodeStore
from affecttts.errors import RequestError
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import TokenLM
from affecttts.lm.pieces import PromptPieces
from affecttts.lm.sequence import IGNORE
from affecttts.synthesis.lora import CONFIG_NAME, PROJECTIONS, WEIGHTS_NAME
from affecttts.synthesis.voices import voice_layout
from affecttts.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from affecttts.training.lm.dataset import Item, LMDataset, MixtureConfig
from affecttts.training.lm.loss import StreamLoss, overall
from affecttts.training.lm.neighbours import NearMisses, neighbour_kernel
from affecttts.training.precision import mixed_precision
from affecttts.training.schedule import learning_rate
from affecttts.training.tracker import Tracker
from codec import Codec
from codec.files import save_weights, write_json

if TYPE_CHECKING:
    from accelerate import Accelerator
    from transformers import LlamaForCausalLM

PROBE_CLIPS = 12  # of the voice, on which the nearest base voice is found
MICRO_TOKENS = 1024  # that go through the model at once, give or take a row


class VoiceTrainer:
    """Everything alive in a run. The base model's own weights stay as they are.

    Args:
        output: working folder of the run: checkpoint/ and metrics.
        key: hash of the training data; a checkpoint of other data is refused.
    """

    def __init__(
        self,
        config: AdaptationConfig,
        lm: TokenLM,
        codec: Codec,
        prepared: Prepared,
        base: BaseData,
        name: str,
        output: Path,
        accelerator: Accelerator,
    ) -> None:
        self.config, self.output, self.accelerator, self.key = (
            config,
            output,
            accelerator,
            prepared.report.key,
        )
        self.half = mixed_precision(config.mixed_precision) == "bf16"
        self.layout = voice_layout(lm.layout, name)
        self.token = self.layout.voice(name)
        self._open_data(lm, codec, prepared, base)
        torch.manual_seed(config.seed)
        llama = lm.llama()
        self.started_from = self._nearest_voice(llama, lm.layout)
        self.peft = self._with_adapter(llama, lm.layout.voice(self.started_from))
        self.trained = nn.ParameterList([p for p in self.peft.parameters() if p.requires_grad])
        books = [book.vectors for book in codec.quantizer.codebooks[: self.layout.num_codebooks]]
        self.near_misses = NearMisses(self.layout, books, config.code_noise)
        kernels = [neighbour_kernel(vectors, config.label_softness) for vectors in books]
        optimizer = torch.optim.AdamW(
            self.trained, config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0
        )
        loss = StreamLoss(self.peft.get_base_model(), self.layout, kernels)
        self.model, self.optimizer = accelerator.prepare(loss, optimizer)
        self.step, self.epoch, self.position = 0, 0, 0
        self.batches = self._epoch_batches()
        self.steps = config.steps(len(self.batches))

    def _open_data(self, lm: TokenLM, codec: Codec, prepared: Prepared, base: BaseData) -> None:
        config, rate = self.config, codec.config.frame_rate
        pieces = PromptPieces(lm.pieces_path) if lm.pieces_path else None
        free_text = config.free_text if pieces else 0.0
        store = CodeStore(prepared.folder)

        def dataset(manifest: Path, tokens: CodeStore, share: float, split: str) -> LMDataset:
            size = max(1, round(config.batch_tokens * share))
            mixture = MixtureConfig(config.prompt_dropout, free_text, config.joined, size)
            return LMDataset([manifest], tokens, self.layout, pieces, rate, mixture, split)

        self.voice = dataset(prepared.manifest, store, 1 - config.replay_share, "train")
        self.held_out = dataset(prepared.manifest, store, 1.0, "test")
        self.replay = (
            dataset(base.manifest, base.store, config.replay_share, "train")
            if config.replay_share
            else None
        )

    # -- the adapter
    @torch.no_grad()
    def _nearest_voice(self, llama: LlamaForCausalLM, layout: TokenLayout) -> str:
        """The base voice under which the clips are likeliest: where the new voice's row of the
        embedding starts.
        """
        loss, own = StreamLoss(llama, layout), self.token
        batches = [
            self.voice.collate([(index,)], (0,))
            for index in range(min(PROBE_CLIPS, len(self.voice.utterances)))
        ]

        def mean_loss(voice: str) -> float:
            parts = [
                overall(loss(tokens.where(tokens != own, layout.voice(voice)), labels))
                for tokens, labels in batches
            ]
            return float(torch.stack(parts).mean())

        return min(layout.voices, key=mean_loss)

    def _with_adapter(self, llama: LlamaForCausalLM, first_row: int) -> Any:
        """The Llama with LoRA on its projections and one trainable row of its (tied) embedding."""
        from peft import LoraConfig, get_peft_model

        lora = LoraConfig(
            r=self.config.rank,
            lora_alpha=self.config.alpha,
            lora_dropout=self.config.dropout,
            bias="none",
            target_modules=list(PROJECTIONS),
            trainable_token_indices={"embed_tokens": [self.token]},
            task_type="CAUSAL_LM",
        )
        start = llama.get_input_embeddings().weight[first_row].detach().clone()
        with warnings.catch_warnings():
            # of transformers, about what peft asks of it
            warnings.simplefilter("ignore", FutureWarning)
            peft = get_peft_model(llama, lora)
        rows = [p for name, p in peft.named_parameters() if "trainable_tokens_delta" in name]
        if len(rows) != 1:
            raise RuntimeError(
                f"peft made {len(rows)} trainable embeddings where the tied ones "
                "need one; update peft"
            )
        rows[0].data.copy_(start[None])
        return peft

    def save_adapter(self, folder: Path) -> None:
        """Write PEFT's own two files, in half precision as the base model's."""
        from peft import get_peft_model_state_dict

        values = self.peft.peft_config["default"].to_dict() | {
            "base_model_name_or_path": None,
            "inference_mode": True,
        }
        write_json(
            folder / CONFIG_NAME, json.loads(json.dumps(values, default=_plain, sort_keys=True))
        )
        tensors = get_peft_model_state_dict(self.peft, save_embedding_layers=False)
        save_weights(
            folder / WEIGHTS_NAME, {name: tensor.half() for name, tensor in sorted(tensors.items())}
        )

    # -- steps
    def _epoch_batches(self) -> list[tuple[list[Item], list[Item] | None]]:
        """For every step of an epoch a batch of the voice and one of base data."""
        place = (
            self.epoch,
            self.config.seed,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )
        voice = self.voice.batches(*place)
        replay = self.replay.batches(*place) if self.replay else [None]
        return [(batch, replay[index % len(replay)]) for index, batch in enumerate(voice)]

    def _next_batches(self) -> list[tuple[Tensor, Tensor]]:
        if self.position == len(self.batches):
            self.epoch, self.position = self.epoch + 1, 0
            self.batches = self._epoch_batches()
        voice, replay = self.batches[self.position]
        self.position += 1
        parts = [(self.voice, voice)] + ([(self.replay, replay)] if replay else [])
        return [self._collated(dataset, batch) for dataset, batch in parts]

    def _collated(self, dataset: LMDataset, batch: list[Item]) -> tuple[Tensor, Tensor]:
        seed = (self.config.seed, self.epoch)
        tokens, labels = dataset.collate(batch, seed)
        generator = torch.Generator().manual_seed(
            hash((*seed, batch[0], dataset is self.voice)) % 2**31
        )
        device = self.accelerator.device
        return self.near_misses(tokens, generator).to(device), labels.to(device)

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        self.model.train()
        batches = self._next_batches()
        counts = [int((labels[:, 1:] != IGNORE).sum()) for _, labels in batches]
        pieces = [
            (place, *rows) for place, batch in enumerate(batches) for rows in _few_rows(*batch)
        ]
        sums = [0.0] * len(batches)
        for index, (place, *rows) in enumerate(pieces, 1):
            sums[place] += self._backward(*rows, sum(counts), last=index == len(pieces))
        norm = self.accelerator.clip_grad_norm_(self.trained, self.config.gradient_clip)
        rate = learning_rate(
            self.step, self.config.learning_rate, self.config.warmup_steps, self.steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        logs = {
            f"loss/{kind}": part / count
            for kind, part, count in zip(("voice", "replay"), sums, counts)
        }
        return logs | {
            "loss/train": sum(sums) / sum(counts),
            "gradient_norm": float(norm),
            "learning_rate": rate,
        }

    def _backward(self, tokens: Tensor, labels: Tensor, count: int, last: bool) -> float:
        """Add the gradients of the loss summed over tokens, labels [B,S], divided by `count`;
        returns the sum.

        Processes exchange gradients with the `last` part of a step alone, for they may have
        different numbers of them.
        """
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            # Not the accelerator's own: its precision is set once in a process, and a service
            # adapts many voices.
            with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.half):
                loss = torch.cat(list(self.model(tokens, labels).values())).sum()
            if not torch.isfinite(loss):
                raise RequestError(
                    f"step {self.step}: the loss is not finite; give a lower learning rate"
                )
            self.accelerator.backward(loss / count)
        return loss.item()

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """Mean loss on the clips that are kept from training."""
        plain, parts = StreamLoss(self.peft.get_base_model().eval(), self.layout), []
        for batch in self.held_out.batches(0, 0, 0, 1):
            tokens, labels = (
                part.to(self.accelerator.device) for part in self.held_out.collate(batch, (0,))
            )
            parts.append(overall(plain(tokens, labels)))
        return float(torch.stack(parts).mean())

    # -- the run
    def _state(self) -> tuple[dict, dict]:
        return {"adapter": self.trained}, {"adapter": self.optimizer.optimizer}

    def _origin(self) -> dict[str, Any]:
        """What a checkpoint must have been made from."""
        return {"data": self.key, "config": asdict(self.config), "steps": self.steps}

    def save(self) -> None:
        """Checkpoint for resuming."""
        if self.accelerator.is_main_process:
            state = {
                "step": self.step,
                "epoch": self.epoch,
                "position": self.position,
                "origin": self._origin(),
            }
            save_checkpoint(self.output / "checkpoint", *self._state(), state)

    def resume(self) -> None:
        """Go on where an earlier run of the same data and settings stopped; start anew where they
        differ.
        """
        folder = self.output / "checkpoint"
        if not has_checkpoint(folder):
            return
        if (
            json.loads((folder / "state.json").read_text(encoding="utf-8"))["state"]["origin"]
            != self._origin()
        ):
            return
        state = load_checkpoint(folder, *self._state())
        self.step, self.epoch, self.position = state["step"], state["epoch"], state["position"]
        self.batches = self._epoch_batches()

    def run(self, show_progress: bool = True) -> None:
        """Train to the end."""
        from tqdm import tqdm

        config, main = self.config, self.accelerator.is_main_process
        tracker = Tracker(self.output, self.step) if main else None
        bar = tqdm(
            initial=self.step,
            total=self.steps,
            desc="adapt",
            unit="step",
            disable=not (main and show_progress),
        )
        while self.step < self.steps:
            logs = self.train_step()
            self.step += 1
            bar.update()
            if self.step % config.log_every == 0 and main:
                tracker.scalars(self.step, logs)
                bar.set_postfix(voice=f"{logs['loss/voice']:.3f}", epoch=self.epoch)
            if self.step % config.checkpoint_every == 0 or self.step == self.steps:
                self.save()
        bar.close()
        if main:
            tracker.close()
        self._keep_share(config.strength)

    def _keep_share(self, strength: float) -> None:
        """Go back part of the way from the adapted to the base model, the voice's own row of the
        embedding aside.

        A few minutes of speech teach how a voice sounds sooner than they spoil how words sound;
        between the two models most of the one is there and little of the other (as in WiSE-FT,
        arXiv 2109.01903).
        """
        for name, weight in self.peft.named_parameters():
            if "lora_B" in name:
                weight.data.mul_(strength)


def _few_rows(tokens: Tensor, labels: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
    """A batch [B,S] in parts of about `MICRO_TOKENS`, so that activations of few rows are held at
    once.
    """
    rows = max(1, MICRO_TOKENS // tokens.shape[1])
    return zip(tokens.split(rows), labels.split(rows))


def _plain(value: Any) -> Any:
    """What JSON has no word for in PEFT's config: sets and enums."""
    return (
        sorted(value)
        if isinstance(value, (set, frozenset))
        else getattr(value, "value", str(value))
    )
