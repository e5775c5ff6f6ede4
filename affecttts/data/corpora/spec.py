"""What the table corpora.yaml says of a corpus, read strictly."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from affecttts.emotion.table import MAX_INTENSITY, load_emotions
from affecttts.errors import RequestError
from codec.config import from_dict
from codec.inputs.door import read_text

TABLE_PATH = Path(__file__).with_name("corpora.yaml")
OWN_FOLDER = "folder"  # the corpus that is no known one
DROP = "drop"


@dataclass(frozen=True)
class Label:
    """What one label of a corpus means here."""

    emotion: str | None = None  # None: the row is kept without an emotion
    intensity: float = 1.0
    drop: bool = False  # leave the row out


@dataclass(frozen=True)
class TextTable:
    """Files of the corpus that say more of its rows; a row is found under `key`.

    Either `line` is matched against every line, or `columns` renames the columns of a CSV, TSV,
    JSON or JSONL file. Named groups of `files` and of `line`, and the renamed columns, become
    fields of the row.
    """

    files: str
    line: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    votes: tuple[str, ...] = ()  # columns of which the largest is the label
    encodings: tuple[str, ...] = ("utf-8",)  # tried in turn, UTF-16 with a mark before all
    required: bool = False  # rows that are not in it are rejected


@dataclass(frozen=True)
class Corpus:
    """How a corpus is laid out and what its labels mean. Patterns are regular expressions on paths
    below the corpus's folder, with '/'; they may start at any folder. Templates name fields: groups
    of the patterns, and stem, folder and root.
    """

    name: str
    title: str
    ask: str  # where to get it
    layout: str  # in words
    licence: str | None = None
    language: str = "en"
    reader: str = "files"
    files: str = ""  # pattern of the audio files
    id: str = "{stem}"
    key: str = "{stem}"
    group: str = "{speaker}"  # what is never divided between splits
    text_file: str | None = None
    tables: tuple[TextTable, ...] = ()
    # published sentences by key, for rows whose tables have none
    texts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)  # intensities by the field `level`
    # official splits by the field `split`
    split_names: Mapping[str, str] = field(default_factory=dict)
    split_by: str = "group"  # where there is no official split: group, or sentence
    vad_range: tuple[float, float] = (-1.0, 1.0)  # of the fields valence, arousal, dominance
    prepare: str | None = None  # a function of prepare.py

    def label(self, name: str) -> Label | None:
        """What a label means: as it is spelt, else whatever its case and the spaces around it."""
        found = self.labels.get(name)
        return found if found is not None else self._any_case.get(name.strip().casefold())

    @functools.cached_property
    def _any_case(self) -> dict[str, Label]:
        return {name.casefold(): label for name, label in reversed([*self.labels.items()])}


@functools.cache
def load_corpora() -> Mapping[str, Corpus]:
    """All corpora by name, in the order of the table."""
    import yaml

    entries = yaml.safe_load(TABLE_PATH.read_text(encoding="utf-8"))
    return MappingProxyType({name: _corpus(name, values) for name, values in entries.items()})


def _corpus(name: str, values: dict[str, Any]) -> Corpus:
    labels = parse_labels(values.get("labels", {}), str(TABLE_PATH))
    if name == OWN_FOLDER:
        labels = {
            alias: Label(emotion.id)
            for emotion in load_emotions().emotions
            for alias in (emotion.id, *emotion.aliases)
        }
    values = values | {"name": name, "labels": labels}
    values["tables"] = tuple(from_dict(TextTable, table) for table in values.get("tables", ()))
    return from_dict(Corpus, values)


def get_corpus(name: str) -> Corpus:
    """One corpus.

    Raises:
        RequestError: none of that name; the message lists them.
    """
    corpora = load_corpora()
    if name not in corpora:
        raise RequestError(f"unknown corpus {name!r}; known: {', '.join(corpora)}")
    return corpora[name]


def parse_labels(values: Any, source: str) -> dict[str, Label]:
    """A mapping of a corpus's labels: an emotion, None, "drop", or {emotion, intensity}.

    Raises:
        RequestError: no mapping, or an unknown emotion; the message names the source, the label and
            what is allowed.
    """
    if not isinstance(values, dict):
        raise RequestError(f"{source}: labels are a mapping of the corpus's labels to emotions")
    return {str(name): _label(str(name), value, source) for name, value in values.items()}


def _label(name: str, value: Any, source: str) -> Label:
    known, names = load_emotions().ids, load_emotions().names
    if value == DROP:
        return Label(drop=True)
    try:
        label = from_dict(Label, value) if isinstance(value, dict) else Label(value)
        if isinstance(label.emotion, str) and label.emotion.strip().lower() in names:
            label = replace(label, emotion=names[label.emotion.strip().lower()].id)
        if (
            label.emotion is not None
            and label.emotion not in known
            or not 0 <= label.intensity <= MAX_INTENSITY
        ):
            raise ValueError(f"emotions are {', '.join(known)}, intensities 0 to {MAX_INTENSITY}")
    except (ValueError, TypeError) as error:
        raise RequestError(
            f"{source}: label {name!r} is {value!r}; give an emotion, null or {DROP} ({error})"
        ) from error
    return label


def read_labels(path: str | Path) -> dict[str, Label]:
    """A user's own labels, from YAML or JSON.

    Raises:
        RequestError: unreadable, or as `parse_labels`.
    """
    import yaml

    try:
        values = yaml.safe_load(read_text(path))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RequestError(
            f"{path}: cannot read the labels ({' '.join(str(error).split())})"
        ) from error
    return parse_labels(values, str(path))


def path_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern that may start at any folder of a path and reaches to its end."""
    return re.compile(rf"(?:^|/)(?P<_whole>{pattern.strip()})$")
