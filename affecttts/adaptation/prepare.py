"""Recordings -> training data of the voice: clips, transcripts, phones with durations, emotions,
codec tokens; and the report.

The result is a folder: manifest.jsonl, audio/, token shards, report.json. Made once, it is found
again on a restart.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affecttts.adaptation import clips as cutting
from affecttts.adaptation.asr import Recogniser, language_of
from affecttts.adaptation.clips import Findings, SpeechClip, cut, level
from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.forced_alignment import (
    Aligner,
    Alignment,
    phone_classes,
    phone_likelihoods,
)
from affecttts.adaptation.prosody import NEUTRAL, ProsodyReference, label_clips, measure
from affecttts.adaptation.recordings import Recording
from affecttts.data.codes.store import CodeRow, shard_path, write_shard
from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import InputError, RequestError
from affecttts.lm.sequence import split_phones
from affecttts.text import text_to_phonemes
from codec import Codec
from codec.atomic import atomic_folder
from codec.audio import Audio, save_wav
from codec.files import read_json, write_json
from codec.training.phone_classifier import PhoneClassifier

REPORT_NAME = "report.json"
MANIFEST_NAME = "manifest.jsonl"
SPEECH_RATES = (3.0, 35.0)  # symbols of the phone string a second, between which somebody speaks
# log-likelihood a frame by which the phones must beat their own reverse: right words do by 0.8 and
# more
MARGIN = 0.6
# of clips with a given transcript, from which on the transcripts as a whole are wrong
MISMATCHED_SHARE = 0.35
SURE = -0.8  # mean log-probability of a token below which the recogniser did not understand
GIBBERISH = -0.75  # the same, of the median clip: it is not English that is spoken


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
    labelled: int  # clips whose emotion was told by how they sound
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
        rows.append(
            "  transcripts: "
            + ", ".join(f"{count} {name}" for name, count in self.transcripts.items())
        )
        told = f" ({self.labelled} told by their sound)" if self.labelled else ""
        rows.append(
            "  emotions: "
            + ", ".join(f"{count} {name}" for name, count in self.emotions.items())
            + told
        )
        return rows + [f"  note: {warning}" for warning in self.warnings]


@dataclass(frozen=True)
class Prepared:
    """The training data of a voice on disk."""

    folder: Path
    report: Report

    @property
    def manifest(self) -> Path:
        """Its manifest; training clips are split train, held-out ones test."""
        return self.folder / MANIFEST_NAME

    def utterances(self, split: str) -> list[Utterance]:
        """Rows of one split."""
        return [u for u in read_manifest(self.manifest) if u.split == split]


@dataclass(frozen=True)
class _Spoken:
    """A clip with its words."""

    clip: SpeechClip
    ipa: str
    text: str
    source: str  # who wrote the transcript
    codes: np.ndarray | None = None  # uint16 [K,F]
    counts: np.ndarray | None = None  # frames of every block


class Preparation:
    """Everything that turning recordings into training data needs.

    Args:
        model_key: what says which model and which base data this is for.
        phone_classifier: hears phones.
        aligner: how long they last in the base data.
        reference: what emotions do in the base data; None = unlabelled clips are neutral.
        recogniser: folder of a Whisper model for recordings without transcripts; None = the offline
            package.
        say: takes a line for the user.
        progress: wraps an iterable as (iterable, label), for a progress bar.
    """

    def __init__(
        self,
        config: AdaptationConfig,
        name: str,
        codec: Codec,
        codec_fingerprint: str,
        model_key: str,
        phone_classifier: PhoneClassifier,
        aligner: Callable[[], Aligner],
        reference: Callable[[], ProsodyReference],
        recogniser: Path | None,
        say: Callable[[str], None],
        progress: Callable[[Iterable, str], Iterable],
    ) -> None:
        self.config, self.name, self.model_key = config, name, model_key
        self.codec, self.codec_fingerprint = codec, codec_fingerprint
        self.phone_classifier, self.aligner, self.reference, self.recogniser = (
            phone_classifier,
            aligner,
            reference,
            recogniser,
        )
        self.say, self.progress = say, progress

    def run(self, recordings: list[Recording], folder: Path) -> Prepared:
        """Prepare into `folder`, or find what an earlier run has prepared from the same.

        Raises:
            RequestError: nothing, or too little, can be used; the message says why.
        """
        key = self._key(recordings)
        if (folder / REPORT_NAME).exists():
            report = _read_report(folder)
            if report.key == key:
                return Prepared(folder, report)
        findings = Findings()
        pieces = cut(
            recordings, self.codec.config.sample_rate, findings, lambda x: self.progress(x, "check")
        )
        self._require_some(pieces, findings)
        spoken = self._aligned(self._with_words(level(pieces), findings), findings)
        self._require_enough(spoken, findings)
        emotions, labelled = self._emotions(spoken)
        return self._write(folder, key, spoken, emotions, labelled, findings)

    def _key(self, recordings: list[Recording]) -> str:
        """Hash of the recordings' contents and of every setting that matters here."""
        digest = hashlib.sha256()
        for recording in recordings:
            try:
                content = hashlib.sha256(recording.path.read_bytes()).hexdigest()
            except OSError as error:
                raise InputError(f"{recording.path}: cannot be read ({error.strerror})") from error
            digest.update(
                f"{asdict(recording) | {'path': recording.path.name}} {content}\n".encode()
            )
        settings = ("minimum_seconds", "held_out_share", "most_held_out", "label_emotions", "seed")
        values = [getattr(self.config, name) for name in settings]
        digest.update(
            json.dumps([values, self.name, self.model_key, str(self.recogniser)]).encode()
        )
        return digest.hexdigest()[:16]

    # -- words
    def _with_words(self, pieces: list[SpeechClip], findings: Findings) -> list[_Spoken]:
        spoken = [s for s in (self._given(piece, findings) for piece in pieces if piece.text) if s]
        self._check_language([s.text for s in spoken])
        silent = [piece for piece in pieces if not piece.text]
        return spoken + (self._heard(silent, findings) if silent else [])

    def _given(self, piece: SpeechClip, findings: Findings) -> _Spoken | None:
        return self._phonemised(piece, piece.text, "given", findings)

    def _heard(self, pieces: list[SpeechClip], findings: Findings) -> list[_Spoken]:
        """Transcribe, and show what was heard."""
        recogniser, spoken, confidences = Recogniser(self.recogniser), [], []
        rate = self.codec.config.sample_rate
        for piece in self.progress(pieces, "transcribe"):
            heard = recogniser(piece.samples, rate)
            confidences.append(heard.confidence)
            name = piece.recording.path.name
            if heard.confidence < SURE:
                findings.leave_out("not understood", f"{name}: {heard.text or 'nothing'}")
                continue
            self.say(f"heard {name}: {heard.text}")
            spoken.append(self._phonemised(piece, heard.text, f"by {recogniser.name}", findings))
        if np.median(confidences) < GIBBERISH:
            raise RequestError(
                "the recordings do not sound like English speech "
                f"({findings.left_out['not understood']} of {len(pieces)} "
                "clips not understood); only English voices can be adapted, and songs or noise "
                "cannot"
            )
        return [s for s in spoken if s]

    def _phonemised(
        self, piece: SpeechClip, text: str, source: str, findings: Findings
    ) -> _Spoken | None:
        name = piece.recording.path.name
        try:
            ipa = text_to_phonemes(text)
        except RequestError as error:
            return findings.leave_out("words that cannot be read", f"{name}: {error}")
        if (
            not SPEECH_RATES[0]
            <= len(ipa) * self.codec.config.sample_rate / len(piece.samples)
            <= SPEECH_RATES[1]
        ):
            return findings.leave_out("too many or too few words for its length", f"{name}: {text}")
        return _Spoken(piece, ipa, text, source)

    def _check_language(self, texts: list[str]) -> None:
        language = language_of(texts) if sum(map(len, texts)) > 200 else None
        if language not in (None, cutting.LANGUAGE):
            raise RequestError(
                f"the transcripts are in another language ({language}) than {cutting.LANGUAGE}: "
                f"{texts[0][:60]!r}"
            )

    # -- phones
    def _aligned(self, spoken: list[_Spoken], findings: Findings) -> list[_Spoken]:
        """With tokens and durations, without those whose words are not what is said."""
        if not spoken:
            return []
        spoken = [
            replace(s, codes=self._encode(s.clip.samples)) for s in self.progress(spoken, "encode")
        ]
        aligner = self.aligner()
        found = [self._alignment(aligner, s) for s in self.progress(spoken, "align")]
        matching = [alignment.margin >= MARGIN for alignment in found]
        given = [fits for s, fits in zip(spoken, matching) if s.source == "given"]
        if given and given.count(False) > MISMATCHED_SHARE * len(given):
            first = next(s for s, fits in zip(spoken, matching) if s.source == "given" and not fits)
            raise RequestError(
                f"the transcripts do not match the recordings ({given.count(False)} of "
                f"{len(given)}, among them "
                f"{first.clip.recording.path.name}: {first.text[:50]!r}); check which text "
                "belongs to which file"
            )
        for s, fits in zip(spoken, matching):
            if not fits:
                findings.leave_out(
                    "words that do not match the sound", f"{s.clip.recording.path.name}: {s.text}"
                )
        return [
            replace(s, counts=alignment.counts)
            for s, alignment, fits in zip(spoken, found, matching)
            if fits
        ]

    def _alignment(self, aligner: Aligner, s: _Spoken) -> Alignment:
        shape = self.codec.config
        heard = phone_likelihoods(
            self.phone_classifier,
            s.clip.samples,
            shape.sample_rate,
            s.codes.shape[1],
            shape.frame_rate,
        )
        return aligner.align(heard, phone_classes(s.ipa))

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        audio, base = torch.from_numpy(samples)[None, None], self.codec.config.num_codebooks
        return self.codec.encode(audio, base).codes[0].numpy().astype(np.uint16)

    # -- enough?
    def _require_some(self, pieces: list[SpeechClip], findings: Findings) -> None:
        if not pieces:
            raise RequestError(f"no usable speech in {findings.files} files: {_reasons(findings)}")

    def _require_enough(self, spoken: list[_Spoken], findings: Findings) -> None:
        seconds = sum(len(s.clip.samples) for s in spoken) / self.codec.config.sample_rate
        if seconds < self.config.minimum_seconds or len(spoken) < 2:
            why = f"; left out: {_reasons(findings)}" if findings.left_out else ""
            raise RequestError(
                f"{seconds:.1f} s of usable speech in {len(spoken)} clips; at least "
                f"{self.config.minimum_seconds:.0f} s "
                f"in 2 clips are needed, 5 minutes are good{why}"
            )

    # -- emotions
    def _emotions(self, spoken: list[_Spoken]) -> tuple[list[str], int]:
        """The emotion of every clip, and how many were told by their sound."""
        emotions = [s.clip.recording.emotion for s in spoken]
        missing = emotions.count(None)
        if not missing or not self.config.label_emotions:
            return [emotion or NEUTRAL for emotion in emotions], 0
        measured = [measure(self.codec, s.codes, s.ipa) for s in self.progress(spoken, "prosody")]
        told = label_clips(self.reference(), measured)
        return [emotion or other for emotion, other in zip(emotions, told)], missing

    # -- files
    def _write(
        self,
        folder: Path,
        key: str,
        spoken: list[_Spoken],
        emotions: list[str],
        labelled: int,
        findings: Findings,
    ) -> Prepared:
        held_out = self._held_out([s.text for s in spoken])
        rows = [
            self._utterance(index, s, emotions[index], index in held_out)
            for index, s in enumerate(spoken)
        ]
        report = Report(
            key,
            findings.files,
            round(findings.seconds, 1),
            {str(k): v for k, v in sorted(findings.rates.items())},
            dict(findings.left_out),
            findings.examples,
            len(rows) - len(held_out),
            round(sum(row.seconds for row in rows if row.split == "train"), 1),
            len(held_out),
            dict(Counter(s.source for s in spoken)),
            dict(Counter(emotions)),
            labelled,
            self._warnings(findings, rows),
        )
        rate = self.codec.config.sample_rate
        with atomic_folder(folder) as temporary:
            (temporary / "audio").mkdir()
            for row, s in zip(rows, spoken):
                save_wav(temporary / row.path, Audio(s.clip.samples, rate))
            tokens = [CodeRow(row.id, "", s.codes) for row, s in zip(rows, spoken)]
            write_shard(shard_path(temporary, 0, 1), tokens, self.codec_fingerprint)
            lines = [
                json.dumps(
                    {k: v for k, v in asdict(row).items() if v is not None}, ensure_ascii=False
                )
                for row in rows
            ]
            (temporary / MANIFEST_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
            write_json(temporary / REPORT_NAME, asdict(report))
        return Prepared(folder, report)

    def _held_out(self, texts: Sequence[str]) -> set[int]:
        """Indices of the clips that are kept from training: no sentence is on both sides, unless
        there is but one.
        """
        count = min(
            self.config.most_held_out, max(1, round(self.config.held_out_share * len(texts)))
        )
        order, chosen = np.random.default_rng(self.config.seed).permutation(len(texts)), set()
        for index in order:
            same = {i for i, text in enumerate(texts) if text == texts[index]}
            if len(chosen) < count and len(chosen | same) < len(texts):
                chosen |= same
        return chosen or {int(order[0])}

    def _utterance(self, index: int, s: _Spoken, emotion: str, held_out: bool) -> Utterance:
        name, rate = f"{self.name}-{index:05d}", self.codec.config.frame_rate
        return Utterance(
            id=name,
            path=f"audio/{name}.wav",
            speaker=self.name,
            split="test" if held_out else "train",
            text=s.text,
            seconds=round(len(s.clip.samples) / self.codec.config.sample_rate, 3),
            ipa=s.ipa,
            durations=durations(s.ipa, s.counts, rate),
            emotion=emotion,
            intensity=s.clip.recording.intensity,
        )

    def _warnings(self, findings: Findings, rows: list[Utterance]) -> tuple[str, ...]:
        warnings, seconds = [], sum(row.seconds for row in rows)
        if seconds < 300:
            warnings.append(
                f"{seconds:.0f} s of speech is little; 5 minutes or more make a better voice"
            )
        if findings.dull:
            warnings.append(
                f"{findings.dull} files are sampled below {cutting.DULL_RATE} Hz; the "
                "voice will sound dull"
            )
        if findings.unused_transcripts:
            count, longest = findings.unused_transcripts, cutting.LONGEST_CLIP
            warnings.append(
                f"{count} transcripts of more than {longest:.0f} s of speech were not "
                "used; the words were heard"
            )
        return tuple(warnings)


def durations(ipa: str, counts: Sequence[int], frame_rate: float) -> tuple[float, ...]:
    """Frames of every block -> seconds of every character as in a manifest; a stress mark takes no
    time of its own.
    """
    seconds = [counts[0] / frame_rate]
    for phone, count in zip(split_phones(ipa), counts[1:-1]):
        seconds += [0.0] * (phone.width - 1) + [count / frame_rate]
    return tuple(round(float(value), 4) for value in (*seconds, counts[-1] / frame_rate))


def _reasons(findings: Findings) -> str:
    parts = [
        f"{count} {reason} ({findings.examples[reason][:80]})"
        for reason, count in findings.left_out.most_common(3)
    ]
    return "; ".join(parts)


def _read_report(folder: Path) -> Report:
    values: dict[str, Any] = read_json(folder / REPORT_NAME)
    return Report(**values | {"warnings": tuple(values["warnings"])})


def say_to_user(line: str) -> None:
    """One line on stderr, clear of progress bars."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)
