"""Text and emotion in, speech out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import RequestError
from affecttts.machine import chosen_threads, torch_threads
from affecttts.synthesis.model_folder import ModelInfo, check_parts, read_model_info
from affecttts.synthesis.request import MAX_SEED, PreparedRequest, SpeechRequest, prepare
from affecttts.text.reading import PAUSE
from codec.config import from_dict
from codec.errors import CheckpointError

if TYPE_CHECKING:
    from affecttts.lm.engine import Engine
    from affecttts.lm.generate import Generated
    from affecttts.lm.layout import TokenLayout
    from affecttts.lm.sequence import Condition
    from codec import Codec


@dataclass(frozen=True)
class SpeechResult:
    """One spoken text."""

    audio: np.ndarray  # float32 [T] in [-1,1]
    sample_rate: int  # Hz
    codes: np.ndarray  # int64 [K,F], of all pieces
    finish_reason: str  # "end", or "cap" where the frame budget ran out before the text was spoken
    seed: int
    phones: str
    end_probability: float  # least probability of the end token where a piece ends
    warnings: tuple[str, ...] = ()  # what of the text was skipped

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True)
class Speaker:
    """What speaks a request: the model itself, or the model with an adapted voice merged in."""

    layout: TokenLayout
    engine: Engine
    codec: Codec


class Synthesizer:
    """A loaded model. Stateless between calls: everything a call needs is in its arguments and the
    voices loaded.
    """

    def __init__(self, folder: Path, info: ModelInfo, lexicon: Iterable[str | Path] = ()) -> None:
        from affecttts.lm.engine import Engine
        from affecttts.lm.generate import SamplingConfig
        from affecttts.lm.model import load_lm
        from codec import Codec
        from codec.files import member

        self.folder, self.info = folder, info
        self.lexicon = tuple(map(str, lexicon))  # files, for requests that name none
        try:
            self.sampling = from_dict(SamplingConfig, info.sampling)
        except ValueError as error:
            raise CheckpointError(f"{folder}: sampling in model.json: {error}") from error
        self.codec = Codec.from_pretrained(member(folder, "codec"))
        language_model = load_lm(member(folder, "lm"))
        check_parts(folder, info, language_model, self.codec.config)
        self.layout = language_model.layout
        self.engine = Engine(language_model.config, language_model.tensors)
        self._language_model = language_model  # what adapted voices are merged into
        self._adapted: dict[str, Speaker] = {}
        self.pieces = language_model.prompt_pieces()
        self._reader = None  # of free-text prompts, loaded when the first one comes

    @classmethod
    def from_pretrained(
        cls, folder: str | Path | None = None, lexicon: Iterable[str | Path] = ()
    ) -> Synthesizer:
        """Load a model folder, or the shipped model; `lexicon` are files of pronunciations.

        Raises:
            CheckpointError: missing, corrupt, or parts that do not belong together.
        """
        path, info = read_model_info(folder)
        return cls(path, info, lexicon)

    @classmethod
    def with_voices(
        cls, folder: Path, info: ModelInfo, voices: Iterable[str | Path]
    ) -> Synthesizer:
        """Load a model folder and the adapted voices in other folders, see `load_voice`."""
        synthesizer = cls(folder, info)
        for voice in voices:
            synthesizer.load_voice(voice)
        return synthesizer

    def load_voice(self, folder: str | Path) -> str:
        """Load an adapted voice beside the model's own; several may be loaded, and none slows the
        others down.

        Returns:
            Its name, for `voice` of `synthesize`.

        Raises:
            RequestError: there is a voice of that name already.
            CheckpointError: missing, corrupt, or made for another model.
        """
        from affecttts.lm.engine import Engine
        from affecttts.synthesis.lora import load_decoder, merged_tensors
        from affecttts.synthesis.voices import (
            check_base,
            describe_base,
            read_card,
            voice_layout,
            with_voice,
        )

        card = read_card(folder)
        check_base(card, describe_base(self.folder, self.info, self.layout), folder)
        info, lm = with_voice(self.info, card), self._language_model
        engine = Engine(lm.config, merged_tensors(lm, folder, card))
        layout, codec = voice_layout(self.layout, card.name), load_decoder(self.codec, folder)
        self._adapted[card.name] = Speaker(layout, engine, codec)
        self.info = info
        return card.name

    def speaker(self, voice: str) -> Speaker:
        """What speaks requests for a voice."""
        return self._adapted.get(voice) or Speaker(self.layout, self.engine, self.codec)

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the voices."""
        return self.info.voices

    @property
    def emotions(self) -> tuple[str, ...]:
        """Tags of the emotions."""
        return self.info.emotions

    def synthesize(
        self, request: SpeechRequest | str | None = None, /, **settings: Any
    ) -> SpeechResult:
        """Speak a text.

            synthesizer.synthesize("We did it!", emotion="happy", seed=7)
            synthesizer.synthesize(SpeechRequest("We did it!", emotion="happy", seed=7))

        Args:
            request: a request, or the text of one; long texts are spoken piece by piece.
            settings: fields of `SpeechRequest` by name; those of a request given are replaced.

        Raises:
            RequestError: see `SpeechRequest` and `prepare`.
        """
        return self.speak(self.prepare(SpeechRequest.of(request, **settings)))

    def prepare(self, request: SpeechRequest) -> PreparedRequest:
        """Check a request against this model and its voices, see `prepare` of `request`."""
        lexicon = request.lexicon or self.lexicon or None
        return prepare(self.info, replace(request, lexicon=lexicon))

    def speak(
        self,
        request: PreparedRequest,
        progress: Callable[[], object] = lambda: None,
        speaker: Speaker | None = None,
    ) -> SpeechResult:
        """Speak a prepared request, with one thread unless OMP_NUM_THREADS says otherwise.

        Args:
            progress: called after every piece of text.
            speaker: who speaks; None = the voice that is asked for.
        """
        speaker = speaker or self.speaker(request.voice)
        conditions, weights = self._conditions(request)
        pieces = []
        with torch_threads(chosen_threads(1)):  # the work of one token is too little to share
            for index, phones in enumerate(request.phones):
                piece = self._generate(speaker, phones, conditions, weights, request.seed, index)
                pieces.append(piece)
                progress()
                if piece.finish_reason != "end":
                    break
            return self._result(request, pieces, speaker.codec)

    def _generate(
        self,
        speaker: Speaker,
        phones: str,
        conditions: list[Condition],
        weights: list[float],
        seed: int,
        index: int,
    ) -> Generated:
        import torch

        from affecttts.lm.generate import generate
        from affecttts.lm.sequence import phone_ids

        generator = torch.Generator().manual_seed((seed + 7919 * index) % MAX_SEED)
        ids = phone_ids(self.layout, phones)
        return generate(
            speaker.engine, speaker.layout, conditions, weights, ids, self.sampling, generator
        )

    def _conditions(self, request: PreparedRequest) -> tuple[list[Condition], list[float]]:
        """Rows for `generate`: the emotions asked for and, where strength is not 1, neutral as the
        anchor.
        """
        from affecttts.lm.sequence import Condition

        spec, pieces = request.emotion, ()
        if spec.text is not None:
            spec, pieces = self._read_prompt(spec, spec.text)
        emotions = {
            tag: share
            for tag, share in (dict(spec.mixture) or {spec.tag: 1.0}).items()
            if share > 0
        }
        low, high = self.info.trained_intensity
        trained = min(max(spec.intensity, low), high)
        strength = request.guidance * spec.intensity / trained
        rows = {}
        for tag, share in emotions.items():
            if tag != "neutral":
                vad = spec.vad or EmotionSpec(tag=tag, intensity=trained).resolved_vad()
                condition = Condition(request.voice, tag, round(trained, 2), vad, pieces)
                rows[condition] = share * strength
        rest = 1.0 - sum(rows.values())
        if abs(rest) > 1e-6:
            rows[Condition(request.voice)] = rest
        return list(rows), list(rows.values())

    def _read_prompt(self, spec: EmotionSpec, text: str) -> tuple[EmotionSpec, tuple[int, ...]]:
        """Free text -> the emotion nearest to it, at its strength, and its words as pieces."""
        from affecttts.emotion.freetext import FreeTextEncoder

        if self._reader is None:
            self._reader = FreeTextEncoder()
        reading = self._reader.read(text)
        if reading.emotion not in self.info.emotions:
            raise RequestError(
                f"the prompt asks for {reading.emotion}, which this model was not trained on"
            )
        pieces = self.pieces.encode(text) if self.pieces else ()
        intensity = min(1.5, reading.intensity * spec.intensity)
        return replace(spec, tag=reading.emotion, intensity=intensity, text=None), pieces

    def _result(
        self, request: PreparedRequest, pieces: list[Generated], codec: Codec
    ) -> SpeechResult:
        rate = codec.config.sample_rate
        pause = np.zeros(round(PAUSE * rate), dtype=np.float32)
        parts = []
        for piece in pieces:
            if piece.codes.shape[1]:
                parts += [pause, codec.decode(piece.codes[None])[0, 0].numpy()]
        whole = np.concatenate(parts[1:]) if parts else np.zeros(0, dtype=np.float32)
        if not np.isfinite(whole).all():
            raise CheckpointError(
                f"{self.folder}: its codec speaks NaN or infinite samples; fetch the model again"
            )
        return SpeechResult(
            np.clip(whole, -1.0, 1.0),
            rate,
            np.concatenate([piece.codes.numpy() for piece in pieces], axis=1),
            pieces[-1].finish_reason,
            request.seed,
            " ".join(request.phones),
            min(piece.end_probability for piece in pieces),
            request.warnings,
        )
