"""Text and emotion in, speech out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.errors import RequestError, shown
from affecttts.synthesis.conditions import Conditions
from affecttts.synthesis.model_folder import ModelInfo, check_parts, read_model_info
from affecttts.synthesis.request import SETTINGS, PreparedRequest, SpeechRequest, prepare
from affecttts.synthesis.result import SpeechResult
from affecttts.synthesis.speaker import PieceMaker, Speaker
from affecttts.synthesis.stream import CHUNK_SECONDS, SpeechStream, join
from codec.config import from_dict
from codec.errors import CheckpointError

if TYPE_CHECKING:
    from affecttts.lm.generate import Generated


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
        self.codes = language_model.voices.means | info.codes
        self.engine = Engine(language_model.config, language_model.tensors)
        self._language_model = language_model  # what adapted voices are merged into
        self._adapted: dict[str, Speaker] = {}
        self.conditions = Conditions(language_model.prompt_pieces())
        self._speaker_encoder = None  # of voices from clips, loaded when the first one comes

    @classmethod
    def from_pretrained(
        cls, folder: str | Path | None = None, lexicon: Iterable[str | Path] = ()
    ) -> Synthesizer:
        """Load a model folder, or the shipped model; `lexicon` are files of pronunciations.

        Raises:
            CheckpointError: missing, corrupt, or parts that do not belong together.
            RequestError: `lexicon` is no list of files.
        """
        lexicon = SETTINGS["lexicon"].check(lexicon)
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
            with_voice,
        )

        card = read_card(folder)
        check_base(card, describe_base(self.folder, self.info, self.layout), folder)
        info, lm = with_voice(self.info, card), self._language_model
        engine = Engine(lm.config, merged_tensors(lm, folder, card))
        self._adapted[card.name] = Speaker(self.layout, engine, load_decoder(self.codec, folder))
        self.info, self.codes = info, self.codes | {card.name: bytes.fromhex(card.code)}
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
        request = SpeechRequest.of(request)
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
        pieces: list[Generated] = []

        def ended(piece: Generated) -> None:
            pieces.append(piece)
            progress()

        return join(self.start(request, speaker=speaker, on_piece=ended), pieces)

    def stream(
        self,
        request: SpeechRequest | str | None = None,
        /,
        chunk_seconds: float = CHUNK_SECONDS,
        **settings: Any,
    ) -> SpeechStream:
        """Speak a text in chunks as they are made; joined, they are what `synthesize` gives.

            with synthesizer.stream("We did it!", emotion="happy") as stream:
                for chunk in stream:
                    play(chunk.audio)

        Args:
            request, settings: as of `synthesize`.
            chunk_seconds: least length of the chunks but the first, which comes as soon as there
                is sound, and the last.

        Raises:
            RequestError: as `synthesize`, before anything is spoken.
        """
        return self.start(self.prepare(SpeechRequest.of(request, **settings)), chunk_seconds)

    def start(
        self,
        request: PreparedRequest,
        chunk_seconds: float = CHUNK_SECONDS,
        speaker: Speaker | None = None,
        on_piece: Callable[[Generated], object] = lambda piece: None,
    ) -> SpeechStream:
        """Begin a prepared request, see `stream` and `speak`; the work is done as chunks are asked
        for.

        Args:
            on_piece: called with the codes of every piece of text that is spoken.
        """
        if not isinstance(request, PreparedRequest):
            raise RequestError(f"{shown(request)} is no prepared request; call prepare first")
        conditions, weights = self.conditions.of(self.info, request, self._code(request))
        speaker = speaker or self.speaker(request.voice)
        maker = PieceMaker(speaker, conditions, weights, self.sampling)
        return SpeechStream(maker, request, chunk_seconds, on_piece)

    def _code(self, request: PreparedRequest) -> bytes:
        """The code of the voice that is asked for, by its name or by a clip."""
        from affecttts.synthesis.clip_voice import clip_code, load_speaker_encoder

        clip = request.request.voice_from
        if clip is None:
            return self.codes[request.voice]
        if self._speaker_encoder is None:
            made_codes = self._language_model.voices.speaker_encoder
            self._speaker_encoder = load_speaker_encoder(self.folder, made_codes)
        return clip_code(self._speaker_encoder, clip)
