"""The emotions that the voice knows, and what a request asks of them."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError

Vad = tuple[float, float, float]

MAX_INTENSITY = 1.5
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


@functools.lru_cache(maxsize=1)
def load_emotions() -> EmotionTable:
    """The table that the project ships, read once.

    Raises:
        ValueError: The file breaks the schema.
    """
    return read_table(emotions_path())


def emotions_path() -> Path:
    """Where the shipped table lies: in the package, else in the checkout."""
    packaged = Path(__file__).parents[1] / "_prompts" / "emotions.yaml"
    if packaged.is_file():
        return packaged
    return Path(__file__).parents[2] / "prompts" / "emotions.yaml"


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


def _read_list(entry: dict[str, Any], key: str, least: int, where: str) -> tuple[str, ...]:
    items = entry[key]
    if not isinstance(items, list) or len(items) < least:
        raise ValueError(f"{where}: {key} needs a list of at least {least}")
    return tuple(_read_text(item, where, key) for item in items)


def _read_axis(entry: dict[str, Any], key: str, where: str) -> float:
    value = entry[key]
    if not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
        raise ValueError(f"{where}: {key} {value!r} is outside -1 to 1")
    return float(value)


def _read_factors(raw: dict[str, Any], key: str) -> dict[str, float]:
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
