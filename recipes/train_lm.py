"""Stage 2: train the token LM on the shards of a frozen codec.

    python recipes/train_lm.py recipes/configs/small/lm.yaml --manifest corpus/manifest.jsonl \\
        --tokens runs/tokens --codec runs/codec/codec --output runs/lm
    accelerate launch recipes/train_lm.py ...             # several processes or a GPU
    python recipes/train_lm.py recipes/configs/tiny/lm.yaml ...   # seconds

Run it again with the same --output and it goes on where it stopped. The LM lies in OUTPUT/lm.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from tqdm import tqdm

from affecttts.data.codes.store import CodeStore
from affecttts.data.lineage import resumed_lineage, save_lineage, training_lineage
from affecttts.data.manifest import read_manifest
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.lm.engine import Engine
from affecttts.lm.generate import SamplingConfig, generate
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import (
    EMBEDDING_NAME,
    LMConfig,
    build_llama,
    carried_rows,
    load_lm,
    save_lm,
    structure_embeddings,
)
from affecttts.lm.pieces import PromptPieces, train_pieces
from affecttts.lm.sequence import Condition, phone_ids
from affecttts.training.checkpoint import (
    Exports,
    finish_run,
    has_checkpoint,
    load_checkpoint,
    save_run,
)
from affecttts.training.config import describe, load_config
from affecttts.training.lm.dataset import Item, LMDataset, MixtureConfig
from affecttts.training.lm.loss import StreamLoss, overall
from affecttts.training.lm.neighbours import NearMisses, neighbour_kernel
from affecttts.training.muon import Muon
from affecttts.training.precision import check_precision, has_fast_bf16, mixed_precision
from affecttts.training.schedule import learning_rate
from affecttts.training.tracker import Tracker
from codec import Codec
from codec.atomic import atomic_file, sweep
from codec.errors import CheckpointError
from codec.files import fingerprint, load_strictly

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


@dataclass(frozen=True)
class LMTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    num_codebooks: int = 4  # books that the LM models
    hidden_size: int = 384
    num_layers: int = 6
    num_heads: int = 6
    mlp_size: int = 1024
    dropout: float = 0.0
    max_tokens: int = 4096
    num_pieces: int = 1024
    first_voices: tuple = ("heart", "bella", "fenrir", "michael")  # slots of the voices that ship
    # "muon" for the matrices (arXiv 2502.16982) and AdamW for the rest, or "adamw" for all
    optimizer: str = "muon"
    steps: int = 2600
    batch_tokens: int = 8192
    learning_rate: float = 1.5e-3  # peak
    warmup_steps: int = 100
    weight_decay: float = 0.05
    gradient_clip: float = 1.0
    weight_ema: float = 0.998
    prompt_dropout: float = 0.1
    free_text: float = 0.15
    joined: float = 0.05
    label_softness: float = 0.4  # share of a code's label that goes to the codes near it
    code_noise: float = 0.1  # share of input codec tokens replaced by codes near them
    # torch.compile: a minute or two at the start, then 1.4 times faster on a CPU
    compile: bool = False
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    log_every: int = 20
    validate_every: int = 250
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        check_precision(self.mixed_precision)


class Trainer:
    """Everything alive in a run."""

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
        sweep(output)
        self.accelerator = Accelerator(mixed_precision=mixed_precision(config.mixed_precision))
        store = CodeStore(tokens)
        if store.codec_fingerprint != fingerprint(codec):
            raise CheckpointError(
                f"{tokens}: encoded by codec {store.codec_fingerprint}, but "
                f"{codec} is {fingerprint(codec)}"
            )
        self.codec, self.codec_hash = Codec.from_pretrained(codec), store.codec_fingerprint
        self.layout = self._make_layout(manifests)
        self.pieces = self._make_pieces(manifests, init)
        mixture = MixtureConfig(
            config.prompt_dropout, config.free_text, config.joined, config.batch_tokens
        )
        rate = self.codec.config.frame_rate
        processor = PromptPieces(output / "prompt_pieces.model")
        self.train, self.valid = (
            LMDataset(manifests, store, self.layout, processor, rate, mixture, split)
            for split in ("train", "valid")
        )
        shape = LMConfig(
            config.hidden_size,
            config.num_layers,
            config.num_heads,
            config.mlp_size,
            config.max_tokens,
            config.dropout,
        )
        model = self._start_from(init, shape, init_codec) if init else self._fresh(shape)
        kernels = [
            neighbour_kernel(vectors, config.label_softness) for vectors in self._codebooks()
        ]
        self.near_misses = NearMisses(self.layout, self._codebooks(), config.code_noise)
        self.ema = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.weight_ema)
        )
        if config.compile:
            model.set_attn_implementation("eager")  # the one that a compiler can fuse
            model.model.compile(dynamic=True)
        optimizers = self._optimizers(model)
        self.model, *prepared = self.accelerator.prepare(
            StreamLoss(model, self.layout, kernels), *optimizers.values()
        )
        self.optimizers = dict(zip(optimizers, prepared))
        self.ema.to(self.accelerator.device)
        self.lineage = training_lineage(manifests, init, codec)
        self.step, self.epoch, self.position = 0, 0, 0
        self.batches = self._epoch_batches()

    def _fresh(self, shape: LMConfig) -> LlamaForCausalLM:
        model = build_llama(shape, self.layout)
        structure_embeddings(model, self.layout, self._codebooks(), self.config.seed)
        return model

    def _codebooks(self) -> list[torch.Tensor]:
        """[codebook_size, D] of every book that the LM models."""
        return self.codec.quantizer.code_vectors()[: self.layout.num_codebooks]

    def _optimizers(self, model: LlamaForCausalLM) -> dict[str, torch.optim.Optimizer]:
        """Embeddings and gains do not decay."""
        config, embedding = self.config, model.get_input_embeddings().weight
        matrices = [p for p in model.parameters() if p.dim() > 1 and p is not embedding]
        rest = [p for p in model.parameters() if p.dim() == 1 or p is embedding]
        adam = {"lr": config.learning_rate, "betas": (0.9, 0.95), "fused": True}
        if config.optimizer == "adamw":
            groups = [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": rest, "weight_decay": 0.0},
            ]
            return {"adamw": torch.optim.AdamW(groups, **adam)}
        if config.optimizer != "muon":
            raise RequestError(f"optimizer is {config.optimizer!r}; give adamw or muon")
        dtype = torch.bfloat16 if has_fast_bf16() else torch.float32
        muon = Muon(matrices, config.learning_rate, config.weight_decay, dtype=dtype)
        return {"muon": muon, "adamw": torch.optim.AdamW(rest, weight_decay=0.0, **adam)}

    def _start_from(self, init: str, shape: LMConfig, init_codec: Path | None) -> LlamaForCausalLM:
        """Weights of another LM folder of the same vocabulary; it may know fewer voices, model
        fewer books, or be of another codec.

        The rows of its missing books, or all codec tokens of another codec, start from the
        codebooks as in a fresh model. Where this codec went on from that one (`init_codec`), its
        rows are carried over to the moved codebooks.
        """
        start = load_lm(init)
        voices = self.layout.voices[: len(start.layout.voices)]
        if (
            replace(self.layout, num_codebooks=start.layout.num_codebooks, voices=voices)
            != start.layout
        ):
            raise CheckpointError(
                f"{init}: its token layout is not that of this run; train without --init"
            )
        same_codec = start.codec_fingerprint == self.codec_hash
        if same_codec and start.layout == self.layout:
            return start.llama()
        shared = min(start.layout.num_codebooks, self.layout.num_codebooks)
        model, rows = self._fresh(shape), start.layout.book(shared if same_codec else 0)
        fresh = model.get_input_embeddings().weight.detach().clone()
        fresh[:rows] = start.tensors[EMBEDDING_NAME][:rows]
        if init_codec is not None:
            if start.codec_fingerprint != fingerprint(init_codec):
                raise CheckpointError(
                    f"{init_codec}: not the codec of {init}, which is {start.codec_fingerprint}"
                )
            before = Codec.from_pretrained(init_codec).quantizer.code_vectors()
            for book, (old, new) in enumerate(zip(before[:shared], self._codebooks())):
                place = slice(start.layout.book(book), start.layout.book(book + 1))
                fresh[place] = carried_rows(start.tensors[EMBEDDING_NAME][place].float(), old, new)
        load_strictly(
            model, start.tensors | {EMBEDDING_NAME: fresh, "lm_head.weight": fresh}, Path(init)
        )
        return model

    def _make_layout(self, manifests: list[str]) -> TokenLayout:
        speakers = {u.speaker for m in manifests for u in read_manifest(m) if u.emotion}
        first = [name for name in self.config.first_voices if name in speakers]
        voices = (*first, *sorted(speakers - set(first)))
        return TokenLayout(
            load_emotions().ids,
            voices,
            self.config.num_codebooks,
            self.codec.config.codebook_size,
            self.config.num_pieces,
        )

    def _make_pieces(self, manifests: list[str], init: str | None) -> bytes:
        """Pieces are those of the LM to start from, else trained on the prompts' phrasings and the
        corpus's texts.
        """
        path, started = (
            self.output / "prompt_pieces.model",
            load_lm(init).pieces_path if init else None,
        )
        if not path.exists() and started:
            self.output.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as temporary:
                temporary.write_bytes(started.read_bytes())
        if not path.exists():
            texts = [u.text for m in manifests for u in read_manifest(m) if u.text]
            texts += [
                phrase for emotion in load_emotions().emotions for phrase in emotion.phrasings
            ]
            self.output.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as temporary:
                temporary.write_bytes(train_pieces(texts, self.config.num_pieces))
        return path.read_bytes()

    def _epoch_batches(self) -> list[list[int]]:
        return self.train.batches(
            self.epoch,
            self.config.seed,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens and labels of the next step; the position is (epoch, index) and is saved."""
        if self.position == len(self.batches):
            self.epoch, self.position = self.epoch + 1, 0
            self.batches = self._epoch_batches()
        batch = self.batches[self.position]
        self.position += 1
        tokens, labels = self.train.collate(batch, (self.config.seed, self.epoch))
        return self._noisy(tokens, batch[0]).to(self.accelerator.device), labels.to(
            self.accelerator.device
        )

    def _noisy(self, tokens: torch.Tensor, first_item: Item) -> torch.Tensor:
        """Some input codes replaced by near misses, so that the LM learns to go on after a draw
        that was not the best.
        """
        generator = torch.Generator().manual_seed(
            hash((self.config.seed, self.epoch, first_item)) % 2**31
        )
        return self.near_misses(tokens, generator)

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        tokens, labels = self.next_batch()
        self.model.train()
        with self.accelerator.autocast():
            losses = self.model(tokens, labels)
        loss = overall(losses)
        if not torch.isfinite(loss):
            raise RuntimeError(
                f"step {self.step}: the loss is not finite; batch {self.batches[self.position - 1]}"
            )
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        rate = learning_rate(
            self.step, self.config.learning_rate, self.config.warmup_steps, self.config.steps
        )
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.ema.update_parameters(self._llama())
        logs = {
            "loss/train": loss.item(),
            "gradient_norm": float(norm),
            "learning_rate": rate,
            "epoch": self.epoch,
        }
        return logs | {f"train/{name}": part.mean().item() for name, part in losses.items()}

    @torch.no_grad()
    def validate(self, tracker: Tracker) -> None:
        """Loss of the averaged weights on the validation split, and spoken samples."""
        averaged, parts = StreamLoss(self.ema.module.eval(), self.layout), {}
        for batch in self.valid.batches(0, 0, 0, 1):
            tokens, labels = (
                part.to(self.accelerator.device) for part in self.valid.collate(batch, (1,))
            )
            with self.accelerator.autocast():
                losses = averaged(tokens, labels)
            for name, part in losses.items():
                parts.setdefault(name, []).append(part)
        joined = {name: torch.cat(part) for name, part in parts.items()}
        rows = {f"valid/{name}": part.mean().item() for name, part in joined.items()}
        tracker.scalars(self.step, {"valid/loss": overall(joined).item(), **rows})
        self._speak(tracker)

    def _llama(self):
        return self.accelerator.unwrap_model(self.model).model

    def _speak(self, tracker: Tracker) -> None:
        engine = Engine(
            self.ema.module.config.to_dict(),
            {k: v.cpu() for k, v in self.ema.module.state_dict().items()},
        )
        for utterance in self.valid.utterances[:2]:
            condition = Condition(
                utterance.speaker, utterance.emotion, utterance.intensity, utterance.vad
            )
            phones = phone_ids(self.layout, utterance.ipa)
            result = generate(
                engine,
                self.layout,
                [condition],
                [1.0],
                phones,
                SamplingConfig(),
                torch.Generator().manual_seed(0),
            )
            if result.codes.shape[1]:
                audio = self.codec.decode(result.codes[None])[0, 0].numpy()
                tracker.audio(self.step, utterance.id, audio, self.codec.config.sample_rate)

    def _state(self) -> tuple[dict, dict]:
        modules = {"lm": self._llama().model, "ema": self.ema.module.model}
        return modules, {name: optimizer.optimizer for name, optimizer in self.optimizers.items()}

    def save(self) -> None:
        """The LM itself, and the checkpoint for resuming."""
        if self.accelerator.is_main_process:
            state = {
                "step": self.step,
                "epoch": self.epoch,
                "position": self.position,
                "averaged": int(self.ema.n_averaged),
            }
            state["lineage"] = self.lineage.to_dict()
            state["config"] = describe(self.config)
            save_run(self.output, self._exports(), *self._state(), state)

    def _exports(self) -> Exports:
        return {"lm": self._export_lm}

    def _export_lm(self, folder: Path) -> None:
        save_lm(folder, self.ema.module, self.layout, self.codec_hash, self.pieces)
        save_lineage(folder, self.lineage)

    def resume(self) -> None:
        """Go on from OUTPUT/checkpoint where there is one."""
        if has_checkpoint(self.output / "checkpoint"):
            state = load_checkpoint(self.output / "checkpoint", *self._state())
            self.step, self.epoch, self.position = state["step"], state["epoch"], state["position"]
            self.ema.n_averaged.fill_(state["averaged"])
            self.lineage |= resumed_lineage(state)
            self.batches = self._epoch_batches()

    def run(self) -> None:
        """Train to the configured number of steps."""
        config, tracker = self.config, Tracker(self.output, self.step)
        main = self.accelerator.is_main_process
        bar = tqdm(initial=self.step, total=config.steps, desc="lm", disable=not main)
        while self.step < config.steps:
            logs = self.train_step()
            self.step += 1
            bar.update()
            if self.step % config.log_every == 0 and main:
                tracker.scalars(self.step, logs)
                bar.set_postfix(loss=f"{logs['loss/train']:.3f}", epoch=self.epoch)
            if (self.step % config.validate_every == 0 or self.step == config.steps) and main:
                self.validate(tracker)
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self.save()
        tracker.close()
        if main:
            finish_run(self.output, self._exports())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="YAML file, see recipes/configs")
    parser.add_argument(
        "--manifest",
        action="append",
        required=True,
        help="JSONL manifest; may be given several times",
    )
    parser.add_argument("--tokens", required=True, help="folder of token shards")
    parser.add_argument(
        "--codec", type=Path, required=True, help="codec folder that made the tokens"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--init",
        help="LM folder to start from; it may model fewer codebooks or be of another codec",
    )
    parser.add_argument(
        "--init-codec",
        type=Path,
        help="codec of --init, where --codec is that one trained on: its codes carry over",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one config value"
    )
    arguments = parser.parse_args()
    config = load_config(LMTrainingConfig, arguments.config, arguments.set)
    trainer = Trainer(
        config,
        arguments.manifest,
        arguments.tokens,
        arguments.codec,
        arguments.output,
        arguments.init,
        arguments.init_codec,
    )
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    main()
