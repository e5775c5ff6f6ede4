"""The emotion that one request asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from affecttts.emotion.table import MAX_INTENSITY, EmotionTable, Vad, load_emotions
from affecttts.errors import RequestError

MAX_PROMPT_CHARS = 500


@dataclass(frozen=True)
class EmotionSpec:
    """The emotion that one request asks for.

    Attributes:
        tag: The emotion's id.
        intensity: 0 (none) to 1.5 (more than the corpus' full strength).
        mixture: Emotion ids with weights; where given, it is the whole blend,
            so the tag counts only if it is among them. Weights are stored
            normalised to a sum of 1.
        vad: Valence, arousal, dominance to use as they are; None computes them.
        text: The free-text prompt, if any.

    Raises:
        RequestError: An emotion, weight, intensity, VAD or prompt is no good.
    """

    tag: str = "neutral"
    intensity: float = 1.0
    mixture: tuple[tuple[str, float], ...] = ()
    vad: Vad | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        table = load_emotions()
        # A frozen dataclass can be tidied only through object.__setattr__.
        object.__setattr__(self, "tag", table.get(self.tag).id)
        object.__setattr__(self, "intensity", check_intensity(self.intensity))
        object.__setattr__(self, "mixture", _normalise(self.mixture, table))
        if self.vad is not None:
            object.__setattr__(self, "vad", _check_vad(self.vad))
        if self.text is not None:
            object.__setattr__(self, "text", check_prompt(self.text))

    @classmethod
    def parse(
        cls,
        emotion: str | None = None,
        intensity: float | str | None = None,
        prompt: str | None = None,
    ) -> EmotionSpec:
        """Builds a spec from what a user typed.

        Args:
            emotion: An id or alias, or a blend such as "happy:0.7,sad:0.3"
                whose weightiest emotion becomes the tag; None means neutral.
            intensity: 0 to 1.5, or text that reads as such; None means 1.
            prompt: The free-text prompt, or None.

        Raises:
            RequestError: One of them is no good.
        """
        strength = 1.0 if intensity is None else check_intensity(intensity)
        if emotion is None:
            return cls(intensity=strength, text=prompt)
        if ":" not in emotion:
            return cls(tag=emotion, intensity=strength, text=prompt)
        blend = tuple(_parse_part(part) for part in emotion.split(","))
        tag = max(blend, key=lambda part: part[1])[0]
        return cls(tag=tag, intensity=strength, mixture=blend, text=prompt)

    def resolved_vad(self) -> Vad:
        """Valence, arousal and dominance to condition on, each in [-1, 1]."""
        if self.vad is not None:
            return self.vad
        weights = dict(self.mixture) or {self.tag: 1.0}
        return blend_vad(weights, self.intensity)


def blend_vad(weights: Mapping[str, float], intensity: float) -> Vad:
    """Averages the emotions' VAD and scales it.

    Args:
        weights: Emotion id to weight; the weights sum to 1.
        intensity: Factor on the average.

    Returns:
        Valence, arousal and dominance, each clipped to [-1, 1].
    """
    table = load_emotions()
    parts = [(table.get(name).vad, weight) for name, weight in weights.items()]
    sums = (sum(vad[axis] * weight for vad, weight in parts) for axis in range(3))
    valence, arousal, dominance = (max(-1.0, min(1.0, total * intensity)) for total in sums)
    return valence, arousal, dominance


def check_intensity(value: float | str) -> float:
    """Reads an intensity.

    Raises:
        RequestError: It is no number from 0 to 1.5.
    """
    number = _number(value, "intensity")
    if not 0.0 <= number <= MAX_INTENSITY:
        raise RequestError(f"intensity {value} is outside 0 to {MAX_INTENSITY}")
    return number


def check_prompt(text: str) -> str:
    """Strips a free-text prompt.

    Raises:
        RequestError: It is empty or longer than 500 characters.
    """
    stripped = text.strip()
    if not stripped:
        raise RequestError("the emotion prompt is empty")
    if len(stripped) > MAX_PROMPT_CHARS:
        raise RequestError(
            f"the emotion prompt has {len(stripped)} characters;"
            f" at most {MAX_PROMPT_CHARS} are taken"
        )
    return stripped


def _parse_part(part: str) -> tuple[str, float]:
    name, _, weight = part.partition(":")
    return name.strip(), _number(weight, f"weight of {name.strip()!r}")


def _normalise(
    mixture: tuple[tuple[str, float], ...], table: EmotionTable
) -> tuple[tuple[str, float], ...]:
    weights: dict[str, float] = {}
    for name, weight in mixture:
        number = _number(weight, f"weight of {name!r}")
        if number < 0.0:
            raise RequestError(f"weight of {name!r} is {weight}, less than 0")
        tag = table.get(name).id
        weights[tag] = weights.get(tag, 0.0) + number
    total = sum(weights.values())
    if weights and total <= 0.0:
        raise RequestError("the emotion mixture has no weight above 0")
    return tuple((tag, weight / total) for tag, weight in weights.items())


def _check_vad(vad: Vad) -> Vad:
    if len(vad) != 3:
        raise RequestError("valence, arousal and dominance are three numbers")
    valence, arousal, dominance = (_number(axis, "VAD value") for axis in vad)
    if max(abs(valence), abs(arousal), abs(dominance)) > 1.0:
        raise RequestError(f"VAD values {vad} are outside -1 to 1")
    return valence, arousal, dominance


def _number(value: float | str, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise RequestError(f"{what} {value!r} is not a number") from None
    if not math.isfinite(number):
        raise RequestError(f"{what} {value!r} is not a finite number")
    return number
