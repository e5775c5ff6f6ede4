"""LoRA training of the token LM on one voice, with base data mixed into every step."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from affecttts.adaptation.adapter import (
    nearest_code,
    nearest_voice,
    scale_adapter,
    with_adapter,
    with_slot,
)
from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.prepared import Prepared
from affecttts.adaptation.replay import BaseData
from affecttts.data.codes.store import CodeStore
from affecttts.errors import RequestError
from affecttts.lm.model import TokenLM
from affecttts.lm.pieces import PromptPieces
from affecttts.lm.sequence import IGNORE
from affecttts.lm.voices import VoiceCodes
from affecttts.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from affecttts.training.lm.dataset import Item, LMDataset, MixtureConfig
from affecttts.training.lm.loss import StreamLoss, overall
from affecttts.training.lm.neighbours import NearMisses, neighbour_kernel
from affecttts.training.precision import mixed_precision
from affecttts.training.schedule import learning_rate
from affecttts.training.tracker import Tracker
from codec import Codec
from codec.files import read_json

if TYPE_CHECKING:
    from accelerate import Accelerator

PROBE_CLIPS = 12  # of the voice, by which the nearest base voice is found
MICRO_TOKENS = 1024  # that go through the model at once, about


@dataclass(frozen=True)
class VoiceData:
    """What a voice is trained from."""

    name: str
    code: bytes
    lm: TokenLM
    codec: Codec
    prepared: Prepared
    base: BaseData


class VoiceTrainer:
    """Everything alive in a run. The base model's own weights stay as they are.

    Args:
        output: working folder of the run: checkpoint/ and metrics.
    """

    def __init__(
        self, config: AdaptationConfig, data: VoiceData, output: Path, accelerator: Accelerator
    ) -> None:
        self.config, self.output, self.accelerator = config, output, accelerator
        self.key = data.prepared.report.key  # a checkpoint of other data is refused
        self.half = mixed_precision(config.mixed_precision) == "bf16"
        self.layout = data.lm.layout
        self._open_data(data)
        torch.manual_seed(config.seed)
        self.peft, self.started_from = self._adapter(data)
        self.trained = nn.ParameterList([p for p in self.peft.parameters() if p.requires_grad])
        books = data.codec.quantizer.code_vectors()[: self.layout.num_codebooks]
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

    def _adapter(self, data: VoiceData) -> tuple[Any, str]:
        """The network to train, and the base voice nearest to the new one."""
        llama, voices, layout = data.lm.llama(), data.lm.voices.means, self.layout
        if not layout.voices_are_slots:
            return with_adapter(llama, self.config), nearest_code(voices, data.code)
        probes = range(min(PROBE_CLIPS, len(self.voice.utterances)))
        batches = [self.voice.collate([(index,)], (0,)) for index in probes]
        nearest = nearest_voice(llama, layout, voices, data.code, batches)
        rows = (layout.voice(code)[0] for code in (data.code, voices[nearest]))
        return with_slot(llama, self.config, *rows), nearest

    def _open_data(self, data: VoiceData) -> None:
        config, rate = self.config, data.codec.config.frame_rate
        pieces = PromptPieces(data.lm.pieces_path) if data.lm.pieces_path else None
        free_text = config.free_text if pieces else 0.0
        manifest, store, base = data.prepared.manifest, CodeStore(data.prepared.folder), data.base
        known = data.lm.voices
        voices = VoiceCodes(known.speaker_encoder, {**known.codes, data.name: (data.code,)})

        def dataset(manifest: Path, codes: CodeStore, share: float, split: str) -> LMDataset:
            size = max(1, round(config.batch_tokens * share))
            mixture = MixtureConfig(config.prompt_dropout, free_text, config.joined, size)
            return LMDataset([manifest], codes, self.layout, pieces, rate, mixture, split, voices)

        self.voice = dataset(manifest, store, 1 - config.replay_share, "train")
        self.held_out = dataset(manifest, store, 1.0, "test")
        self.replay = None
        if config.replay_share:
            self.replay = dataset(base.manifest, base.store, config.replay_share, "train")

    # -- steps
    def _epoch_batches(self) -> list[tuple[list[Item], list[Item] | None]]:
        """For every step of an epoch a batch of the voice and one of base data."""
        accelerator = self.accelerator
        process = accelerator.process_index, accelerator.num_processes
        place = (self.epoch, self.config.seed, *process)
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
        drawn = hash((*seed, batch[0], dataset is self.voice)) % 2**31
        generator = torch.Generator().manual_seed(drawn)
        device = self.accelerator.device
        return self.near_misses(tokens, generator).to(device), labels.to(device)

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        self.model.train()
        batches = self._next_batches()
        counts = [int((labels[:, 1:] != IGNORE).sum()) for _, labels in batches]
        parts = [
            (place, *rows) for place, batch in enumerate(batches) for rows in _few_rows(*batch)
        ]
        sums = [0.0] * len(batches)
        for index, (place, *rows) in enumerate(parts, 1):
            sums[place] += self._backward(*rows, sum(counts), last=index == len(parts))
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
        """Add the gradients of the loss over tokens, labels [B,S], divided by `count`.

        Processes exchange gradients with the `last` part of a step alone, since they may have
        different numbers of parts.

        Returns:
            The loss, summed.
        """
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            # Not the accelerator's own autocast: its precision is set once in a process, which
            # may adapt several voices.
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
            place = {"step": self.step, "epoch": self.epoch, "position": self.position}
            state = place | {"origin": self._origin()}
            save_checkpoint(self.output / "checkpoint", *self._state(), state)

    def resume(self) -> None:
        """Go on where an earlier run of the same data and settings stopped, if there was one."""
        folder = self.output / "checkpoint"
        if not has_checkpoint(folder):
            return
        if read_json(folder / "state.json")["state"]["origin"] != self._origin():
            return
        state = load_checkpoint(folder, *self._state())
        self.step, self.epoch, self.position = state["step"], state["epoch"], state["position"]
        self.batches = self._epoch_batches()

    def run(self, show_progress: bool = True) -> None:
        """Train to the end."""
        from tqdm import tqdm

        config, main = self.config, self.accelerator.is_main_process
        tracker = Tracker(self.output, self.step) if main else None
        hidden = not (main and show_progress)
        bar = tqdm(initial=self.step, total=self.steps, desc="adapt", unit="step", disable=hidden)
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
        scale_adapter(self.peft, config.strength)


def _few_rows(tokens: Tensor, labels: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
    """A batch [B,S] in parts of about `MICRO_TOKENS`, so that few rows' activations are held."""
    rows = max(1, MICRO_TOKENS // tokens.shape[1])
    return zip(tokens.split(rows), labels.split(rows))
