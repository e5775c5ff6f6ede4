"""Durations at another pace than the model's own."""

from __future__ import annotations

from affecttts.lm.layout import MAX_DURATION


class Pace:
    """Divides durations by a speed; what rounding takes from one phone the next ones get back."""

    def __init__(self, speed: float) -> None:
        self.speed, self.owed = speed, 0.0

    def __call__(self, frames: int) -> int:
        """Frames that the model gives a phone -> frames that it gets."""
        if self.speed == 1:
            return frames
        self.owed += frames / self.speed
        count = min(MAX_DURATION, max(0, round(self.owed)))
        self.owed -= count
        return count
