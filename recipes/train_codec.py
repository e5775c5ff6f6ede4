"""Stage 1: train the codec.

    python recipes/train_codec.py recipes/configs/codec_small.yaml --manifest corpus/manifest.jsonl --output runs/codec
    accelerate launch recipes/train_codec.py ...          # several processes or a GPU
    python recipes/train_codec.py recipes/configs/codec_tiny.yaml --manifest M.jsonl --output runs/tiny   # seconds

Run it again with the same --output and it goes on where it stopped. The codec lies in OUTPUT/codec.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from tqdm import tqdm

from affecttts.data.audio_cache import AudioCache
from affecttts.data.crops import CropBatch, CropConfig, CropSampler
from affecttts.data.lineage import resumed_lineage, save_lineage, training_lineage
from affecttts.teachers.distillation import Distillation
from affecttts.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from affecttts.training.config import describe, load_config
from affecttts.training.schedule import learning_rate
from affecttts.training.tracker import Tracker
from codec import Codec, CodecConfig, CodecOutput
from codec.adversary import discriminator_loss, generator_losses
from codec.alignment import AlignmentConfig
from codec.balance import GradientBalancer
from codec.config import from_dict
from codec.discriminators import Discriminator, DiscriminatorConfig
from codec.losses import MultiScaleMelLoss, pitch_losses
from codec.relation import RelationConfig


@dataclass(frozen=True)
class CodecTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    preset: str = "small"
    codec: dict = field(default_factory=dict)  # changes to the preset
    steps: int = 7000
    batch_size: int = 16
    crop_seconds: float = 1.52
    learning_rate: float = 8e-4  # peak
    warmup_steps: int = 200
    discriminator_learning_rate: float = 2e-4
    gradient_clip: float = 1.0
    weight_ema: float = 0.999
    gain_jitter_db: float = 6.0
    speaker_weights: dict = field(default_factory=dict)  # sampling weight of a speaker's audio, 1 where not named
    quantizer_start_step: int = 400  # latents pass unquantised before; then the codebooks start by k-means
    quantizer_start_batches: int = 16
    freeze_codes: bool = False  # encoder and codebooks stay as they are
    codebook_choices: tuple = ()  # numbers of codebooks, one drawn per step; empty = all (with the quantiser's own dropout)
    adversarial_start_step: int | None = None  # None: no adversary
    adversarial_crop_seconds: float = 0.5
    relation: dict = field(default_factory=dict)  # changes to RelationConfig (module 2)
    alignment: dict = field(default_factory=dict)  # changes to AlignmentConfig (module 3)
    gradient_ratios: dict = field(default_factory=dict)  # "relation", "alignment": gradient at the latents over the reconstruction's
    balance_every: int = 10  # steps between measurements of those gradients
    loss_weights: dict = field(
        default_factory=lambda: {
            "mel": 15.0, "commitment": 0.25, "f0": 10.0, "voicing": 1.0, "adversarial": 1.0, "feature_matching": 2.0
        }
    )
    mixed_precision: str = "bf16"
    seed: int = 0
    log_every: int = 25
    validate_every: int = 1000
    checkpoint_every: int = 500


class Trainer:
    """Everything alive in a run."""

    def __init__(self, config: CodecTrainingConfig, cache_folder: Path, manifests: list[str], output: Path, init: str | None) -> None:
        set_seed(config.seed)
        self.config, self.output = config, output
        self.accelerator = Accelerator(mixed_precision=config.mixed_precision)
        codec = Codec.from_pretrained(init) if init else Codec(CodecConfig.preset(config.preset, **config.codec))
        self.shape = codec.config
        if config.freeze_codes:
            codec.encoder.requires_grad_(False)
        self.balancer = GradientBalancer(config.gradient_ratios)
        distillation = Distillation(
            self.shape, from_dict(RelationConfig, config.relation), from_dict(AlignmentConfig, config.alignment)
        )
        trained = [p for p in (*codec.parameters(), *distillation.parameters()) if p.requires_grad]
        self.ema = torch.optim.swa_utils.AveragedModel(
            codec, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.weight_ema), use_buffers=False
        )
        optimizer = torch.optim.AdamW(trained, config.learning_rate, betas=(0.8, 0.99), weight_decay=0.01, fused=True)
        self.discriminator = self.discriminator_optimizer = None
        if config.adversarial_start_step is not None:
            discriminator = Discriminator(DiscriminatorConfig())
            adversary = torch.optim.AdamW(discriminator.parameters(), config.discriminator_learning_rate, betas=(0.8, 0.99), fused=True)
            self.discriminator, self.discriminator_optimizer = self.accelerator.prepare(discriminator, adversary)
        self.codec, self.distillation, self.optimizer = self.accelerator.prepare(codec, distillation, optimizer)
        self.ema.to(self.accelerator.device)
        self.mel_loss = MultiScaleMelLoss(self.shape.sample_rate).to(self.accelerator.device)
        self.cache = AudioCache(manifests, cache_folder, self.shape.sample_rate, self.shape.hop_length)
        crops = CropConfig(config.batch_size, config.crop_seconds, config.gain_jitter_db, config.speaker_weights, config.seed)
        self.sampler = CropSampler(self.cache, crops, self.shape, self.accelerator.process_index)
        self.lineage = training_lineage(manifests, init)
        self.step = 0

    # -- one step -------------------------------------------------------------------------------------------------
    def train_step(self) -> dict[str, float]:
        """One generator update and, with an adversary, one discriminator update; returns the logged values."""
        config, weights = self.config, self.config.loss_weights
        batch = self.sampler.batch(self.step).to(self.accelerator.device)
        audio, f0, quantize = batch.audio, batch.f0, self.step >= config.quantizer_start_step
        self.codec.train()
        if config.freeze_codes:
            self._plain().quantizer.eval()
        with self.accelerator.autocast():
            output = self.codec(audio, f0, quantize, self._num_codebooks())
        losses = {"mel": self.mel_loss(output.audio, audio), **pitch_losses(output.decoded, f0)}
        logs = {}
        if quantize and not config.freeze_codes:
            losses["commitment"] = output.quantized.commitment
            if self.balancer.ratios:
                auxiliary, logs = self._distil(output, batch, weights["mel"] * losses["mel"])
                losses, weights = losses | auxiliary, weights | {name: self.balancer.weight(name) for name in auxiliary}
        if self.discriminator is not None and self.step >= config.adversarial_start_step:
            real, fake = self._adversarial_crop(audio, output.audio)
            logs["loss/discriminator"] = self._discriminator_step(real, fake.detach()).item()
            losses.update(self._judge_generator(real, fake))
        total = sum(weights[name] * loss for name, loss in losses.items())
        if not torch.isfinite(total):
            values = {name: loss.item() for name, loss in losses.items()}
            raise RuntimeError(f"step {self.step}: the loss is not finite: {values}; batch: {', '.join(batch.ids)}")
        rate = learning_rate(self.step, config.learning_rate, config.warmup_steps, config.steps)
        logs["gradient_norm"] = self._update(self.optimizer, self.codec, total, rate)
        self.ema.update_parameters(self._plain())
        logs |= {f"loss/{name}": loss.item() for name, loss in losses.items()} | {"learning_rate": rate}
        if output.quantized:
            logs |= {f"perplexity/q{k + 1}": p.item() for k, p in enumerate(output.quantized.perplexity)}
            logs["restarts"] = output.quantized.restarts.item()
        return logs

    def _distil(self, output: CodecOutput, batch: CropBatch, reconstruction: torch.Tensor) -> tuple[dict, dict]:
        """Losses of modules 2 and 3 at the first quantiser, their weights kept up to date, and values to log."""
        losses, logs = self.distillation(output.quantized, batch)
        if self.step % self.config.balance_every == 0 or not self.balancer.norms:
            self.balancer.measure(output.latents, reconstruction, losses)
        return losses, logs | {f"weight/{name}": self.balancer.weight(name) for name in losses}

    def _num_codebooks(self) -> int | None:
        choices = self.config.codebook_choices
        return choices[int(torch.randint(len(choices), ()))] if choices else None

    def _adversarial_crop(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        length = min(round(self.config.adversarial_crop_seconds * self.shape.sample_rate), real.shape[-1])
        start = int(torch.randint(0, real.shape[-1] - length + 1, ()))
        return real[..., start : start + length], fake[..., start : start + length]

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        with self.accelerator.autocast():
            loss = discriminator_loss(self.discriminator(real), self.discriminator(fake))
        rate = learning_rate(self.step, self.config.discriminator_learning_rate, 1, self.config.steps)
        self._update(self.discriminator_optimizer, self.discriminator, loss, rate)
        return loss

    def _judge_generator(self, real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        """Generator losses with the discriminator's weights held still."""
        self.discriminator.requires_grad_(False)
        with self.accelerator.autocast():
            with torch.no_grad():
                judged = self.discriminator(real)
            losses = generator_losses(judged, self.discriminator(fake))
        self.discriminator.requires_grad_(True)
        return losses

    def _update(self, optimizer, module, loss: torch.Tensor, rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(module.parameters(), self.config.gradient_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(norm)

    # -- around the steps -----------------------------------------------------------------------------------------
    def start_quantizer(self) -> None:
        """K-means on the latents of some batches; every process computes the same from rank 0's data."""
        codec = self._plain()
        with torch.no_grad(), self.accelerator.autocast():
            batches = [self.sampler.batch(self.step + i).audio.to(self.accelerator.device) for i in range(self.config.quantizer_start_batches)]
            latents = torch.cat([codec.encode_latents(batch).float() for batch in batches])
        codec.quantizer.initialise(latents, torch.Generator().manual_seed(self.config.seed))
        if self.accelerator.num_processes > 1:
            for buffer in codec.quantizer.buffers():
                torch.distributed.broadcast(buffer, 0)

    @torch.no_grad()
    def validate(self, tracker: Tracker) -> None:
        """Mel distance of the averaged weights on held-out clips, and four of them to listen to."""
        codec, clips = self.averaged(), [c for c in self.cache.clips if c.utterance.split == "valid"][::8][:24]
        distances = []
        for index, clip in enumerate(clips):
            audio = torch.from_numpy(self.cache.audio(clip))[None, None].to(self.accelerator.device)
            encoded = codec.encode(audio)
            rebuilt = codec.decode(encoded.codes, encoded.num_samples)
            distances.append(self.mel_loss(rebuilt, audio).item())
            if index < 4:
                tracker.audio(self.step, f"valid{index}", rebuilt[0, 0].cpu().numpy(), self.shape.sample_rate)
        tracker.scalars(self.step, {"valid/mel": float(np.mean(distances))})

    def averaged(self) -> Codec:
        """The codec with averaged weights and the current codebooks, in evaluation mode."""
        codec = self.ema.module
        codec.quantizer.load_state_dict(self._plain().quantizer.state_dict())
        return codec.eval()

    def _plain(self) -> Codec:
        return self.accelerator.unwrap_model(self.codec)

    def _state(self) -> tuple[dict, dict]:
        modules = {"codec": self._plain(), "ema": self.ema, "distillation": self.accelerator.unwrap_model(self.distillation)}
        optimizers = {"codec": self.optimizer.optimizer}
        if self.discriminator is not None:
            modules["discriminator"] = self.accelerator.unwrap_model(self.discriminator)
            optimizers["discriminator"] = self.discriminator_optimizer.optimizer
        return modules, optimizers

    def save(self) -> None:
        """Checkpoint for resuming, and the codec itself."""
        if self.accelerator.is_main_process:
            save_checkpoint(self.output / "checkpoint", *self._state(), self._counters())
            self.averaged().save_pretrained(self.output / "codec")
            save_lineage(self.output / "codec", self.lineage)

    def _counters(self) -> dict:
        run = {"config": describe(self.config), "lineage": self.lineage.to_dict()}
        return {"step": self.step, "gradient_norms": self.balancer.norms, **run}

    def resume(self) -> None:
        """Go on from OUTPUT/checkpoint where there is one."""
        if has_checkpoint(self.output / "checkpoint"):
            state = load_checkpoint(self.output / "checkpoint", *self._state())
            self.step, self.balancer.norms = state["step"], state["gradient_norms"]
            self.lineage |= resumed_lineage(state)

    def run(self) -> None:
        """Train to the configured number of steps."""
        config, tracker = self.config, Tracker(self.output)
        bar = tqdm(initial=self.step, total=config.steps, desc="codec", disable=not self.accelerator.is_main_process)
        while self.step < config.steps:
            if self.step == config.quantizer_start_step and not config.freeze_codes:
                self.start_quantizer()
            logs = self.train_step()
            self.step += 1
            bar.update()
            if self.step % config.log_every == 0 and self.accelerator.is_main_process:
                tracker.scalars(self.step, logs)
                bar.set_postfix(mel=f"{logs['loss/mel']:.3f}")
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self.save()
            if self.step % config.validate_every == 0 and self.step >= config.quantizer_start_step:
                self.validate(tracker)
        tracker.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="YAML file, see recipes/configs")
    parser.add_argument("--manifest", action="append", required=True, help="JSONL manifest; may be given several times")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--cache", type=Path, help="folder of decoded audio and F0 (default: OUTPUT/cache)")
    parser.add_argument("--init", help="codec folder to start from")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one config value")
    arguments = parser.parse_args()
    config = load_config(CodecTrainingConfig, arguments.config, arguments.set)
    trainer = Trainer(config, arguments.cache or arguments.output / "cache", arguments.manifest, arguments.output, arguments.init)
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    main()
