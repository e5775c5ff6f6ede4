"""Where training tells how it goes: metrics.jsonl always, TensorBoard scalars and audio where it is
installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from codec.atomic import atomic_file, whole_lines, write_text

METRICS_NAME = "metrics.jsonl"


class Tracker:
    """Writes scalars and sample audio of one run."""

    def __init__(self, folder: str | Path, step: int = 0) -> None:
        """Go on after `step` steps; what was told of later ones is told again."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / METRICS_NAME
        _forget_after(path, step)
        self._lines = open(path, "a", encoding="utf-8")
        self._board = _tensorboard(self.folder, step)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Record named values of one step."""
        row = {"step": step, **{name: round(float(value), 6) for name, value in values.items()}}
        self._lines.write(json.dumps(row) + "\n")
        self._lines.flush()
        if self._board:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def audio(self, step: int, name: str, samples: np.ndarray, sample_rate: int) -> None:
        """Record a clip, float32 [T], also as samples/NAME_STEP.wav."""
        from codec.audio import Audio, save_wav

        (self.folder / "samples").mkdir(exist_ok=True)
        with atomic_file(self.folder / "samples" / f"{name}_{step:07d}.wav") as temporary:
            save_wav(temporary, Audio(samples, sample_rate))
        if self._board:
            self._board.add_audio(name, samples[None], step, sample_rate=sample_rate)

    def close(self) -> None:
        """Flush and close."""
        self._lines.close()
        if self._board:
            self._board.close()


def _forget_after(path: Path, step: int) -> None:
    """Drop the rows of the steps that a killed run did after its last checkpoint."""
    lines = whole_lines(path)
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    if len(kept) < len(lines):
        write_text(path, "".join(f"{line}\n" for line in kept))


def _tensorboard(folder: Path, step: int):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
