"""How well vectors tell voices apart, and what else they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Separation:
    """Pairs of clips of one speaker against pairs of two."""

    equal_error_rate: float  # share of both kinds taken for the other
    same: float  # mean cosine
    other: float


def equal_error_rate(same: np.ndarray, other: np.ndarray) -> float:
    """The error at the threshold where as many of `same` fall below as of `other` above.

    Args:
        same, other: scores [N], [M] of pairs of one speaker and of two.
    """
    thresholds = np.sort(np.concatenate([same, other]))
    misses = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    alarms = 1 - np.searchsorted(np.sort(other), thresholds, side="left") / len(other)
    place = int(np.argmin(np.abs(misses - alarms)))
    return float((misses[place] + alarms[place]) / 2)


def separation(vectors: np.ndarray, speakers: Sequence[str]) -> Separation:
    """Over all pairs of clips.

    Args:
        vectors: [N,E].
        speakers: [N], at least two of them, one with two clips.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.triu_indices(len(unit), 1)
    scores = (unit @ unit.T)[first, second]
    names = np.array(speakers)
    match = names[first] == names[second]
    same, other = scores[match], scores[~match]
    return Separation(equal_error_rate(same, other), float(same.mean()), float(other.mean()))


def drawn_again(
    vectors: np.ndarray, speakers: Sequence[str], draws: int = 100, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the equal error rate, by drawing speakers anew with replacement; pairs of
    one speaker drawn twice do not count.
    """
    names, generator = sorted(set(speakers)), np.random.default_rng(seed)
    rows = {name: [i for i, one in enumerate(speakers) if one == name] for name in names}
    rates = []
    for _ in range(draws):
        chosen = sorted(set(generator.choice(names, len(names))))
        places = [place for name in chosen for place in rows[name]]
        if len(chosen) > 1:
            part = separation(vectors[places], [speakers[place] for place in places])
            rates.append(part.equal_error_rate)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def level_distance(codes: np.ndarray, groups: Sequence[str]) -> tuple[float, float]:
    """Mean difference, in levels a number, of codes [N,L] of one group and of different ones."""
    first, second = np.triu_indices(len(codes), 1)
    apart = np.abs(codes[first].astype(int) - codes[second].astype(int)).mean(axis=1)
    match = np.array(groups)[first] == np.array(groups)[second]
    return float(apart[match].mean()), float(apart[~match].mean())
