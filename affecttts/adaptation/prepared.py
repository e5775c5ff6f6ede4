"""The training data of a voice as a folder: manifest.jsonl, audio/, code shards, and report.json,
which says what was found.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.adaptation import clips as cutting
from affecttts.adaptation.clips import Findings, SpeechClip
from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.lm.sequence import split_phones
from codec.atomic import atomic_folder
from codec.audio import Audio, read_samples, save_wav
from codec.files import read_json, write_json

REPORT_NAME = "report.json"
MANIFEST_NAME = "manifest.jsonl"
LITTLE_SECONDS = 300.0  # of speech, below which a voice is adapted less well


@dataclass(frozen=True)
class Report:
    """What was found and what will be used."""

    key: str  # hash of everything that it was made from
    files: int
    seconds: float  # of all readable files
    rates: dict[str, int]  # Hz -> files
    left_out: dict[str, int]  # reason -> files or clips
    examples: dict[str, str]  # reason -> one of them
    clips: int  # used for training
    clip_seconds: float
    held_out: int
    transcripts: dict[str, int]  # "given", or the recogniser's name -> clips
    emotions: dict[str, int]
    labelled: int  # clips whose emotion was recognised from their prosody
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """For the user."""
        rates = ", ".join(f"{rate} Hz" for rate in self.rates)
        rows = [f"recordings: {self.files} files, {self.seconds / 60:.1f} min, {rates}"]
        rows += [
            f"  left out: {count} {reason} ({self.examples[reason][:100]})"
            for reason, count in self.left_out.items()
        ]
        usable = f"{self.clips} clips, {self.clip_seconds / 60:.1f} min"
        rows.append(f"usable: {usable}, and {self.held_out} held out for the self-test")
        rows.append(f"  transcripts: {_counts(self.transcripts)}")
        labelled = f" ({self.labelled} recognised from prosody)" if self.labelled else ""
        rows.append(f"  emotions: {_counts(self.emotions)}{labelled}")
        return rows + [f"  note: {warning}" for warning in self.warnings]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


@dataclass(frozen=True)
class Prepared:
    """The training data of a voice on disk."""

    folder: Path
    report: Report

    @property
    def manifest(self) -> Path:
        """Its manifest; training clips have the split train, held-out ones test."""
        return self.folder / MANIFEST_NAME

    def utterances(self, split: str) -> list[Utterance]:
        """Rows of one split."""
        return [u for u in read_manifest(self.manifest) if u.split == split]

    def clips(self, split: str) -> Iterator[Audio]:
        """The sound of one split."""
        for utterance in self.utterances(split):
            samples, rate = read_samples(audio_path(self.manifest, utterance))
            yield Audio(samples[:, 0], rate)


def find_prepared(folder: Path, key: str) -> Prepared | None:
    """What an earlier run made of the same recordings and settings, if it did."""
    if not (folder / REPORT_NAME).exists():
        return None
    values: dict[str, Any] = read_json(folder / REPORT_NAME)
    report = Report(**values | {"warnings": tuple(values["warnings"])})
    return Prepared(folder, report) if report.key == key else None


@dataclass(frozen=True)
class TrainingClip:
    """A clip with its words, codes and phones."""

    clip: SpeechClip
    ipa: str
    text: str
    source: str  # of the transcript
    codes: np.ndarray | None = None  # uint16 [K,F]
    counts: np.ndarray | None = None  # frames of every phone, silence at both ends included
    emotion: str | None = None


@dataclass(frozen=True)
class DataWriter:
    """Writes the training data of one voice.

    Args:
        name: of the voice.
        sample_rate: Hz, of the clips.
        frame_rate: Hz, of their codes.
        codec_fingerprint: of the codec that made them.
    """

    name: str
    sample_rate: int
    frame_rate: float
    codec_fingerprint: str

    def write(
        self,
        folder: Path,
        key: str,
        clips: list[TrainingClip],
        held_out: set[int],
        labelled: int,
        findings: Findings,
    ) -> Prepared:
        """Write all files, or none; `held_out` are indices of clips."""
        rows = [self._row(index, clip, index in held_out) for index, clip in enumerate(clips)]
        report = Report(
            key=key,
            files=findings.files,
            seconds=round(findings.seconds, 1),
            rates={str(k): v for k, v in sorted(findings.rates.items())},
            left_out=dict(findings.left_out),
            examples=findings.examples,
            clips=len(rows) - len(held_out),
            clip_seconds=round(sum(row.seconds or 0 for row in rows if row.split == "train"), 1),
            held_out=len(held_out),
            transcripts=dict(Counter(clip.source for clip in clips)),
            emotions=dict(Counter(row.emotion or "" for row in rows)),
            labelled=labelled,
            warnings=_warnings(findings, rows),
        )
        with atomic_folder(folder) as temporary:
            (temporary / "audio").mkdir()
            for row, clip in zip(rows, clips):
                save_wav(temporary / row.path, Audio(clip.clip.samples, self.sample_rate))
            codes = [CodeRow(row.id, "", clip.codes) for row, clip in zip(rows, clips)]
            write_shard(shard_path(temporary, 0, 1), codes, self.codec_fingerprint)
            lines = [{k: v for k, v in asdict(row).items() if v is not None} for row in rows]
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (temporary / MANIFEST_NAME).write_text(text, encoding="utf-8")
            write_json(temporary / REPORT_NAME, asdict(report))
        return Prepared(folder, report)

    def _row(self, index: int, clip: TrainingClip, held_out: bool) -> Utterance:
        name = f"{self.name}-{index:05d}"
        return Utterance(
            id=name,
            path=f"audio/{name}.wav",
            speaker=self.name,
            split="test" if held_out else "train",
            text=clip.text,
            seconds=round(len(clip.clip.samples) / self.sample_rate, 3),
            ipa=clip.ipa,
            durations=durations(clip.ipa, clip.counts, self.frame_rate),
            emotion=clip.emotion,
            intensity=clip.clip.recording.intensity,
        )


def durations(ipa: str, counts: Sequence[int], frame_rate: float) -> tuple[float, ...]:
    """Frames of every phone -> seconds of every character, as in a manifest.

    A stress mark takes no time of its own; silence at both ends has an entry.
    """
    seconds = [counts[0] / frame_rate]
    for phone, count in zip(split_phones(ipa), counts[1:-1]):
        seconds += [0.0] * (phone.width - 1) + [count / frame_rate]
    return tuple(round(float(value), 4) for value in (*seconds, counts[-1] / frame_rate))


def _warnings(findings: Findings, rows: list[Utterance]) -> tuple[str, ...]:
    warnings, seconds = [], sum(row.seconds or 0 for row in rows)
    if seconds < LITTLE_SECONDS:
        warnings.append(
            f"{seconds:.0f} s of speech is little; 5 minutes or more make a better voice"
        )
    if findings.dull:
        warnings.append(
            f"{findings.dull} files are sampled below {cutting.DULL_RATE} Hz; the voice will "
            "sound dull"
        )
    if findings.unused_transcripts:
        warnings.append(
            f"{findings.unused_transcripts} transcripts of more than {cutting.LONGEST_CLIP:.0f} s "
            "of speech were not used; the recogniser's were"
        )
    return tuple(warnings)
