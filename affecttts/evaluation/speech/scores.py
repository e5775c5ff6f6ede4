"""What a figure of an evaluation is: of the model, of the corpus as its ceiling, and of chance or a
wrong pairing as its floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affecttts.evaluation.signal.acoustics import Acoustics
from affecttts.evaluation.stats.bootstrap import Interval, interval
from affecttts.evaluation.stats.chance import Band


@dataclass(frozen=True)
class Take:
    """A clip of the model or of a corpus as it was heard."""

    text: str
    voice: str
    meant: str | None  # the emotion, None where it means no single one
    heard: dict[str, Any]  # what `Panel.hear` said

    @property
    def acoustics(self) -> Acoustics | None:
        """None of an empty clip."""
        return Acoustics(**self.heard["acoustics"]) if "acoustics" in self.heard else None


@dataclass(frozen=True)
class Score:
    """One row: the model's figure, the corpus's, and what chance or a wrong pairing gives."""

    name: str
    value: Interval
    n: int
    ceiling: Interval | None = None
    ceiling_n: int = 0
    floor: Interval | Band | None = None


def beside(
    name: str,
    model: Sequence[float],
    corpus: Sequence[float] = (),
    floor: Interval | Band | None = None,
) -> Score:
    """A score of values per clip."""
    known = [value for value in corpus if np.isfinite(value)]
    return Score(
        name,
        interval(model),
        int(np.isfinite(model).sum()),
        interval(known) if known else None,
        len(known),
        floor,
    )
