"""The emotions that the voice knows, and what a request asks of them."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError

Vad = tuple[float, float, float]

MAX_INTENSITY = 1.5
MAX_PROMPT_CHARS = 500
MIN_PHRASINGS = 20
MIN_ALIASES = 6

_TOP_KEYS = {"version", "intensity_words", "intensity_words_before_emotion", "emotions"}
_ENTRY_KEYS = {
    "id",
    "aliases",
    "description",
    "valence",
    "arousal",
    "dominance",
    "phrasings",
}


@dataclass(frozen=True)
class Emotion:
    """One emotion of the table.

    Attributes:
        id: The tag that the token LM is conditioned on.
        aliases: Other words for it, lower case.
        description: One line on how it sounds.
        vad: Valence, arousal and dominance at intensity 1, each in [-1, 1].
        phrasings: Ways in which people ask for it in free text.
    """

    id: str
    aliases: tuple[str, ...]
    description: str
    vad: Vad
    phrasings: tuple[str, ...]


@dataclass(frozen=True)
class EmotionTable:
    """The emotions in their fixed order, and the words that scale them.

    Attributes:
        emotions: The emotions, in the order of the file.
        intensity_words: Phrase to intensity factor, counted anywhere.
        intensity_words_before_emotion: Phrase to intensity factor, counted
            only right before the name of an emotion.
    """

    emotions: tuple[Emotion, ...]
    intensity_words: Mapping[str, float]
    intensity_words_before_emotion: Mapping[str, float]

    @property
    def ids(self) -> tuple[str, ...]:
        """The tags, in the order of the file."""
        return tuple(emotion.id for emotion in self.emotions)

    @functools.cached_property
    def names(self) -> dict[str, Emotion]:
        """Every id and alias, lower case, with its emotion."""
        return {name: e for e in self.emotions for name in (e.id, *e.aliases)}

    def get(self, name: str) -> Emotion:
        """Finds an emotion by id or alias, whatever the case.

        Raises:
            RequestError: There is none of that name; the nearest come first.
        """
        key = name.strip().lower()
        if key not in self.names:
            raise RequestError(self._unknown(name, key))
        return self.names[key]

    def _unknown(self, name: str, key: str) -> str:
        close = difflib.get_close_matches(key, list(self.names), n=3, cutoff=0.75)
        nearest = list(dict.fromkeys(self.names[c].id for c in close))
        hint = f" did you mean {' or '.join(nearest)}?" if nearest else ""
        known = nearest + [i for i in self.ids if i not in nearest]
        return f"unknown emotion {name!r}:{hint} known: {', '.join(known)}"


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


@functools.lru_cache(maxsize=1)
def load_emotions() -> EmotionTable:
    """The table that the project ships, read once.

    Raises:
        ValueError: The file breaks the schema.
    """
    return read_table(emotions_path())


def emotions_path() -> Path:
    """Where the shipped table lies: in the package, else in the checkout."""
    packaged = Path(__file__).parent / "_prompts" / "emotions.yaml"
    if packaged.is_file():
        return packaged
    return Path(__file__).parents[1] / "prompts" / "emotions.yaml"


def read_table(path: Path) -> EmotionTable:
    """Reads and checks a table of emotions.

    Args:
        path: A YAML file of the schema in prompts/README.md.

    Raises:
        ValueError: The file breaks the schema; the message names the entry.
    """
    import yaml  # Kept out of the module's import: most users of it need none.

    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    _check_keys(raw, _TOP_KEYS, path.name)
    if raw["version"] != 1:
        raise ValueError(f"{path.name}: version {raw['version']!r}, expected 1")
    table = EmotionTable(
        emotions=tuple(_read_emotion(entry) for entry in raw["emotions"]),
        intensity_words=_read_factors(raw, "intensity_words"),
        intensity_words_before_emotion=_read_factors(raw, "intensity_words_before_emotion"),
    )
    _check_unique(table)
    return table


def _read_emotion(entry: Any) -> Emotion:
    name = entry.get("id", "?") if isinstance(entry, dict) else repr(entry)
    where = f"emotion {name!r}"
    _check_keys(entry, _ENTRY_KEYS, where)
    return Emotion(
        id=_read_text(entry["id"], where, "id"),
        aliases=_read_list(entry, "aliases", MIN_ALIASES, where),
        description=_read_text(entry["description"], where, "description"),
        vad=(
            _read_axis(entry, "valence", where),
            _read_axis(entry, "arousal", where),
            _read_axis(entry, "dominance", where),
        ),
        phrasings=_read_list(entry, "phrasings", MIN_PHRASINGS, where),
    )


def _check_keys(entry: Any, expected: set[str], where: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: not a mapping")
    unknown, missing = set(entry) - expected, expected - set(entry)
    if unknown:
        raise ValueError(f"{where}: unknown keys {sorted(map(str, unknown))}")
    if missing:
        raise ValueError(f"{where}: missing keys {sorted(missing)}")


def _read_text(value: Any, where: str, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} {value!r} is not text")
    return value


def _read_list(entry: dict, key: str, least: int, where: str) -> tuple[str, ...]:
    items = entry[key]
    if not isinstance(items, list) or len(items) < least:
        raise ValueError(f"{where}: {key} needs a list of at least {least}")
    return tuple(_read_text(item, where, key) for item in items)


def _read_axis(entry: dict, key: str, where: str) -> float:
    value = entry[key]
    if not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
        raise ValueError(f"{where}: {key} {value!r} is outside -1 to 1")
    return float(value)


def _read_factors(raw: dict, key: str) -> dict[str, float]:
    factors = raw[key]
    if not isinstance(factors, dict):
        raise ValueError(f"{key}: not a mapping")
    for word, factor in factors.items():
        if not isinstance(factor, int | float) or not 0 < factor <= MAX_INTENSITY:
            raise ValueError(f"{key}: {word!r} has the factor {factor!r}")
    return {word: float(factor) for word, factor in factors.items()}


def _check_unique(table: EmotionTable) -> None:
    seen: dict[str, str] = {}
    for emotion in table.emotions:
        for name in (emotion.id, *emotion.aliases):
            if name != name.lower():
                raise ValueError(f"emotion {emotion.id!r}: {name!r} is not lower case")
            if name in seen:
                raise ValueError(
                    f"emotion {emotion.id!r}: {name!r} is already taken by {seen[name]!r}"
                )
            seen[name] = emotion.id


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
