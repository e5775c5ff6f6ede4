"""What the LM is conditioned on for a request: emotions, and neutral as the anchor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import RequestError
from affecttts.lm.sequence import Condition
from affecttts.synthesis.model_folder import ModelInfo
from affecttts.synthesis.request import PreparedRequest

if TYPE_CHECKING:
    from affecttts.lm.pieces import PromptPieces


class Conditions:
    """Requests -> rows for `generate`; what reads free text is loaded when the first one comes."""

    def __init__(self, pieces: PromptPieces | None) -> None:
        self.pieces, self._reader = pieces, None

    def of(
        self, info: ModelInfo, request: PreparedRequest, voice: bytes
    ) -> tuple[list[Condition], list[float]]:
        """Rows and their weights: the emotions asked for and, where strength is not 1, neutral as
        the anchor.

        Args:
            voice: code of the voice.

        Raises:
            RequestError: a prompt that asks for an emotion that the model was not trained on.
        """
        spec, pieces = request.emotion, ()
        if spec.text is not None:
            spec, pieces = self._read_prompt(info, spec, spec.text)
        emotions = {
            tag: share
            for tag, share in (dict(spec.mixture) or {spec.tag: 1.0}).items()
            if share > 0
        }
        low, high = info.trained_intensity
        trained = min(max(spec.intensity, low), high)
        strength = request.guidance * spec.intensity / trained
        rows = {}
        for tag, share in emotions.items():
            if tag != "neutral":
                vad = spec.vad or EmotionSpec(tag=tag, intensity=trained).resolved_vad()
                condition = Condition(voice, tag, round(trained, 2), vad, pieces)
                rows[condition] = share * strength
        rest = 1.0 - sum(rows.values())
        if abs(rest) > 1e-6:
            rows[Condition(voice)] = rest
        return list(rows), list(rows.values())

    def _read_prompt(
        self, info: ModelInfo, spec: EmotionSpec, text: str
    ) -> tuple[EmotionSpec, tuple[int, ...]]:
        """Free text -> the emotion nearest to it, at its strength, and its words as pieces."""
        from affecttts.emotion.freetext import FreeTextEncoder

        if self._reader is None:
            self._reader = FreeTextEncoder()
        reading = self._reader.read(text)
        if reading.emotion not in info.emotions:
            raise RequestError(
                f"the prompt asks for {reading.emotion}, which this model was not trained on"
            )
        pieces = self.pieces.encode(text) if self.pieces else ()
        intensity = min(1.5, reading.intensity * spec.intensity)
        return replace(spec, tag=reading.emotion, intensity=intensity, text=None), pieces
