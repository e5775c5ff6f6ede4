"""The whole of `affecttts evaluate tts`: plan, speak, hear, score, report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from affecttts.data.manifest import Utterance, audio_path
from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import screen, teachers_of
from affecttts.evaluation.judges.emotion import shipped_judges
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.speech.comparison import other_takes
from affecttts.evaluation.speech.hearing import Panel
from affecttts.evaluation.speech.plan import (
    Ask,
    Plan,
    evenly,
    items_of_batch,
    items_of_manifest,
    make_plan,
    rows_of_manifest,
    shipped_items,
)
from affecttts.evaluation.speech.scores import Take
from affecttts.evaluation.speech.shifts import NEUTRAL
from affecttts.evaluation.speech.speaking import Spoken, clip_audio, speak
from affecttts.synthesis.model_folder import read_model_info
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import VoiceShelf
from codec.atomic import sweep
from codec.audio import read_samples
from codec.files import fingerprint

NEUTRAL_CLIPS = 8  # of every corpus voice, for judges that hear differences from them
Progress = Callable[[Iterable, str], Iterable]


@dataclass(frozen=True)
class TtsOptions:
    """What to evaluate and how."""

    report: Path
    model: Path | None = None  # None = the shipped one
    items: Path | None = None  # batch file; without it and a manifest, our own sentences
    manifest: Path | None = None  # its texts where no items are given, and its audio as the ceiling
    limit: int = 100  # items
    judges: tuple[str, ...] = ()  # of emotion; none = the shipped ones
    without: tuple[str, ...] = ()
    force: bool = False  # let in judges that taught the model
    against: Path | None = None  # report of another model, to compare with
    threads: int = 1  # of the judges


@dataclass(frozen=True)
class Evaluated:
    """Everything that scores are made from."""

    options: TtsOptions
    plan: Plan
    panel: Panel
    spoken: dict[str, Spoken]  # by key of the plan's asks
    takes: dict[str, Take]  # by key
    corpus: tuple[Take, ...]  # `chosen` rows beside the items, then neutral ones for comparison
    chosen: int
    rival: dict[str, Take]  # the other model's, by key
    alarms: tuple[str, ...]
    teachers: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def clips(self) -> Path:
        """Where the audio lies."""
        return self.options.report / "clips"

    def items(self) -> list[Take]:
        """The items' clips, in order."""
        return [self.takes[ask.key] for _, ask in self.plan.items]

    def corpus_items(self) -> tuple[Take, ...]:
        """The corpus's clips that stand beside the items."""
        return self.corpus[: self.chosen]

    def with_twins(self) -> list[Take]:
        """The items' clips and their neutral twins, each once."""
        keys = dict.fromkeys(
            [ask.key for _, ask in self.plan.items] + [ask.twin.key for _, ask in self.plan.items]
        )
        return [self.takes[key] for key in keys]


def evaluate(options: TtsOptions, progress: Progress = lambda items, label: items) -> Evaluated:
    """Speak and hear everything; goes on where an earlier run into the same report folder stopped.

    Raises:
        RequestError: nothing to evaluate, an item that cannot be spoken, a judge that taught the
            model, a report folder of another model.
    """
    folder, info = read_model_info(options.model)
    shelf = VoiceShelf(info)
    rows = rows_of_manifest(options.manifest) if options.manifest else []
    items = evenly(_items(options, rows, shelf), options.limit)
    panel = Panel.of(options.judges or shipped_judges(), options.without, options.threads)
    teachers = teachers_of(folder / "codec", folder / "lm")
    alarms = screen(panel.cards, teachers, info.name, options.force)
    plan = make_plan(items, shelf.info)
    sweep(options.report)
    rival = other_takes(options.against, plan.asks) if options.against else {}
    settings = {
        "lm": fingerprint(folder / "lm"),
        "codec": fingerprint(folder / "codec", decoder=True),
        "sampling": info.sampling,
    }
    spoken = speak(
        plan.asks,
        lambda: Synthesizer.with_voices(folder, info, shelf.folders),
        options.report / "clips",
        Journal(options.report / "spoken.jsonl", settings),
        lambda keys: progress(keys, "speaking"),
    )
    heard = Journal(options.report / "items.jsonl", settings)
    takes = _hear(plan, panel, options.report / "clips", heard, progress)
    chosen = evenly(rows, options.limit)
    corpus = _hear_corpus(options.manifest, chosen, _beside(chosen, rows), panel, heard, progress)
    facts = {
        "model": f"{info.name} ({folder}), codec {settings['codec']}, LM {settings['lm']}",
        "items": _source(options),
        "n": f"{len(items)} items, {len(plan.asks)} clips spoken, {len(chosen)} clips of the "
        f"corpus, {len(corpus)} with neutral ones",
        "teachers of the model": ", ".join(teachers) or "none recorded",
    }
    if options.against:
        facts["compared with"] = str(options.against)
    return Evaluated(
        options,
        plan,
        panel,
        spoken,
        takes,
        tuple(corpus),
        len(chosen),
        rival,
        tuple(alarms),
        teachers,
        facts,
    )


def _items(
    options: TtsOptions, rows: Sequence[Utterance], shelf: VoiceShelf
) -> list[tuple[str, Ask]]:
    if options.limit < 1:
        raise RequestError(f"--limit {options.limit}: give at least 1")
    if options.items:
        return items_of_batch(options.items, shelf)
    items = items_of_manifest(rows, shelf.info) if options.manifest else shipped_items(shelf.info)
    if not items:
        raise RequestError(
            f"{options.manifest}: none of its emotions is known to the model; give --items instead"
        )
    for name, ask in items:
        try:
            ask.request(shelf.info)
        except RequestError as error:
            raise RequestError(f"{_source(options)}: {name}: {error}") from error
    return items


def _source(options: TtsOptions) -> str:
    return str(options.items or options.manifest or "the sentences of the package")


def _beside(chosen: list[Utterance], rows: Sequence[Utterance]) -> list[Utterance]:
    """The chosen rows, then their neutral twins and some neutral clips of every speaker."""
    texts, kept = {(row.speaker, row.text) for row in chosen}, {row.id: row for row in chosen}
    counts: dict[str, int] = {}
    for row in rows:
        if row.emotion == NEUTRAL:
            counts[row.speaker] = counts.get(row.speaker, 0) + 1
            if (row.speaker, row.text) in texts or counts[row.speaker] <= NEUTRAL_CLIPS:
                kept[row.id] = row
    return list(kept.values())


def _hear(
    plan: Plan, panel: Panel, folder: Path, journal: Journal, progress: Progress
) -> dict[str, Take]:
    """All asks by key; words, voice and sound of the items alone."""
    takes, items = {}, {ask.key for _, ask in plan.items}
    asks = plan.asks
    for key in progress(list(asks), "judging"):
        ask = asks[key]
        heard = _kept(journal, key, panel, *clip_audio(folder, key), ask.text, key in items)
        takes[key] = Take(ask.text, ask.voice, ask.meant, heard)
    return takes


def _hear_corpus(
    manifest: Path | None,
    chosen: list[Utterance],
    rows: list[Utterance],
    panel: Panel,
    journal: Journal,
    progress: Progress,
) -> list[Take]:
    """All rows; words, voice and sound of the chosen ones alone."""
    takes, whole = [], {row.id for row in chosen}
    for row in progress(rows, "judging the corpus"):
        audio, rate = read_samples(audio_path(manifest, row), row.start, row.seconds)
        key = (
            "corpus "
            + hashlib.sha256(f"{manifest.resolve()} {row.id} {row.text}".encode()).hexdigest()[:16]
        )
        heard = _kept(journal, key, panel, audio.mean(axis=1), rate, row.text, row.id in whole)
        takes.append(Take(row.text, row.speaker, row.emotion, heard))
    return takes


def _kept(
    journal: Journal, key: str, panel: Panel, audio: np.ndarray, rate: int, text: str, whole: bool
) -> dict:
    """What was heard before, and what only now a judge says of it."""
    known = journal.done.get(key, {})
    new = panel.hear(known, audio, rate, text, whole)
    if new:
        journal.add(key, known | new)
    return journal.done[key]
