"""Judge every row of a manifest: one parallel pass in bounded memory, which resumes an earlier run.

The parent reads, judges and counts; workers decode and measure. What they found is stored at once
under a key of the file (path, size, time of change, place in it), so a second run measures only
what is new.
"""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from affecttts.data.checking.fact_store import FactStore
from affecttts.data.checking.measure import AudioFacts, measure
from affecttts.data.manifest import Row, Utterance, audio_path, scan_manifest
from affecttts.data.seen import Seen, hash64
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.text import text_to_phonemes
from affecttts.text.symbols import SYMBOLS
from codec.errors import AudioError

CHUNK = 32  # rows that a worker takes at once
CHUNKS_AHEAD = 4  # per worker, waiting or in work
# seconds, share of the row's: a row may differ from its file by the larger
SECONDS_TOLERANCE = (0.05, 0.02)
LOW_RATE = 16_000  # Hz
CLIPPED_SHARE, SILENT_SHARE = 0.001, 0.6
LOUDNESS_RANGE = (-40.0, -10.0)  # LUFS
PHONEMISED_LANGUAGE = "en"


@dataclass(frozen=True)
class Job:
    """What a worker is asked."""

    path: Path
    start: float | None
    seconds: float
    text: str | None  # to be turned into phones


@dataclass(frozen=True)
class Examined:
    """What a worker found: facts, or a fault; phones where they were asked for."""

    facts: AudioFacts | None = None
    phones: str | None = None
    fault: str = ""  # a reason to reject
    message: str = ""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Examined:
        """What `to_json` made."""
        values = json.loads(line)
        return cls(**(values | {"facts": values["facts"] and AudioFacts(**values["facts"])}))


@dataclass(frozen=True)
class Verdict:
    """A row, what was found in its file, why it is rejected (empty: kept) and what is odd about
    it.
    """

    row: Row
    examined: Examined
    reason: str = ""
    message: str = ""
    oddities: tuple[str, ...] = ()


Examine = Callable[[list[Job]], list[Examined]]


def examine(jobs: list[Job]) -> list[Examined]:
    """Measure every job's audio; runs in a worker."""
    return [_examine(job) for job in jobs]


def _examine(job: Job) -> Examined:
    try:
        facts = measure(job.path, job.start, job.seconds)
    except AudioError as error:
        return Examined(fault=f"audio {error.kind}", message=str(error))
    try:
        return Examined(facts, job.text and text_to_phonemes(job.text))
    except RequestError as error:
        return Examined(facts, fault="text cannot be spoken", message=str(error))


def judge_manifest(
    manifest: str | Path, store: FactStore, workers: int = 1, examine: Examine = examine
) -> Iterator[Verdict]:
    """Yield the verdict on every row, in the order of the manifest.

    Raises:
        RequestError: the manifest cannot be read.
    """
    judge = _Judge()
    with _executor(workers) as executor:
        for row, examined in _Examiner(manifest, store, executor, examine)(
            scan_manifest(manifest), workers
        ):
            yield judge(row, examined)


# -- measuring
class _InProcess(Executor):
    def submit(self, function, /, *arguments) -> Future:
        future: Future = Future()
        future.set_result(function(*arguments))
        return future


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
    """Processes, or this one alone; what still waits is dropped when the caller stops early."""
    ignore_interrupts = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    executor = ProcessPoolExecutor(workers, **ignore_interrupts) if workers > 1 else _InProcess()
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Batch:
    rows: list[Row]
    known: dict[int, Examined]  # by position in rows
    asked: dict[int, int]  # position -> key
    answer: Future | None


class _Examiner:
    """Has workers measure what the store does not know, a few batches ahead, and yields the
    findings in order.
    """

    def __init__(
        self, manifest: str | Path, store: FactStore, executor: Executor, examine: Examine
    ) -> None:
        self.manifest, self.store, self.executor, self.examine = manifest, store, executor, examine

    def __call__(self, rows: Iterable[Row], workers: int) -> Iterator[tuple[Row, Examined]]:
        rows, waiting = iter(rows), deque()
        while batch := list(islice(rows, CHUNK)):
            waiting.append(self._submit(batch))
            if len(waiting) > (CHUNKS_AHEAD * workers if workers > 1 else 0):
                yield from self._collect(waiting.popleft())
        for batch in waiting:
            yield from self._collect(batch)

    def _submit(self, rows: list[Row]) -> _Batch:
        known, asked, jobs = {}, {}, []
        for index, row in enumerate(rows):
            if row.utterance is None:
                known[index] = Examined()
                continue
            job = _job(self.manifest, row.utterance)
            try:
                key = _key(job)
            except (OSError, ValueError):
                known[index] = Examined(fault="audio missing", message=f"{job.path}: no such file")
                continue
            if found := self.store.get(key):
                known[index] = Examined.from_json(found)
            else:
                asked[index] = key
                jobs.append(job)
        return _Batch(
            rows, known, asked, self.executor.submit(self.examine, jobs) if jobs else None
        )

    def _collect(self, batch: _Batch) -> Iterator[tuple[Row, Examined]]:
        found = dict(zip(batch.asked, batch.answer.result())) if batch.answer else {}
        self.store.put(
            [(batch.asked[index], examined.to_json()) for index, examined in found.items()]
        )
        for index, row in enumerate(batch.rows):
            yield row, batch.known.get(index) or found[index]


def _job(manifest: str | Path, utterance: Utterance) -> Job:
    unspelt = utterance.ipa is None and utterance.language.split("-")[0] == PHONEMISED_LANGUAGE
    return Job(
        audio_path(manifest, utterance),
        utterance.start,
        utterance.seconds,
        utterance.text if unspelt else None,
    )


def _key(job: Job) -> int:
    status = os.stat(job.path)
    place = None if job.start is None else (job.start, job.seconds)
    named = (
        f"{os.path.abspath(job.path)}\0{status.st_size}\0{status.st_mtime_ns}\0{place}\0{job.text}"
    )
    return hash64(named)


# -- judging
class _Judge:
    """Remembers 64-bit hashes of ids and of audio, nothing else of a row."""

    def __init__(self) -> None:
        self._ids, self._audio = Seen(), Seen()
        self._emotions = set(load_emotions().ids)

    def __call__(self, row: Row, examined: Examined) -> Verdict:
        if row.utterance is None:
            return Verdict(row, examined, "row unreadable", row.fault)
        reason, message = self._reason(row.utterance, examined)
        return Verdict(
            row,
            examined,
            reason,
            message,
            () if reason else _oddities(row.utterance, examined.facts),
        )

    def _reason(self, utterance: Utterance, examined: Examined) -> tuple[str, str]:
        if not self._ids.add(utterance.id):
            return "id twice", f"the id {utterance.id!r} came before"
        if examined.fault:
            return examined.fault, examined.message
        stated, found = utterance.seconds, examined.facts.seconds
        if abs(stated - found) > max(SECONDS_TOLERANCE[0], SECONDS_TOLERANCE[1] * stated):
            return "duration differs", f"the row says {stated:.2f} s, the file has {found:.2f} s"
        if utterance.emotion is not None and utterance.emotion not in self._emotions:
            return "emotion unknown", _unknown_emotion(utterance.emotion)
        if foreign := set(utterance.ipa or "") - set(SYMBOLS):
            return "phone unknown", f"ipa holds {sorted(foreign)}, which the phone inventory lacks"
        if not self._audio.add(examined.facts.digest):
            return "audio twice", f"another row before has the same samples as {utterance.path}"
        return "", ""


def _unknown_emotion(name: str) -> str:
    """Why, and what to write instead where it is another word for an emotion."""
    table = load_emotions()
    known = table.names.get(name.strip().lower())
    hint = f"write {known.id!r}" if known else f"known are {', '.join(table.ids)}"
    return f"{name!r} is no emotion's tag; {hint}"


def _oddities(utterance: Utterance, facts: AudioFacts) -> tuple[str, ...]:
    odd = {
        "several channels": facts.channels > 1,
        "rate below 16 kHz": facts.sample_rate < LOW_RATE,
        "beyond full scale": facts.peak > 1,
        "clipped": facts.clipped > CLIPPED_SHARE,
        "mostly silence": facts.silence > SILENT_SHARE,
        "level unusual": not LOUDNESS_RANGE[0] <= facts.loudness <= LOUDNESS_RANGE[1],
        "no text": not utterance.text,
        "no licence": not utterance.licence,
    }
    return tuple(name for name, is_so in odd.items() if is_so)
