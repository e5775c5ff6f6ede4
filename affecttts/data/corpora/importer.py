"""From the rows of a corpus to a manifest: emotions, splits, licence, lengths; what cannot become a
row is counted.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from affecttts.data.corpora.dividing import Divider
from affecttts.data.corpora.folder import read_folder
from affecttts.data.corpora.mosei import read_mosei
from affecttts.data.corpora.prepare import PREPARERS
from affecttts.data.corpora.reading import Reading, Source, read_files
from affecttts.data.corpora.spec import OWN_FOLDER, Corpus, Label
from affecttts.data.manifest import Utterance, write_manifest
from affecttts.data.seen import Seen
from affecttts.emotion.table import MAX_INTENSITY
from affecttts.errors import RequestError
from codec.audio import read_header
from codec.errors import AudioError

READERS = {"files": read_files, "mosei": read_mosei, "folder": read_folder}
EXAMPLES = 3  # files named per reason


@dataclass
class ImportResult:
    """What became of a corpus."""

    rows: int = 0
    seconds: float = 0.0
    texts: int = 0  # rows that have one
    dropped: int = 0  # by the labels
    speakers: set[str] = field(default_factory=set)
    emotions: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def reject(self, reason: str, what: str | Path) -> None:
        """Count a file that cannot become a row."""
        self.rejected[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < EXAMPLES:
            named.append(str(what))

    def count(self, utterance: Utterance) -> None:
        """Count a row."""
        self.rows += 1
        self.seconds += utterance.seconds
        self.texts += utterance.text is not None
        self.speakers.add(utterance.speaker)
        self.emotions[utterance.emotion or "none"] += 1
        self.splits[utterance.split] += 1


def import_corpus(
    corpus: Corpus,
    root: Path,
    output: Path,
    labels: dict[str, Label] | None = None,
    reading: Reading | None = None,
    progress: Callable[[], object] = lambda: None,
) -> ImportResult:
    """Write the manifest of the corpus in `root`.

    `labels` take precedence over the corpus's own; `progress` is called for every file.

    Raises:
        RequestError: no such folder, no file that fits the corpus's layout, or a table that cannot
            be read.
    """
    if not root.is_dir():
        raise RequestError(f"{root}: no such folder; {corpus.title} is to be had from {corpus.ask}")
    corpus = replace(corpus, labels={**corpus.labels, **(labels or {})})
    work = _Import(corpus, root, output, reading or Reading(), progress)
    if not work.divider.found_any:
        expected = (
            f"no file fits the layout of {corpus.title}: {corpus.layout}. It is to be had "
            f"from {corpus.ask}"
        )
        raise RequestError(f"{root}: {expected}")
    write_manifest(output, work.utterances())
    return work.result


class _Import:
    """One run over a corpus: once for the groups of its splits, once for its rows."""

    def __init__(
        self,
        corpus: Corpus,
        root: Path,
        output: Path,
        reading: Reading,
        progress: Callable[[], object],
    ) -> None:
        self.corpus, self.root, self.output, self.reading, self.progress = (
            corpus,
            root,
            output,
            reading,
            progress,
        )
        self.prepare = PREPARERS[corpus.prepare] if corpus.prepare else lambda fields: fields
        self.result = ImportResult()
        self.divider = Divider(corpus, self._sources())

    def _sources(self) -> Iterator[Source]:
        for source in READERS[self.corpus.reader](self.corpus, self.root, self.reading):
            yield source if source.fault else replace(source, fields=self.prepare(source.fields))

    def utterances(self) -> Iterator[Utterance]:
        """The rows; what cannot become one is counted."""
        seen = Seen()
        for source in self._sources():
            self.progress()
            utterance = self._utterance(source)
            if utterance is None:
                continue
            if not seen.add(utterance.id):
                self.result.reject("id twice", source.path)
                continue
            self.result.count(utterance)
            yield utterance

    def _utterance(self, source: Source) -> Utterance | None:
        label = self.corpus.label(source.fields["label"]) if "label" in source.fields else Label()
        if source.fault or label is None:
            reason = source.fault or (
                f"label {source.fields['label']!r} is not in the table of labels"
            )
            self.result.reject(reason, source.path)
            return None
        if label.drop:
            self.result.dropped += 1
            return None
        try:
            return self._row(source, label)
        except AudioError as error:
            self.result.reject(f"audio {error.kind}", source.path)
        except ValueError as error:
            self.result.reject("row not valid", f"{source.path}: {error}")
        return None

    def _row(self, source: Source, label: Label) -> Utterance:
        corpus, fields, header = self.corpus, source.fields, read_header(source.path)
        # ids and speakers of several corpora must differ
        named = "" if corpus.name == OWN_FOLDER else f"{corpus.name}_"
        return Utterance(
            id=named + (fields.get("id") or corpus.id.format_map(fields)),
            path=os.path.relpath(source.path, self.output.parent),
            speaker=named + fields["speaker"],
            seconds=round(header.seconds, 4) if source.start is None else source.seconds,
            split=self.divider(source),
            language=fields.get("language", corpus.language),
            text=" ".join(fields.get("text", "").split()) or None,
            emotion=label.emotion,
            intensity=_intensity(corpus, fields, label),
            vad=_vad(corpus, fields),
            licence=fields.get("licence", corpus.licence),
            start=source.start,
        )


def _intensity(corpus: Corpus, fields: dict[str, str], label: Label) -> float:
    """The row's own, or that of its level, times that of its label. A neutral row has no strength
    but 1.
    """
    own = (
        float(fields["intensity"])
        if "intensity" in fields
        else corpus.levels.get(fields.get("level", ""), 1.0)
    )
    if not 0 <= own <= MAX_INTENSITY:
        raise ValueError(f"intensity {own} is outside 0 to {MAX_INTENSITY}")
    return (
        1.0 if label.emotion == "neutral" else min(MAX_INTENSITY, round(own * label.intensity, 4))
    )


def _vad(corpus: Corpus, fields: dict[str, str]) -> tuple[float, float, float] | None:
    """Valence, arousal and dominance brought to -1..1; None where one is missing."""
    low, high = corpus.vad_range
    values = [float(fields.get(name, "nan")) for name in ("valence", "arousal", "dominance")]
    return (
        None
        if any(map(math.isnan, values))
        else tuple(round(2 * (v - low) / (high - low) - 1, 4) for v in values)
    )
