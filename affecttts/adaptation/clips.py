"""Recordings -> checked clips of speech; what cannot be used is left out and counted by reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from affecttts.adaptation.asr import find_speech
from affecttts.adaptation.recordings import Recording
from codec.audio import Audio, load_audio
from codec.errors import AudioError

LONGEST_RECORDING = 1800.0  # seconds of one file; all of it is decoded at once
LONGEST_CLIP = 14.0  # seconds
SHORTEST_CLIP = 0.5
LOWEST_RATE = 8000  # Hz of the file
DULL_RATE = 16000  # Hz, below which the voice lacks treble
CLIPPED_SHARE = 1e-3  # of samples at full scale
NOISY_DB = 15.0  # least level of speech above the sound between
FRAME_SECONDS = 0.02  # of the level measurements
USUAL_LEVEL_DB = -23.0  # RMS of the base corpus, full scale = 0
LANGUAGE = "en"


@dataclass(frozen=True)
class SpeechClip:
    """A stretch of one recording."""

    recording: Recording
    samples: np.ndarray  # float32 [T] at the codec's rate
    text: str | None  # as given; None = to be transcribed


@dataclass
class Findings:
    """What the checks found, over all recordings."""

    files: int = 0
    seconds: float = 0.0
    rates: Counter = field(default_factory=Counter)  # Hz -> files
    left_out: Counter = field(default_factory=Counter)  # reason -> files or clips
    examples: dict[str, str] = field(default_factory=dict)  # reason -> one of them
    unused_transcripts: int = 0  # of recordings too long to align, which are transcribed instead

    def leave_out(self, reason: str, example: object) -> None:
        """Count something that cannot be used."""
        self.left_out[reason] += 1
        self.examples.setdefault(reason, str(example))

    @property
    def dull(self) -> int:
        """Files of too low a sample rate for all of a voice."""
        return sum(count for rate, count in self.rates.items() if rate < DULL_RATE)


def cut(
    recordings: list[Recording],
    sample_rate: int,
    findings: Findings,
    progress: Callable[[Iterable], Iterable] = lambda x: x,
) -> list[SpeechClip]:
    """Read, check and cut the recordings; `findings` is filled in.

    A recording with a transcript is trimmed and stays whole; one without, or one too long for its
    transcript to be aligned, is cut at its pauses.
    """
    clips, seen = [], set()
    for recording in progress(recordings):
        audio = _read(recording, sample_rate, findings, seen)
        if audio is not None:
            clips += _speech(recording, audio, findings)
    return clips


def _read(
    recording: Recording, sample_rate: int, findings: Findings, seen: set[bytes]
) -> Audio | None:
    findings.files += 1
    if recording.language and recording.language.lower()[:2] != LANGUAGE:
        return findings.leave_out(
            f"marked as another language than {LANGUAGE}", recording.path.name
        )
    try:
        audio = load_audio(
            recording.path,
            sample_rate,
            recording.start,
            recording.seconds,
            max_seconds=LONGEST_RECORDING,
        )
    except AudioError as error:
        return findings.leave_out("cannot be read as speech", error)
    findings.seconds += audio.seconds
    findings.rates[audio.source_rate] += 1
    digest = hashlib.sha256(audio.samples.tobytes()).digest()
    if digest in seen:
        return findings.leave_out("a duplicate of another file", recording.path.name)
    seen.add(digest)
    if audio.source_rate < LOWEST_RATE:
        return findings.leave_out(f"sampled below {LOWEST_RATE} Hz", recording.path.name)
    if float((np.abs(audio.samples) > 0.995).mean()) > CLIPPED_SHARE:
        return findings.leave_out("clipped", recording.path.name)
    return audio


def _speech(recording: Recording, audio: Audio, findings: Findings) -> list[SpeechClip]:
    spans = find_speech(audio, LONGEST_CLIP)
    if not spans:
        findings.leave_out("no speech (silence, noise or music)", recording.path.name)
        return []
    if _noisy(audio, spans):
        findings.leave_out(
            f"noise less than {NOISY_DB:.0f} dB below the speech", recording.path.name
        )
        return []
    text = recording.text
    if text and (spans[-1][1] - spans[0][0]) <= LONGEST_CLIP * audio.sample_rate:
        spans = [(spans[0][0], spans[-1][1])]
    elif text:
        findings.unused_transcripts += 1
        text = None
    clips = []
    for first, end in spans:
        if end - first < SHORTEST_CLIP * audio.sample_rate:
            findings.leave_out(f"shorter than {SHORTEST_CLIP} s", recording.path.name)
        else:
            clips.append(SpeechClip(recording, audio.samples[first:end], text))
    return clips


def _noisy(audio: Audio, spans: list[tuple[int, int]]) -> bool:
    """Whether the sound around the speech is too loud, or else its quietest frames."""
    size = round(FRAME_SECONDS * audio.sample_rate)
    speaking = np.zeros(len(audio.samples), dtype=bool)
    for first, end in spans:
        speaking[first:end] = True
    usable = len(audio.samples) // size * size
    levels = 10 * np.log10((audio.samples[:usable].reshape(-1, size) ** 2).mean(axis=1) + 1e-12)
    inside = speaking[:usable].reshape(-1, size).mean(axis=1) > 0.5
    if not inside.any():
        return False
    around = levels[~inside] if (~inside).sum() * FRAME_SECONDS > 0.2 else np.percentile(levels, 5)
    return float(np.percentile(levels[inside], 80) - np.median(around)) < NOISY_DB


def level(clips: list[SpeechClip]) -> list[SpeechClip]:
    """Bring a voice to the level of the base corpus by one gain for all clips, loud or soft."""
    usual = np.median([10 * np.log10((clip.samples**2).mean() + 1e-12) for clip in clips])
    peak = max(float(np.abs(clip.samples).max()) for clip in clips)
    gain = np.float32(min(10 ** ((USUAL_LEVEL_DB - usual) / 20), 0.99 / max(peak, 1e-3)))
    return [replace(clip, samples=clip.samples * gain) for clip in clips]
