"""The rules of rules.yaml, and what they do to the durations and the F0 that a synthesiser
predicted.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import yaml

from codec.config import from_dict

RULES_PATH = Path(__file__).with_name("rules.yaml")
F0_RATE = 80  # frames of F0 per second
VOICED_HZ = 20.0  # F0 below it means no voice
F0_BOUNDS = (55.0, 600.0)  # Hz
VOWELS = "aeiuæɑɒɔəɛɜɪʊʌAIOQWY"
STRESS = "ˈ"
ACCENT_SECONDS = 0.08  # width of an accent
FINAL_SECONDS = 0.35  # reach of the final contour
TREMOR_HZ = 6.5
TREMOR_ROUGHNESS = 0.4  # noise beside the sine, so that it does not sound like vibrato


@dataclass(frozen=True)
class Rule:
    """One row of the table; units are explained there."""

    f0_level: float = 0.0
    f0_range: float = 1.0
    final_contour: float = 0.0
    accents: float = 0.0
    rate: float = 1.0
    level: float = 0.0
    tilt: float = 0.0
    tremor: float = 0.0
    breath: float = 0.0
    formants: float = 0.0
    final_lengthening: float = 0.0
    vad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sources: tuple[str, ...] = ()

    def at(self, intensity: float) -> Rule:
        """The rule at another intensity: factors by powers, everything else in proportion."""
        scaled = {name: getattr(self, name) * intensity for name in _AMOUNTS}
        factors = {name: getattr(self, name) ** intensity for name in _FACTORS}
        return replace(
            self, **scaled, **factors, vad=tuple(round(value * intensity, 4) for value in self.vad)
        )


_FACTORS = ("f0_range", "rate")
_AMOUNTS = tuple(
    field.name for field in fields(Rule) if field.type == "float" and field.name not in _FACTORS
)


@functools.cache
def load_rules() -> Mapping[str, Rule]:
    """Rules by emotion.

    Raises:
        ValueError: a source that the table does not explain.
    """
    table = yaml.safe_load(RULES_PATH.read_text(encoding="utf-8"))
    rules = {name: from_dict(Rule, values) for name, values in table["emotions"].items()}
    unknown = {source for rule in rules.values() for source in rule.sources} - set(table["sources"])
    if unknown:
        raise ValueError(f"{RULES_PATH}: sources {sorted(unknown)} are not explained")
    return rules


# -- durations
def stretch(phones: str, rule: Rule) -> np.ndarray:
    """How much longer each phone gets, [len(phones) + 2] with the silences around them.

    Formants are moved by playing the result faster, which the stretch makes up for. The silence in
    front keeps its length: where it is slowed down, the network begins to speak within it.
    """
    factors = np.full(len(phones) + 2, (1 + rule.formants) / rule.rate)
    factors[0] = 1 + rule.formants
    factors[1 + last_syllable(phones) : -1] *= 1 + rule.final_lengthening
    return factors


def last_syllable(phones: str) -> int:
    """Where the last vowel stands; the end where there is none."""
    return max(
        (index for index, phone in enumerate(phones) if phone in VOWELS), default=len(phones)
    )


def accented_vowels(phones: str) -> list[int]:
    """Positions of the vowels behind a primary stress."""
    found = []
    for index, phone in enumerate(phones):
        if phone == STRESS and (
            vowel := next((i for i in range(index + 1, len(phones)) if phones[i] in VOWELS), None)
        ):
            found.append(vowel)
    return found


# -- F0
def bend_f0(
    f0: np.ndarray, phones: str, seconds: np.ndarray, rule: Rule, generator: np.random.Generator
) -> np.ndarray:
    """F0 [T] in Hz at `F0_RATE` under a rule, as it must be before the result is played faster by
    `rule.formants`.

    Args:
        f0: as predicted, below `VOICED_HZ` where there is no voice.
        phones: what is spoken.
        seconds: [len(phones) + 2] of each phone and of the silences around them, on the time of
            `f0`.
        rule: at the wanted intensity.
        generator: draws the tremor.
    """
    voiced = f0 >= VOICED_HZ
    if not voiced.any():
        return f0.copy()
    semitones = 12 * np.log2(np.maximum(f0, VOICED_HZ))
    mean, time = semitones[voiced].mean(), np.arange(len(f0)) / F0_RATE
    bent = mean + (semitones - mean) * rule.f0_range + rule.f0_level
    bent += rule.accents * _accents(time, phones, seconds) + rule.final_contour * _final_ramp(
        time, seconds
    )
    bent += rule.tremor * _tremor(time, generator) - 12 * np.log2(1 + rule.formants)
    return np.where(voiced, np.clip(2 ** (bent / 12), *F0_BOUNDS), f0).astype(f0.dtype)


def _accents(time: np.ndarray, phones: str, seconds: np.ndarray) -> np.ndarray:
    middles = (np.cumsum(seconds) - seconds / 2)[1:]
    bumps = [
        np.exp(-0.5 * ((time - middles[vowel]) / ACCENT_SECONDS) ** 2)
        for vowel in accented_vowels(phones)
    ]
    return np.max(bumps, axis=0) if bumps else np.zeros_like(time)


def _final_ramp(time: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """0 until shortly before the last phone ends, then a smooth way to 1."""
    end = seconds[:-1].sum()
    place = np.clip((time - end) / min(FINAL_SECONDS, end) + 1, 0, 1)
    return place**2 * (3 - 2 * place)


def _tremor(time: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    rough = np.convolve(generator.standard_normal(len(time) + 8), np.ones(9) / 3, mode="valid")
    return np.sin(2 * np.pi * (TREMOR_HZ * time + generator.random())) + TREMOR_ROUGHNESS * rough


def bend_energy(energy: np.ndarray, rule: Rule) -> np.ndarray:
    """The energy prediction [T], spread as far as the square root of the F0 range: loud and quiet
    go with high and low.
    """
    return (energy.mean() + (energy - energy.mean()) * np.sqrt(rule.f0_range)).astype(energy.dtype)
