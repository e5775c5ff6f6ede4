"""What a metric of codecs is: it takes an original and its copy, and says what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from affecttts.data.manifest import Utterance
from affecttts.evaluation.judges.declarations import EXTRA

KEPT = 4  # results of costly measures that are kept: the original's serves every system
# a value, or what is counted and over what, so that a corpus rate can be made
Score = float | tuple[float, float]
QUALITY, SPECTRUM, ENVELOPE, PROSODY, SPEECH, EMOTION, COST = (
    "quality",
    "spectrum",
    "envelope",
    "prosody",
    "words and voice",
    "emotion",
    "cost",
)


@dataclass(frozen=True, eq=False)
class Pair:
    """An original and its copy."""

    original: np.ndarray  # float32 [T]
    copy: np.ndarray  # float32 [T]
    sample_rate: int  # Hz
    row: Utterance
    bits: float | None = None  # coded; None = unknown
    elapsed_seconds: float | None = None  # spent coding; None = nothing was coded

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.original) / self.sample_rate


@dataclass(frozen=True)
class Metric:
    """One row of the report; `needs` are packages."""

    name: str
    unit: str
    higher_is_better: bool | None  # None = neither
    group: str
    measure: Callable[[Pair], Score]
    needs: tuple[str, ...] = ()
    install: str = EXTRA
    by_emotion: bool = False
    judge: str = ""  # by which it can be left out
    of_copy: bool = False  # it hears the copy alone, so the originals have a value of their own


def missing(metric: Metric) -> str:
    """How to install what the metric lacks; empty where nothing is."""
    return metric.install if any(find_spec(package) is None for package in metric.needs) else ""
