"""Training of a codec: everything alive in a run, its steps, and how it resumes."""

from __future__ import annotations

from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.data.lineage import training_lineage
from affecttts.training.averaging import averaging
from affecttts.training.checkpoint import Exports, with_lineage
from affecttts.training.codec.adversary import Adversary
from affecttts.training.codec.config import CodecTrainingConfig
from affecttts.training.codec.crops import CropBatch, CropSampler
from affecttts.training.codec.distillation import Distillation
from affecttts.training.codec.objective import (
    REFERENCE,
    Objective,
    analysed_latents,
    quantizer_logs,
)
from affecttts.training.codec.request import (
    asked_shape,
    check_inputs,
    predicted_codes,
    taught_shape,
    teacher_dims,
)
from affecttts.training.codec.setup import (
    crops,
    start_linear,
    still,
    teacher_targets,
    vocoder_targets,
)
from affecttts.training.codec.validation import validate
from affecttts.training.precision import mixed_precision
from affecttts.training.run import TrainingRun, update
from affecttts.training.schedule import learning_rate, ramp
from affecttts.training.tracker import Tracker
from codec import Codec, CodecOutput
from codec.training.losses import SpectralLosses
from codec.training.phone_classifier import PhoneClassifier, PhoneticLoss
from codec.training.vocoder_loss import VocoderLosses


class Trainer(TrainingRun):
    """Trains a codec, see `TrainingRun`.

    Args:
        cache_folder: of decoded audio, F0 and what teachers say.
        output: folder of the run; the codec lies in its `codec`, what it resumes from in its
            `checkpoint`.
        init: codec folder to start from.
        init_discriminator: discriminator folder to start from.
        predicted: folder of token shards that a language model predicted.
        phone_classifier: folder of a phone classifier, whose phones copies shall keep.

    Raises:
        RequestError, CheckpointError: config, data and folders do not go together; what can be told
            without decoding audio is told before that.
    """

    name = "codec"
    config: CodecTrainingConfig

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
        self.config, self.output = config, output
        self.accelerator = Accelerator(mixed_precision=mixed_precision(config.mixed_precision))
        shape = asked_shape(config, init)
        check_inputs(config, shape, manifests, phone_classifier)
        store = predicted_codes(config, predicted, init) if predicted else None
        with self.accelerator.main_process_first():  # which fills what is missing
            self.cache = AudioCache(manifests, cache_folder, shape.sample_rate, shape.hop_length)
            device = str(self.accelerator.device)
            self.targets = teacher_targets(config, shape, self.cache, cache_folder, device)
            self.vocoder = vocoder_targets(shape, self.cache, cache_folder)
        self.shape = taught_shape(config, shape, self.targets)
        codec = Codec.extended(init, self.shape) if init else Codec(self.shape)
        for part in still(codec, config):
            part.requires_grad_(False)
        self._prepare(codec, init_discriminator, phone_classifier)
        rank = self.accelerator.process_index
        self.sampler = CropSampler(
            self.cache, crops(config), self.shape, rank, self.targets, store, self.vocoder
        )
        if not init and self.vocoder is not None:
            start_linear(self._plain(), self.sampler)
        taught_by = {
            *(config.teachers if self.targets is not None else ()),
            *(["phone_classifier"] if phone_classifier else []),
        }
        self.lineage = training_lineage(manifests, init, teachers=taught_by)
        self.step = 0

    # -- what there is
    def _prepare(
        self, codec: Codec, init_discriminator: str | None, phone_classifier: str | None
    ) -> None:
        """All networks, their optimisers and losses, on the devices of the run."""
        config = self.config
        wanted = tuple(config.gradient_ratios.wanted())
        distillation = Distillation(
            self.shape,
            teacher_dims(self.shape, self.targets),
            config.relation,
            config.alignment,
            wanted,
        )
        trained = [p for p in (*codec.parameters(), *distillation.parameters()) if p.requires_grad]
        self.ema = torch.optim.swa_utils.AveragedModel(
            codec, multi_avg_fn=averaging(config.weight_ema), use_buffers=False
        )
        optimizer = torch.optim.AdamW(
            trained, config.learning_rate, betas=(0.8, 0.99), weight_decay=0.01, fused=True
        )
        self.adversary = (
            Adversary(config, self.shape, init_discriminator, self.accelerator)
            if config.adversarial_start_step is not None
            else None
        )
        self.codec, self.distillation, self.optimizer = self.accelerator.prepare(
            codec, distillation, optimizer
        )
        device, linear = self.accelerator.device, config.loss_weights.at_linear_frequency
        self.ema.to(device)
        spectral = SpectralLosses(self.shape.sample_rate, linear).to(device)
        phonetic = (
            PhoneticLoss(PhoneClassifier.from_pretrained(phone_classifier))
            if phone_classifier
            else None
        )
        vocoder = VocoderLosses(self.shape).to(device) if self.vocoder is not None else None
        self.objective = Objective(
            config,
            spectral,
            vocoder,
            self.distillation,
            phonetic and phonetic.to(device),
            self.accelerator,
        )

    # -- one step
    def train_step(self) -> dict[str, float]:
        """One generator update and, with an adversary, one discriminator update; returns the logged
        values.
        """
        config = self.config
        batch = self.sampler.batch(self.step).to(self.accelerator.device)
        output = self._forward(batch)
        losses, logs = self.objective.losses(self._plain(), output, batch, self.step)
        weights = self.objective.weights(losses, self.step)
        if self.adversary is not None and self.step >= config.adversarial_start_step:
            adversarial, judged = self.adversary.play(batch, output, self.step)
            losses, logs = losses | adversarial, logs | judged
        total = sum(weights[name] * loss for name, loss in losses.items())
        if not torch.isfinite(total):
            values = {name: loss.item() for name, loss in losses.items()}
            raise RuntimeError(
                f"step {self.step}: the loss is not finite: {values}; batch: {', '.join(batch.ids)}"
            )
        rate = learning_rate(self.step, config.learning_rate, config.warmup_steps, config.steps)
        logs["gradient_norm"] = update(
            self.accelerator,
            {"codec": self.optimizer},
            self.codec,
            total,
            rate,
            config.gradient_clip,
        )
        self.ema.update_parameters(self._plain())
        logs |= {f"loss/{name}": loss.item() for name, loss in losses.items()}
        return logs | {"learning_rate": rate} | quantizer_logs(output)

    def _forward(self, batch: CropBatch) -> CodecOutput:
        """The codec in training mode; what makes frozen codes works as in use."""
        config, choices = self.config, self.config.codebook_choices
        self.codec.train()
        if config.codebooks == "held":
            self._plain().quantizer.eval()
        if config.frozen:
            for part in still(self._plain(), config):
                part.eval()
        rises_from = round((1 - config.student_ramp) * config.steps)
        with self.accelerator.autocast():
            return self.codec(
                batch.audio,
                batch.f0,
                self.step >= config.quantized_from,
                choices[int(torch.randint(len(choices), ()))] if choices else None,
                batch.targets.teacher_features if batch.targets else None,
                config.student_share * ramp(self.step, rises_from, config.steps),
                batch.codes,
                self.objective.heard(batch, self.step),
                analysed_latents(self._plain(), batch) if config.analysed else None,
            )

    # -- around the steps
    def before_step(self) -> None:
        """Codebooks from the latents of some batches, where their step has come; every process gets
        rank 0's.
        """
        config = self.config
        if config.codebooks not in ("fresh", "restart") or self.step != config.quantized_from:
            return
        quantizer = self._plain().quantizer
        steps = range(self.step, self.step + config.codebooks_start_batches)
        with torch.no_grad(), self.accelerator.autocast():
            batches = [self.sampler.batch(step).to(self.accelerator.device) for step in steps]
            points = torch.cat([self._latents(batch) for batch in batches])
            heard = [self.objective.heard(batch, step) for step, batch in zip(steps, batches)]
        quantizer.initialise(points, torch.Generator().manual_seed(config.seed), torch.cat(heard))
        if self.accelerator.num_processes > 1:
            for tensor in quantizer.state_dict().values():
                torch.distributed.broadcast(tensor, 0)

    def _latents(self, batch: CropBatch) -> Tensor:
        codec = self._plain()
        if self.config.analysed:
            return analysed_latents(codec, batch)
        hidden, targets = codec.encoder.hidden(batch.audio), batch.targets
        features = targets.teacher_features if targets else None
        latents = codec.modulate(codec.encoder.latents(hidden), hidden, features).latents
        return latents.float()

    def averaged(self) -> Codec:
        """The codec with averaged weights and the current codebooks, in evaluation mode."""
        codec = self.ema.module
        for buffer, current in zip(codec.buffers(), self._plain().buffers(), strict=True):
            buffer.copy_(current)
        return codec.eval()

    def _plain(self) -> Codec:
        return self.accelerator.unwrap_model(self.codec)

    def state(self) -> tuple[dict, dict]:
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

    def exports(self) -> Exports:
        """The codec, and beside it the discriminators for those who fine-tune it."""
        exports = {"codec": with_lineage(self.averaged().save_pretrained, self.lineage)}
        if self.adversary is not None:
            exports["discriminator"] = self.adversary.plain().save_pretrained
        return exports

    def counters(self) -> dict:
        return {"gradient_norms": self.objective.balancer.norms}

    def restore(self, counters: dict) -> None:
        self.objective.balancer.norms = counters["gradient_norms"]

    def shown(self, logs: dict[str, float]) -> dict[str, float]:
        return {name: logs[f"loss/{name}"] for name in REFERENCE if f"loss/{name}" in logs}

    def after_step(self, tracker: Tracker) -> None:
        config = self.config
        if self.step % config.validate_every == 0 and self.step >= config.quantized_from:
            spectral = self.objective.spectral
            validate(self.averaged(), self.cache, self.targets, spectral, tracker, self.step)
