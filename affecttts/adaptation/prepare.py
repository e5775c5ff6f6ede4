"""Recordings -> training data of a voice: clips, transcripts, timed phones, emotions and codes.

The data are made once; a restart finds them in their folder (affecttts/adaptation/prepared.py).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from affecttts.adaptation import clips as cutting
from affecttts.adaptation.asr import Recogniser, language_of
from affecttts.adaptation.clips import Findings, SpeechClip, cut, level
from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.prepared import DataWriter, Prepared, TrainingClip, find_prepared
from affecttts.adaptation.prosody import NEUTRAL, ProsodyReference, label_clips, measure
from affecttts.adaptation.recordings import Recording
from affecttts.data.alignment.likelihoods import phone_likelihoods
from affecttts.data.alignment.units import ENGLISH
from affecttts.data.alignment.viterbi import Aligner, Alignment
from affecttts.errors import InputError, RequestError
from affecttts.text import text_to_phonemes
from codec import Codec
from codec.inputs.door import AUDIO_BYTES, file_digest
from codec.training.phone_classifier import PhoneClassifier

SPEECH_RATES = (3.0, 35.0)  # symbols of the phone string a second, within which people speak
MARGIN = 0.6  # least log-likelihood of 40 ms of the phones above their reverse; right ones have 0.8
MISMATCHED_SHARE = 0.35  # of the given transcripts, above which all of them are taken for wrong
SURE = -0.8  # least mean log-probability of a transcript's tokens
GIBBERISH = -0.75  # the same of the median clip, below which the speech is not English


@dataclass(frozen=True)
class Tools:
    """The models and base data that recordings are prepared with.

    Args:
        codec_fingerprint: of the codec.
        model_key: hash of the model and the base data.
        aligner: made when first needed.
        reference: of the base data's prosody, made when first needed.
        recogniser: folder of a Whisper model for recordings without transcripts; None = the offline
            package.
        say: takes a line for the user.
        progress: wraps an iterable as (iterable, label), for a progress bar.
    """

    codec: Codec
    codec_fingerprint: str
    model_key: str
    phone_classifier: PhoneClassifier
    aligner: Callable[[], Aligner]
    reference: Callable[[], ProsodyReference]
    recogniser: Path | None
    say: Callable[[str], None]
    progress: Callable[[Iterable, str], Iterable]


class Preparation:
    """Turns recordings into training data of the voice `name`."""

    def __init__(self, config: AdaptationConfig, name: str, tools: Tools) -> None:
        self.config, self.name, self.tools = config, name, tools
        self.codec, self.say, self.progress = tools.codec, tools.say, tools.progress

    def run(self, recordings: list[Recording], folder: Path) -> Prepared:
        """Prepare into `folder`, or find what an earlier run prepared from the same.

        Raises:
            RequestError: nothing, or too little, can be used; the message says why.
        """
        key = self._key(recordings)
        if found := find_prepared(folder, key):
            return found
        findings, shape = Findings(), self.codec.config
        pieces = cut(
            recordings, shape.sample_rate, findings, lambda items: self.progress(items, "check")
        )
        if not pieces:
            raise RequestError(f"no usable speech in {findings.files} files: {_reasons(findings)}")
        clips = self._aligned(self._with_words(level(pieces), findings), findings)
        self._require_enough(clips, findings)
        clips, labelled = self._with_emotions(clips)
        writer = DataWriter(
            self.name, shape.sample_rate, shape.frame_rate, self.tools.codec_fingerprint
        )
        held_out = self._held_out([clip.text for clip in clips])
        return writer.write(folder, key, clips, held_out, labelled, findings)

    def _key(self, recordings: list[Recording]) -> str:
        """Hash of the recordings' contents and of every setting that matters here."""
        digest = hashlib.sha256()
        for recording in recordings:
            try:
                content = file_digest(recording.path, AUDIO_BYTES)
            except InputError:
                content = ""  # cutting says what is wrong with it
            digest.update(
                f"{asdict(recording) | {'path': recording.path.name}} {content}\n".encode()
            )
        settings = ("minimum_seconds", "held_out_share", "most_held_out", "label_emotions", "seed")
        values = [getattr(self.config, name) for name in settings]
        tools = self.tools
        digest.update(
            json.dumps([values, self.name, tools.model_key, str(tools.recogniser)]).encode()
        )
        return digest.hexdigest()[:16]

    # -- words
    def _with_words(self, pieces: list[SpeechClip], findings: Findings) -> list[TrainingClip]:
        given = [
            clip
            for piece in pieces
            if piece.text and (clip := self._phonemised(piece, piece.text, "given", findings))
        ]
        self._check_language([clip.text for clip in given])
        missing = [piece for piece in pieces if not piece.text]
        return given + (self._transcribed(missing, findings) if missing else [])

    def _transcribed(self, pieces: list[SpeechClip], findings: Findings) -> list[TrainingClip]:
        """Transcribe, and show the transcripts."""
        recogniser, clips, confidences = Recogniser(self.tools.recogniser), [], []
        for piece in self.progress(pieces, "transcribe"):
            transcript = recogniser(piece.samples, self.codec.config.sample_rate)
            confidences.append(transcript.confidence)
            name = piece.recording.path.name
            if transcript.confidence < SURE:
                findings.leave_out("not understood", f"{name}: {transcript.text or 'nothing'}")
                continue
            self.say(f"transcript of {name}: {transcript.text}")
            source = f"by {recogniser.name}"
            clips.append(self._phonemised(piece, transcript.text, source, findings))
        if np.median(confidences) < GIBBERISH:
            raise RequestError(
                "the recordings do not sound like English speech "
                f"({findings.left_out['not understood']} of {len(pieces)} clips not understood); "
                "only English voices can be adapted, and songs or noise cannot"
            )
        return [clip for clip in clips if clip]

    def _phonemised(
        self, piece: SpeechClip, text: str, source: str, findings: Findings
    ) -> TrainingClip | None:
        name, seconds = (
            piece.recording.path.name,
            len(piece.samples) / self.codec.config.sample_rate,
        )
        try:
            ipa = text_to_phonemes(text)
        except RequestError as error:
            return findings.leave_out("words that cannot be read", f"{name}: {error}")
        if not SPEECH_RATES[0] <= len(ipa) / seconds <= SPEECH_RATES[1]:
            return findings.leave_out("too many or too few words for its length", f"{name}: {text}")
        return TrainingClip(piece, ipa, text, source)

    def _check_language(self, texts: list[str]) -> None:
        language = language_of(texts) if sum(map(len, texts)) > 200 else None
        if language not in (None, cutting.LANGUAGE):
            raise RequestError(
                f"the transcripts are in another language ({language}) than {cutting.LANGUAGE}: "
                f"{texts[0][:60]!r}"
            )

    # -- phones
    def _aligned(self, clips: list[TrainingClip], findings: Findings) -> list[TrainingClip]:
        """With codes and durations, without clips whose words are not what is said."""
        if not clips:
            return []
        clips = [
            replace(clip, codes=self._encode(clip.clip.samples))
            for clip in self.progress(clips, "encode")
        ]
        aligner = self.tools.aligner()
        found = [self._alignment(aligner, clip) for clip in self.progress(clips, "align")]
        wrong = [c for c, alignment in zip(clips, found) if alignment.margin < MARGIN]
        _refuse_mismatched(clips, [clip for clip in wrong if clip.source == "given"])
        for clip in wrong:
            findings.leave_out("words that do not match the sound", _example(clip))
        return [
            replace(clip, counts=alignment.counts)
            for clip, alignment in zip(clips, found)
            if alignment.margin >= MARGIN
        ]

    def _alignment(self, aligner: Aligner, clip: TrainingClip) -> Alignment:
        shape = self.codec.config
        likelihoods = phone_likelihoods(
            self.tools.phone_classifier,
            ENGLISH,
            clip.clip.samples,
            shape.sample_rate,
            clip.codes.shape[1],
            shape.frame_rate,
        )
        return aligner.align(likelihoods, ENGLISH.classes(clip.ipa))

    def _encode(self, samples: np.ndarray) -> np.ndarray:
        audio, base = torch.from_numpy(samples)[None, None], self.codec.config.num_codebooks
        return self.codec.encode(audio, base).codes[0].numpy().astype(np.uint16)

    def _require_enough(self, clips: list[TrainingClip], findings: Findings) -> None:
        seconds = sum(len(clip.clip.samples) for clip in clips) / self.codec.config.sample_rate
        if seconds < self.config.minimum_seconds or len(clips) < 2:
            why = f"; left out: {_reasons(findings)}" if findings.left_out else ""
            raise RequestError(
                f"{seconds:.1f} s of usable speech in {len(clips)} clips; at least "
                f"{self.config.minimum_seconds:.0f} s in 2 clips are needed, 5 minutes are good"
                f"{why}"
            )

    # -- emotions
    def _with_emotions(self, clips: list[TrainingClip]) -> tuple[list[TrainingClip], int]:
        """The clips with their emotions, and how many of these were recognised from prosody."""
        emotions = [clip.clip.recording.emotion for clip in clips]
        missing = emotions.count(None) if self.config.label_emotions else 0
        recognised = [NEUTRAL] * len(clips)
        if missing:
            measured = [
                measure(self.codec, clip.codes, clip.ipa)
                for clip in self.progress(clips, "prosody")
            ]
            recognised = label_clips(self.tools.reference(), measured)
        return [
            replace(clip, emotion=emotion or other)
            for clip, emotion, other in zip(clips, emotions, recognised)
        ], missing

    def _held_out(self, texts: Sequence[str]) -> set[int]:
        """Indices of clips that are kept from training; no sentence is on both sides, unless there
        is but one.
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


def _refuse_mismatched(clips: list[TrainingClip], wrong: list[TrainingClip]) -> None:
    """Refuse the transcripts as a whole where too many of the given ones are `wrong`."""
    given = sum(clip.source == "given" for clip in clips)
    if wrong and len(wrong) > MISMATCHED_SHARE * given:
        first = wrong[0]
        raise RequestError(
            f"the transcripts do not match the recordings ({len(wrong)} of {given}, among them "
            f"{first.clip.recording.path.name}: {first.text[:50]!r}); check which text belongs to "
            "which file"
        )


def _example(clip: TrainingClip) -> str:
    return f"{clip.clip.recording.path.name}: {clip.text}"


def _reasons(findings: Findings) -> str:
    parts = [
        f"{count} {reason} ({findings.examples[reason][:80]})"
        for reason, count in findings.left_out.most_common(3)
    ]
    return "; ".join(parts)


def say_to_user(line: str) -> None:
    """One line on stderr, clear of progress bars."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)
