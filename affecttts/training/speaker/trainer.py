"""Training of the speaker encoder: everything alive in a run, its steps, and how it resumes."""

from __future__ import annotations

from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from affecttts.data.lineage import training_lineage
from affecttts.training.averaging import averaging
from affecttts.training.checkpoint import Exports, with_lineage
from affecttts.training.precision import mixed_precision
from affecttts.training.run import TrainingRun, update
from affecttts.training.schedule import learning_rate
from affecttts.training.speaker.config import SpeakerTrainingConfig
from affecttts.training.speaker.crops import Clips, SpeakerCrops
from affecttts.training.speaker.voices import mean_voice
from codec.speaker import SpeakerEncoder

EXPORT = "speaker_encoder"
CLIPS_OF_AXES = 20  # of a speaker, at its own speed, that the axes of codes are taken from


class SpeakerLoss(nn.Module):
    """Additive angular margin softmax over the speakers (ArcFace, arXiv 1801.07698)."""

    def __init__(self, encoder: SpeakerEncoder, speakers: int, margin: float, scale: float) -> None:
        super().__init__()
        self.encoder, self.margin, self.scale = encoder, margin, scale
        self.centres = nn.Parameter(torch.randn(speakers, encoder.config.embedding_dim) * 0.1)

    def forward(self, audio: Tensor, speakers: Tensor) -> tuple[Tensor, Tensor]:
        """audio [B,1,T], speakers int64 [B] -> loss, and the share of crops nearest to their own
        speaker.
        """
        vectors = self.encoder(self.encoder.features(audio))
        with torch.autocast(audio.device.type, enabled=False):
            cosines = vectors @ nn.functional.normalize(self.centres.float(), dim=-1).T
            own = cosines.gather(1, speakers[:, None])
            angle = own.clamp(-1 + 1e-6, 1 - 1e-6).acos() + self.margin
            logits = self.scale * cosines.scatter(1, speakers[:, None], angle.cos())
            right = (cosines.argmax(dim=1) == speakers).float().mean()
            return nn.functional.cross_entropy(logits, speakers), right


class SpeakerTrainer(TrainingRun):
    """Trains a speaker encoder, see `TrainingRun`. The encoder lies in OUTPUT/speaker_encoder.

    Raises:
        RequestError: config and data do not go together.
    """

    name = "speakers"
    config: SpeakerTrainingConfig

    def __init__(self, config: SpeakerTrainingConfig, manifests: list[str], output: Path) -> None:
        set_seed(config.seed)
        self.config, self.output = config, output
        self.accelerator = Accelerator(mixed_precision=mixed_precision(config.mixed_precision))
        self.clips = Clips(manifests, config.encoder.sample_rate, config.memory_hours)
        self.crops = SpeakerCrops(self.clips, config, self.accelerator.process_index)
        encoder = SpeakerEncoder(config.encoder)
        loss = SpeakerLoss(encoder, len(self.crops.speakers), config.margin, config.scale)
        self.ema = torch.optim.swa_utils.AveragedModel(
            encoder, multi_avg_fn=averaging(config.weight_ema)
        )
        optimizer = torch.optim.AdamW(
            loss.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.model, self.optimizer = self.accelerator.prepare(loss, optimizer)
        self.ema.to(self.accelerator.device)
        self.lineage = training_lineage(manifests, None)

    @property
    def encoder(self) -> SpeakerEncoder:
        """The averaged encoder."""
        return self.ema.module

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        config, device = self.config, self.accelerator.device
        audio, speakers = (part.to(device) for part in self.crops.batch(self.step))
        self.model.train()
        with self.accelerator.autocast():
            loss, right = self.model(audio, speakers)
        if not torch.isfinite(loss):
            raise RuntimeError(f"step {self.step}: the loss is not finite")
        rate = learning_rate(self.step, config.learning_rate, config.warmup_steps, config.steps)
        optimizers = {"adamw": self.optimizer}
        norm = update(self.accelerator, optimizers, self.model, loss, rate, config.gradient_clip)
        self.ema.update_parameters(self._loss().encoder)
        return {
            "loss": loss.item(),
            "right": right.item(),
            "gradient_norm": norm,
            "learning_rate": rate,
        }

    def _loss(self) -> SpeakerLoss:
        return self.accelerator.unwrap_model(self.model)

    # -- around the steps
    def state(self) -> tuple[dict, dict]:
        modules = {"loss": self._loss(), "ema": self.encoder}
        return modules, {"adamw": self.optimizer.optimizer}

    def save(self) -> None:
        """The encoder with the axes of its codes, then the checkpoint for resuming."""
        if self.accelerator.is_main_process:
            self._set_axes()
        super().save()

    def _set_axes(self) -> None:
        names = sorted(set(self.clips.by_speaker) - set(self.config.held_out))
        encoder = self.encoder.eval()
        vectors = [mean_voice(encoder, self.clips, name, CLIPS_OF_AXES) for name in names]
        encoder.set_axes(torch.stack(vectors))

    def exports(self) -> Exports:
        """The encoder."""
        return {EXPORT: with_lineage(self.encoder.save_pretrained, self.lineage)}

    def counters(self) -> dict:
        return {"averaged": int(self.ema.n_averaged)}

    def restore(self, counters: dict) -> None:
        self.ema.n_averaged.fill_(counters["averaged"])

    def shown(self, logs: dict[str, float]) -> dict[str, str]:
        return {name: f"{logs[name]:.2f}" for name in ("loss", "right")}
