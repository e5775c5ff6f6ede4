"""The emotion that one request asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from affecttts.emotion.table import MAX_INTENSITY, EmotionTable, Vad, load_emotions
from affecttts.errors import RequestError, shown

MAX_PROMPT_CHARS = 500
MAX_EMOTION_CHARS = 500


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
        tag = _check_name(self.tag)
        # A frozen dataclass can be tidied only through object.__setattr__.
        object.__setattr__(self, "tag", table.get(tag).id)
        object.__setattr__(self, "intensity", check_intensity(self.intensity))
        object.__setattr__(self, "mixture", _normalise(self.mixture, table))
        if self.vad is not None:
            object.__setattr__(self, "vad", _check_vad(self.vad))
        if self.text is not None:
            object.__setattr__(self, "text", check_prompt(self.text))

    @classmethod
    def parse(
        cls,
        emotion: EmotionSpec | str | None = None,
        intensity: float | str | None = None,
        prompt: str | None = None,
    ) -> EmotionSpec:
        """Builds a spec from what a user typed.

        Args:
            emotion: An id or alias, or a blend such as "happy:0.7,sad:0.3"
                whose weightiest emotion becomes the tag; None means neutral.
                A spec is taken as it is.
            intensity: 0 to 1.5, or text that reads as such; None means 1, or
                the spec's own.
            prompt: The free-text prompt, or None.

        Raises:
            RequestError: One of them is no good.
        """
        if isinstance(emotion, EmotionSpec):
            changes = {"intensity": intensity, "text": prompt}
            return replace(emotion, **{k: v for k, v in changes.items() if v is not None})
        strength = 1.0 if intensity is None else check_intensity(intensity)
        if emotion is None:
            return cls(intensity=strength, text=prompt)
        if ":" not in _check_name(emotion):
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


def check_intensity(value: Any) -> float:
    """Reads an intensity.

    Raises:
        RequestError: It is no number from 0 to 1.5.
    """
    number = _number(value, "intensity")
    if not 0.0 <= number <= MAX_INTENSITY:
        raise RequestError(f"intensity {shown(value)} is outside 0 to {MAX_INTENSITY}")
    return number


def check_prompt(text: Any) -> str:
    """Strips a free-text prompt.

    Raises:
        RequestError: It is no text, empty, longer than 500 characters, or not
            writable as UTF-8.
    """
    if not isinstance(text, str):
        raise RequestError(f"the emotion prompt is {shown(text)}, which is not text")
    stripped = text.strip()
    if not stripped:
        raise RequestError("the emotion prompt is empty")
    if len(stripped) > MAX_PROMPT_CHARS:
        raise RequestError(
            f"the emotion prompt has {len(stripped)} characters;"
            f" at most {MAX_PROMPT_CHARS} are taken"
        )
    if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in stripped):
        raise RequestError("the emotion prompt has a broken character; write it anew")
    return stripped


def _check_name(name: Any) -> str:
    if not isinstance(name, str):
        raise RequestError(f"emotion {shown(name)} is not a name")
    if len(name) > MAX_EMOTION_CHARS:
        raise RequestError(
            f"the emotion has {len(name)} characters; at most {MAX_EMOTION_CHARS} are taken"
        )
    return name


def _parse_part(part: str) -> tuple[str, float]:
    name, _, weight = part.partition(":")
    return name.strip(), _number(weight, f"weight of {name.strip()!r}")


def _normalise(mixture: Any, table: EmotionTable) -> tuple[tuple[str, float], ...]:
    weights: dict[str, float] = {}
    for name, weight in _pairs(mixture):
        number = _number(weight, f"weight of {shown(name)}")
        if number < 0.0:
            raise RequestError(f"weight of {name!r} is {shown(weight)}, less than 0")
        tag = table.get(_check_name(name)).id
        weights[tag] = weights.get(tag, 0.0) + number
    total = sum(weights.values())
    if weights and not 0.0 < total < math.inf:
        raise RequestError("the emotion mixture has no weight above 0, or too large ones")
    return tuple((tag, weight / total) for tag, weight in weights.items())


def _pairs(mixture: Any) -> list[tuple[Any, Any]]:
    try:
        return [(name, weight) for name, weight in mixture]
    except (TypeError, ValueError):
        raise RequestError(f"mixture {shown(mixture)} is not pairs of emotion and weight") from None


def _check_vad(vad: Any) -> Vad:
    try:
        valence, arousal, dominance = (_number(axis, "VAD value") for axis in vad)
    except (TypeError, ValueError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError("valence, arousal and dominance are three numbers") from None
    if max(abs(valence), abs(arousal), abs(dominance)) > 1.0:
        raise RequestError(f"VAD values {shown(vad)} are outside -1 to 1")
    return valence, arousal, dominance


def _number(value: Any, what: str) -> float:
    try:
        number = float("" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"{what} {shown(value)} is not a number") from None
    if not math.isfinite(number):
        raise RequestError(f"{what} {shown(value)} is not a finite number")
    return number
