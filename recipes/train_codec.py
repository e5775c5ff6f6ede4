"""Stage 1: train the codec.

    python recipes/train_codec.py recipes/configs/small/codec_1_base.yaml \\
        --manifest corpus/manifest.jsonl --output runs/codec
    accelerate launch recipes/train_codec.py ...          # several processes or a GPU
    # seconds
    python recipes/train_codec.py recipes/configs/tiny/codec.yaml --manifest M.jsonl \\
        --output runs/tiny

Run it again with the same --output and it goes on where it stopped. The codec lies in OUTPUT/codec.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from tqdm import tqdm

from affecttts.data.audio_cache import AudioCache
from affecttts.data.codes.store import CodeStore
from affecttts.data.lineage import resumed_lineage, save_lineage, training_lineage
from affecttts.errors import RequestError
from affecttts.teachers.lessons import Lessons, collate
from affecttts.teachers.registry import make_teacher
from affecttts.training.checkpoint import (
    Exports,
    finish_run,
    has_checkpoint,
    load_checkpoint,
    save_run,
)
from affecttts.training.codec.adversary import Adversary, update
from affecttts.training.codec.config import LOSS_WEIGHTS, CodecTrainingConfig
from affecttts.training.codec.crops import CropBatch, CropConfig, CropSampler
from affecttts.training.codec.distillation import Distillation
from affecttts.training.config import describe, load_config
from affecttts.training.precision import mixed_precision
from affecttts.training.schedule import faded, learning_rate, ramp
from affecttts.training.tracker import Tracker
from codec import Codec, CodecConfig, CodecOutput
from codec.atomic import sweep
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import fingerprint
from codec.model import CODEBOOKS
from codec.student import code_agreement
from codec.training.alignment import AlignmentConfig
from codec.training.balance import GradientBalancer
from codec.training.cycle import cycle_loss
from codec.training.discriminators import Discriminator, DiscriminatorConfig
from codec.training.losses import MagnitudeLosses, SpectralLosses, pitch_losses
from codec.training.phone_classifier import PhoneClassifier, PhoneticLoss
from codec.training.relation import RelationConfig


class Trainer:
    """Everything alive in a run."""

    def __init__(
        self,
        config: CodecTrainingConfig,
        cache_folder: Path,
        manifests: list[str],
        output: Path,
        init: str | None,
        init_discriminator: str | None = None,
        predicted: str | None = None,
        phone_classifier: str | None = None,
    ) -> None:
        set_seed(config.seed)
        sweep(output)
        self.config, self.output, self.weights = config, output, LOSS_WEIGHTS | config.loss_weights
        self.accelerator = Accelerator(mixed_precision=mixed_precision(config.mixed_precision))
        known = Codec.read_config(init) if init else CodecConfig.preset(config.preset)
        shape = known.changed(**config.codec)
        if shape.detail_codebooks != known.detail_codebooks:
            raise RequestError(
                "codec.detail_codebooks: a trained codec gets its detail layer "
                "from recipes/fit_detail.py"
            )
        if self.weights["cycle"] and not shape.student_dim:
            asked = f"loss_weights.cycle is {self.weights['cycle']}: it asks a student"
            raise RequestError(f"{asked}; set codec.student_dim, or leave the weight at 0")
        with self.accelerator.main_process_first():  # which fills what is missing
            self.cache = AudioCache(manifests, cache_folder, shape.sample_rate, shape.hop_length)
            self.lessons = self._lessons(shape, cache_folder / "teachers")
        self.shape = self._taught(shape)
        codec = Codec.extended(init, self.shape) if init else Codec(self.shape)
        if config.freeze_codes:
            for part in filter(
                None, (codec.encoder, codec.modulator, codec.student, codec.quantizer)
            ):
                part.requires_grad_(False)
        self.balancer = GradientBalancer(config.gradient_ratios)
        alignment = from_dict(AlignmentConfig, config.alignment)
        distillation = Distillation(
            self.shape,
            self._dims(),
            from_dict(RelationConfig, config.relation),
            alignment,
            tuple(config.gradient_ratios),
        )
        trained = [p for p in (*codec.parameters(), *distillation.parameters()) if p.requires_grad]
        self.ema = torch.optim.swa_utils.AveragedModel(
            codec,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.weight_ema),
            use_buffers=False,
        )
        optimizer = torch.optim.AdamW(
            trained, config.learning_rate, betas=(0.8, 0.99), weight_decay=0.01, fused=True
        )
        self.adversary = (
            self._adversary(init_discriminator)
            if config.adversarial_start_step is not None
            else None
        )
        self.codec, self.distillation, self.optimizer = self.accelerator.prepare(
            codec, distillation, optimizer
        )
        self.ema.to(self.accelerator.device)
        self.spectral = SpectralLosses(self.shape.sample_rate).to(self.accelerator.device)
        linear = any(self.weights[name] for name in ("log_magnitude", "magnitude_convergence"))
        self.magnitudes = MagnitudeLosses().to(self.accelerator.device) if linear else None
        self.phonetic_loss = self._phonetic(phone_classifier) if phone_classifier else None
        crops = CropConfig(
            config.batch_size,
            config.crop_seconds,
            config.gain_jitter_db,
            config.speaker_weights,
            config.seed,
            alignment.reach,
            config.predicted_share,
        )
        store = self._predicted(predicted, init) if predicted else None
        self.sampler = CropSampler(
            self.cache, crops, self.shape, self.accelerator.process_index, self.lessons, store
        )
        teachers = (
            (config.emotion_teacher, config.semantic_teacher, config.text_teacher)
            if self.lessons is not None
            else ()
        )
        self.lineage = training_lineage(
            manifests,
            init,
            teachers={*teachers, *(["phone_classifier"] if phone_classifier else [])},
        )
        self.step = 0

    def _lessons(self, shape: CodecConfig, root: Path) -> Lessons | None:
        """What the teachers say of the corpus, asked where it is not yet known; None where nothing
        needs it.
        """
        config = self.config
        reads = shape.modulation not in ("none", "self") or shape.emotion_channels > 0
        if config.freeze_codes or not (config.gradient_ratios or reads):
            return None
        names = (config.emotion_teacher, config.semantic_teacher, config.text_teacher)
        return Lessons(
            *(make_teacher(name, shape, str(self.accelerator.device)) for name in names),
            self.cache,
            root,
        )

    def _predicted(self, folder: str, init: str | None) -> CodeStore:
        """Codes that a language model predicted, for a decoder that will hear such codes."""
        store = CodeStore(folder)
        if (
            not self.config.freeze_codes
            or init is None
            or store.codec_fingerprint != fingerprint(init)
        ):
            raise CheckpointError(
                f"{folder}: codes of codec {store.codec_fingerprint}; give that "
                "codec as --init, freeze_codes true"
            )
        return store

    def _taught(self, shape: CodecConfig) -> CodecConfig:
        """The codec's shape with the teachers whose features its modulation reads.

        Raises:
            RequestError: the modulation attends further than a crop reaches.
        """
        config, lessons, frames = (
            self.config,
            self.lessons,
            round(self.config.crop_seconds * shape.frame_rate),
        )
        if shape.modulation == "none" or config.freeze_codes:
            return shape
        if shape.modulation_window >= frames:
            raise RequestError(
                f"codec.modulation_window {shape.modulation_window} is not below the {frames} "
                "frames of a crop: its far ends "
                "would never be trained; make it smaller or crop_seconds longer"
            )
        if lessons is None:
            return shape
        return shape.changed(
            emotion_teacher=config.emotion_teacher,
            emotion_dim=lessons.emotion.dim,
            semantic_teacher=config.semantic_teacher,
            semantic_dim=lessons.semantic.dim,
        )

    def _phonetic(self, folder: str) -> PhoneticLoss:
        """What a trained phone_classifier (train_phone_classifier.py) hears of copies and
        originals.

        Raises:
            CheckpointError: no phone_classifier, or one of another sample rate.
        """
        phone_classifier = PhoneClassifier.from_pretrained(folder)
        if phone_classifier.config.sample_rate != self.shape.sample_rate:
            raise CheckpointError(
                f"{folder}: hears {phone_classifier.config.sample_rate} Hz, the codec "
                f"makes {self.shape.sample_rate} Hz"
            )
        return PhoneticLoss(phone_classifier).to(self.accelerator.device)

    def _dims(self) -> tuple[int, int, int]:
        """Widths of the three teachers' features; those of the offline ones where no teacher is
        asked.
        """
        if self.lessons is None:
            return self.shape.emotion_dim, self.shape.semantic_dim, CodecConfig().semantic_dim
        return self.lessons.emotion.dim, self.lessons.semantic.dim, self.lessons.text.dim

    def _adversary(self, init: str | None) -> Adversary:
        config = self.config
        shape = from_dict(DiscriminatorConfig, config.discriminator)
        discriminator = Discriminator.from_pretrained(init) if init else Discriminator(shape)
        return Adversary(
            discriminator,
            config.discriminator_learning_rate,
            config.gradient_clip,
            self.accelerator,
        )

    # -- one step
    def train_step(self) -> dict[str, float]:
        """One generator update and, with an adversary, one discriminator update; returns the logged
        values.
        """
        config, weights = self.config, self.weights
        batch = self.sampler.batch(self.step).to(self.accelerator.device)
        quantize = self.step >= config.quantizer_start_step
        self.codec.train()
        if config.freeze_codes:
            self._hold_codes()
        with self.accelerator.autocast():
            teacher_features = batch.lessons.teacher_features if batch.lessons else None
            share = self._student_share()
            output = self.codec(
                batch.audio,
                batch.f0,
                quantize,
                self._num_codebooks(),
                teacher_features,
                share,
                batch.codes,
                batch.mask,
            )
        losses, logs = (
            {**self.spectral(output.audio, batch.audio), **pitch_losses(output.decoded, batch.f0)},
            {},
        )
        if self.magnitudes is not None:
            losses |= self.magnitudes(output.audio, batch.audio)
        if self.step < config.waveform_steps:
            losses["waveform"] = (output.audio - batch.audio).abs().mean()
        if self.phonetic_loss is not None:
            losses |= self.phonetic_loss(output.audio, batch.audio)
        if quantize and output.quantized.commitment.requires_grad:
            losses["commitment"] = output.quantized.commitment
            if output.quantized.codebook is not None:
                losses["codebook"] = output.quantized.codebook
        if quantize and weights["cycle"]:
            with self.accelerator.autocast():
                losses["cycle"] = cycle_loss(self._plain(), output, batch.mask)
        if batch.lessons is not None:
            taught, logs = self._distil(output, batch, weights["mel"] * losses["mel"])
            losses, weights = losses | taught, weights | self._balanced_weights(taught)
        if self.adversary is not None and self.step >= config.adversarial_start_step:
            fought, told = self._fight(batch.audio, output.audio)
            losses, logs = losses | fought, logs | told
        total = sum(weights[name] * loss for name, loss in losses.items())
        if not torch.isfinite(total):
            values = {name: loss.item() for name, loss in losses.items()}
            raise RuntimeError(
                f"step {self.step}: the loss is not finite: {values}; batch: {', '.join(batch.ids)}"
            )
        rate = learning_rate(self.step, config.learning_rate, config.warmup_steps, config.steps)
        logs["gradient_norm"] = update(
            self.accelerator, self.optimizer, self.codec, total, rate, config.gradient_clip
        )
        self.ema.update_parameters(self._plain())
        logs |= {f"loss/{name}": loss.item() for name, loss in losses.items()} | {
            "learning_rate": rate
        }
        if output.quantized:
            logs |= {
                f"perplexity/q{k + 1}": p.item() for k, p in enumerate(output.quantized.perplexity)
            }
            logs |= {
                f"usage/q{k + 1}": share.item() for k, share in enumerate(output.quantized.usage)
            }
            logs["restarts"] = output.quantized.restarts.item()
        return logs

    def _hold_codes(self) -> None:
        """What makes the codes works as in use."""
        codec = self._plain()
        for part in filter(None, (codec.quantizer, codec.modulator, codec.student)):
            part.eval()

    def _student_share(self) -> float:
        config = self.config
        return config.student_share * ramp(
            self.step, round((1 - config.student_ramp) * config.steps), config.steps
        )

    def _distil(
        self, output: CodecOutput, batch: CropBatch, reconstruction: torch.Tensor
    ) -> tuple[dict, dict]:
        """Losses that the teachers give, with their measured gradients kept up to date, and values
        to log.
        """
        losses, logs = self.distillation(output, batch.lessons, self.step)
        balanced = {name: losses[name] for name in self.balancer.ratios if name in losses}
        if balanced and (self.step % self.config.balance_every == 0 or not self.balancer.norms):
            self.balancer.measure(output.latents, reconstruction, balanced)
        logs |= {f"gradient_norm/{name}": norm for name, norm in self.balancer.norms.items()}
        return losses, logs | {
            f"weight/{name}": weight for name, weight in self._balanced_weights(losses).items()
        }

    def _balanced_weights(self, losses: dict) -> dict[str, float]:
        config, start = self.config, self.config.quantizer_start_step
        share = ramp(self.step, start, start + config.balanced_ramp_steps) * faded(
            self.step, config.steps, config.balanced_fade
        )
        return {
            name: share * self.balancer.weight(name)
            for name in self.balancer.ratios
            if name in losses
        }

    def _fight(
        self, real: torch.Tensor, fake: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        """The adversary's step on a crop, then its judgement on the codec."""
        config, (real, fake) = self.config, self._adversarial_crop(real, fake)
        logs = self.adversary.learn(
            real,
            fake,
            learning_rate(self.step, config.discriminator_learning_rate, 1, config.steps),
        )
        alone = self.step < config.adversarial_start_step + config.adversarial_alone_steps
        return {} if alone else self.adversary.judge(real, fake), logs

    def _num_codebooks(self) -> int | None:
        choices = self.config.codebook_choices
        return choices[int(torch.randint(len(choices), ()))] if choices else None

    def _adversarial_crop(
        self, real: torch.Tensor, fake: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        length = min(
            round(self.config.adversarial_crop_seconds * self.shape.sample_rate), real.shape[-1]
        )
        start = int(torch.randint(0, real.shape[-1] - length + 1, ()))
        return real[..., start : start + length], fake[..., start : start + length]

    # -- around the steps
    def start_codebooks(self) -> None:
        """Codebooks from the latents of some batches, where their step has come; every process gets
        rank 0's.
        """
        if self.step != self.config.quantizer_start_step or self.config.freeze_codes:
            return
        quantizer = self._plain().quantizer
        steps = range(self.step, self.step + self.config.quantizer_start_batches)
        with torch.no_grad(), self.accelerator.autocast():
            batches = [self.sampler.batch(step).to(self.accelerator.device) for step in steps]
            points, mask = (
                torch.cat([self._latents(batch) for batch in batches]),
                torch.cat([b.mask for b in batches]),
            )
        quantizer.initialise(points, torch.Generator().manual_seed(self.config.seed), mask)
        if self.accelerator.num_processes > 1:
            for tensor in quantizer.state_dict().values():
                torch.distributed.broadcast(tensor, 0)

    def _latents(self, batch: CropBatch) -> torch.Tensor:
        codec = self._plain()
        hidden = codec.encoder.hidden(batch.audio)
        teacher_features = batch.lessons.teacher_features if batch.lessons else None
        return codec.modulate(
            codec.encoder.latents(hidden), hidden, teacher_features
        ).latents.float()

    @torch.no_grad()
    def validate(self, tracker: Tracker) -> None:
        """Mel distance of the averaged weights on held-out clips, four of them to listen to, and
        how the modes agree.
        """
        codec, device = self.averaged(), self.accelerator.device
        held_out = [
            index for index, clip in enumerate(self.cache.clips) if clip.utterance.split == "valid"
        ][::8][:24]
        distances, agreements = [], []
        for place, index in enumerate(held_out):
            audio = torch.from_numpy(self.cache.audio(self.cache.clips[index]))[None, None].to(
                device
            )
            encoded = codec.encode(audio, codec.config.num_codebooks)
            rebuilt = codec.decode(encoded.codes, encoded.num_samples)
            distances.append(self.spectral(rebuilt, audio)["mel"].item())
            if self.lessons is not None and "teacher" in codec.modes:
                agreements.append(self._agreement(codec, audio, index, encoded.codes.shape[-1]))
            if place < 4:
                tracker.audio(
                    self.step, f"valid{place}", rebuilt[0, 0].cpu().numpy(), self.shape.sample_rate
                )
        means = {
            name: float(np.mean([row[name] for row in agreements]))
            for name in (agreements[0] if agreements else ())
        }
        tracker.scalars(self.step, {"valid/mel": float(np.mean(distances)), **means})

    def _agreement(
        self, codec: Codec, audio: torch.Tensor, clip: int, frames: int
    ) -> dict[str, float]:
        """Share of codes per quantiser that each other mode has in common with the teachers'."""
        teacher_features = collate(
            [self.lessons.stretch(clip, 0.0, frames, self.shape, 0)]
        ).teacher_features.to(audio.device)
        books = codec.config.num_codebooks
        taught = codec.encode(audio, books, "teacher", teacher_features).codes
        others = [mode for mode in codec.modes if mode != "teacher"]
        shares = {
            mode: code_agreement(codec.encode(audio, books, mode).codes, taught) for mode in others
        }
        return {
            f"agreement/{mode}/q{k + 1}": s.item()
            for mode, share in shares.items()
            for k, s in enumerate(share)
        }

    def averaged(self) -> Codec:
        """The codec with averaged weights and the current codebooks, in evaluation mode."""
        codec = self.ema.module
        for (name, buffer), current in zip(codec.named_buffers(), self._plain().buffers()):
            if name.startswith(CODEBOOKS):
                buffer.copy_(current)
        return codec.eval()

    def _plain(self) -> Codec:
        return self.accelerator.unwrap_model(self.codec)

    def _state(self) -> tuple[dict, dict]:
        modules = {
            "codec": self._plain(),
            "ema": self.ema,
            "distillation": self.accelerator.unwrap_model(self.distillation),
        }
        optimizers = {"codec": self.optimizer.optimizer}
        if self.adversary is not None:
            modules["discriminator"] = self.adversary.plain()
            optimizers["discriminator"] = self.adversary.optimizer.optimizer
        return modules, optimizers

    def save(self) -> None:
        """The codec itself, beside it the discriminators for those who fine-tune it, and the
        checkpoint for resuming.
        """
        if self.accelerator.is_main_process:
            save_run(self.output, self._exports(), *self._state(), self._counters())

    def _exports(self) -> Exports:
        exports = {"codec": self._export_codec}
        if self.adversary is not None:
            exports["discriminator"] = self.adversary.plain().save_pretrained
        return exports

    def _export_codec(self, folder: Path) -> None:
        self.averaged().save_pretrained(folder)
        save_lineage(folder, self.lineage)

    def _counters(self) -> dict:
        state = {"step": self.step, "gradient_norms": self.balancer.norms}
        return state | {"config": describe(self.config), "lineage": self.lineage.to_dict()}

    def resume(self) -> None:
        """Go on from OUTPUT/checkpoint where there is one."""
        if has_checkpoint(self.output / "checkpoint"):
            state = load_checkpoint(self.output / "checkpoint", *self._state())
            self.step, self.balancer.norms = state["step"], state["gradient_norms"]
            self.lineage |= resumed_lineage(state)

    def run(self) -> None:
        """Train to the configured number of steps."""
        config, tracker = self.config, Tracker(self.output, self.step)
        bar = tqdm(
            initial=self.step,
            total=config.steps,
            desc="codec",
            disable=not self.accelerator.is_main_process,
        )
        while self.step < config.steps:
            self.start_codebooks()
            logs = self.train_step()
            self.step += 1
            bar.update()
            if self.step % config.log_every == 0 and self.accelerator.is_main_process:
                tracker.scalars(self.step, logs)
                bar.set_postfix(mel=f"{logs['loss/mel']:.3f}")
            if self.step % config.validate_every == 0 and self.step >= config.quantizer_start_step:
                self.validate(tracker)
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self.save()
        tracker.close()
        if self.accelerator.is_main_process:
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
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--cache", type=Path, help="folder of decoded audio and F0 (default: OUTPUT/cache)"
    )
    parser.add_argument("--init", help="codec folder to start from")
    parser.add_argument("--init-discriminator", help="discriminator folder to start from")
    parser.add_argument(
        "--phone-classifier",
        help="folder from train_phone_classifier.py: copies shall keep the phones that it hears",
    )
    parser.add_argument(
        "--predicted",
        metavar="TOKENS",
        help="codes from predict_corpus.py, to tune a decoder to a language model",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one config value"
    )
    arguments = parser.parse_args()
    config = load_config(CodecTrainingConfig, arguments.config, arguments.set)
    cache = arguments.cache or arguments.output / "cache"
    trainer = Trainer(
        config,
        cache,
        arguments.manifest,
        arguments.output,
        arguments.init,
        arguments.init_discriminator,
        arguments.predicted,
        arguments.phone_classifier,
    )
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    main()
