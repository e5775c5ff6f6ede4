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
    Design,
    Plan,
    evenly,
    items_of_batch,
    items_of_manifest,
    key_of,
    make_plan,
    meant_emotion,
    neutral_twin,
    rows_of_manifest,
    shipped_items,
)
from affecttts.evaluation.speech.scores import Take
from affecttts.evaluation.speech.shifts import NEUTRAL
from affecttts.evaluation.speech.speaking import Spoken, clip_audio, speak
from affecttts.synthesis.model_folder import ModelInfo, read_model_info
from affecttts.synthesis.request import SpeechRequest, prepare
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import VoiceShelf
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
    design: Design = field(default_factory=Design)
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
    spoken: dict[str, Spoken]  # by key of the plan's requests
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
        return [self.takes[key_of(request)] for _, request in self.plan.items]

    def corpus_items(self) -> tuple[Take, ...]:
        """The corpus's clips that stand beside the items."""
        return self.corpus[: self.chosen]

    def with_twins(self) -> list[Take]:
        """The items' clips and their neutral twins, each once."""
        requests = [request for _, request in self.plan.items]
        keys = dict.fromkeys(
            key_of(request) for request in (*requests, *map(neutral_twin, requests))
        )
        return [self.takes[key] for key in keys if key in self.takes]


def evaluate(options: TtsOptions, progress: Progress = lambda items, label: items) -> Evaluated:
    """Speak and hear everything; goes on where an earlier run into the same report folder stopped.

    Raises:
        RequestError: nothing to evaluate, an item that cannot be spoken, a judge that taught the
            model, a report folder of another model.
    """
    folder, info = read_model_info(options.model)
    shelf = VoiceShelf(info)
    rows = rows_of_manifest(options.manifest) if options.manifest else []
    items = _items(options, rows, shelf)
    panel = Panel.of(options.judges or shipped_judges(), options.without, options.threads)
    teachers = teachers_of(folder / "codec", folder / "lm")
    alarms = screen(panel.cards, teachers, info.name, options.force)
    plan = make_plan(items, shelf.info, options.design)
    rival = other_takes(options.against, plan.requests) if options.against else {}
    settings = {
        "lm": fingerprint(folder / "lm"),
        "codec": fingerprint(folder / "codec", decoder=True),
        "sampling": info.sampling,
    }
    spoken = speak(
        plan.requests,
        lambda: Synthesizer.with_voices(folder, info, shelf.folders),
        options.report / "clips",
        Journal(options.report / "spoken.jsonl", settings),
        lambda keys: progress(keys, "speaking"),
    )
    heard = Journal(options.report / "items.jsonl", settings)
    takes = _hear(plan, panel, options.report / "clips", heard, progress)
    chosen = evenly(rows, options.design.limit)
    corpus = _hear_corpus(options.manifest, chosen, _beside(chosen, rows), panel, heard, progress)
    facts = {
        "model": f"{info.name} ({folder}), codec {settings['codec']}, LM {settings['lm']}",
        "items": _source(options),
        "n": f"{len(items)} items, {len(plan.requests)} clips spoken, {len(chosen)} clips of the "
        f"corpus, {len(corpus)} with neutral ones",
        "teachers of the model": ", ".join(teachers) or "none recorded",
    }
    if options.against:
        facts["compared with"] = str(options.against)
    heard_all = (takes, tuple(corpus), len(chosen))
    return Evaluated(
        options, plan, panel, spoken, *heard_all, rival, tuple(alarms), teachers, facts
    )


def _items(
    options: TtsOptions, rows: Sequence[Utterance], shelf: VoiceShelf
) -> list[tuple[str, SpeechRequest]]:
    design = options.design
    if design.limit < 1:
        raise RequestError(f"--limit {design.limit}: give at least 1")
    if options.items:
        return evenly(items_of_batch(options.items, shelf), design.limit)
    own = design.crossed or design.emotions or not options.manifest
    try:
        items = (
            shipped_items(shelf.info, design)
            if own
            else evenly(items_of_manifest(rows, shelf.info), design.limit)
        )
        for name, request in items:
            _check(name, request, shelf.info)
    except RequestError as error:
        raise RequestError(f"{_source(options)}: {error}") from error
    if not items:
        raise RequestError(
            f"{options.manifest}: none of its emotions is known to the model; give --items instead"
        )
    return items


def _check(name: str, request: SpeechRequest, info: ModelInfo) -> None:
    try:
        prepare(info, request)
    except RequestError as error:
        raise RequestError(f"{name}: {error}") from error


def _source(options: TtsOptions) -> str:
    if (
        options.items
        or options.manifest
        and not (options.design.crossed or options.design.emotions)
    ):
        return str(options.items or options.manifest)
    return "the sentences of the package"


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
    """All requests by key; words, voice and sound of the items alone."""
    takes, items = {}, {key_of(request) for _, request in plan.items}
    requests = plan.requests
    for key in progress(list(requests), "judging"):
        request = requests[key]
        heard = _kept(journal, key, panel, *clip_audio(folder, key), request.text, key in items)
        takes[key] = Take(request.text, request.voice, meant_emotion(request), heard)
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
