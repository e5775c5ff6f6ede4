"""Judges whose answers are known."""

from __future__ import annotations


class Loudness:
    """A judge that likes it loud."""

    name = "loudness"

    def __call__(self, audio, sample_rate):
        return float(abs(audio).mean())
