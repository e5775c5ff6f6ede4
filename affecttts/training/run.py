"""The loop around the steps of a training run: logs, checkpoints, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from affecttts.data.lineage import Lineage, resumed_lineage
from affecttts.training import checkpoint
from affecttts.training.config import describe
from affecttts.training.tracker import Tracker


class RunConfig(Protocol):
    """What the loop asks of a config; all in steps."""

    @property
    def steps(self) -> int: ...
    @property
    def log_every(self) -> int: ...
    @property
    def checkpoint_every(self) -> int: ...


class TrainingRun:
    """A run: `resume`, then `run`. What it resumes from lies in OUTPUT/checkpoint.

    A kind of run says what a step is (`train_step`), what it exports (`exports`), what its
    checkpoint keeps (`state`) and what the progress bar shows (`shown`).

    Attributes:
        name: what the progress bar is called.
        output: folder of the run.
        step: steps done.
        lineage: of what the run exports.
    """

    name: str
    config: RunConfig
    output: Path
    accelerator: Accelerator
    lineage: Lineage
    step: int = 0

    def train_step(self) -> dict[str, float]:
        """One update; returns the logged values."""
        raise NotImplementedError

    def exports(self) -> checkpoint.Exports:
        """What lies beside the checkpoint for others to use."""
        raise NotImplementedError

    def state(self) -> tuple[dict, dict]:
        """Modules and optimisers by name, which the checkpoint keeps."""
        raise NotImplementedError

    def counters(self) -> dict[str, Any]:
        """What else the checkpoint keeps, as JSON values."""
        return {}

    def restore(self, counters: dict[str, Any]) -> None:
        """Take `counters` back."""

    def before_step(self) -> None:
        """Called before every step."""

    def after_step(self, tracker: Tracker) -> None:
        """Called after every step, in every process."""

    def shown(self, logs: dict[str, float]) -> dict[str, Any]:
        """What of the logged values the progress bar shows."""
        raise NotImplementedError

    def save(self) -> None:
        """What the run exports, then the checkpoint for resuming; in the main process alone."""
        if self.accelerator.is_main_process:
            common = {"step": self.step, "lineage": self.lineage.to_dict()}
            counters = self.counters() | common | {"config": describe(self.config)}
            checkpoint.save_run(self.output, self.exports(), *self.state(), counters)

    def resume(self) -> None:
        """Go on from the checkpoint where there is one."""
        folder = self.output / checkpoint.CHECKPOINT_NAME
        if checkpoint.has_checkpoint(folder):
            counters = checkpoint.load_checkpoint(folder, *self.state())
            self.step = counters["step"]
            self.lineage |= resumed_lineage(counters)
            self.restore(counters)

    def run(self) -> None:
        """Train to the configured number of steps."""
        config, tracker = self.config, Tracker(self.output, self.step)
        main = self.accelerator.is_main_process
        bar = tqdm(initial=self.step, total=config.steps, desc=self.name, disable=not main)
        while self.step < config.steps:
            self.before_step()
            logs = self.train_step()
            self.step += 1
            bar.update()
            if self.step % config.log_every == 0 and main:
                tracker.scalars(self.step, logs)
                bar.set_postfix(self.shown(logs))
            self.after_step(tracker)
            if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                self.save()
        tracker.close()
        if main:
            checkpoint.finish_run(self.output, self.exports())


def update(
    accelerator: Accelerator,
    optimizers: dict[str, Any],
    module: torch.nn.Module,
    loss: Tensor,
    rate: float,
    clip: float,
) -> float:
    """One clipped step at a learning rate; returns the norm of the gradient before clipping."""
    accelerator.backward(loss)
    norm = accelerator.clip_grad_norm_(module.parameters(), clip)
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(norm)
