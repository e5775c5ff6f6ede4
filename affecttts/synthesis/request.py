"""A request, checked before any weights are loaded."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import ModelInfo, nearest_first
from affecttts.text import check_text, normalize, split_text, text_to_phonemes

if TYPE_CHECKING:
    pass


MAX_GUIDANCE = 4.0
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Request:
    """A checked request: everything that can be refused has been, before any weights are loaded."""

    phones: tuple[str, ...]  # one string per piece of text
    emotion: EmotionSpec
    voice: str
    seed: int
    guidance: float


def prepare(
    info: ModelInfo,
    text: str,
    emotion: str | None = None,
    intensity: float | None = None,
    voice: str | None = None,
    seed: int | None = None,
    guidance: float | None = None,
    prompt: str | None = None,
) -> Request:
    """Check a request and turn its text into phonemes.

    Raises:
        RequestError: text that cannot be spoken, an unknown name, or a value out of range.
    """
    if emotion is not None and prompt is not None:
        raise RequestError("give an emotion or a free-text prompt, not both")
    spec = EmotionSpec.parse(emotion, intensity, prompt)
    if prompt is None:
        for tag in dict(spec.mixture) or [spec.tag]:
            if tag not in info.emotions:
                raise RequestError(
                    f"this model was not trained on {tag!r}; it knows: {', '.join(info.emotions)}"
                )
    voice = info.default_voice if voice is None else voice
    if voice not in info.voices:
        raise RequestError(f"unknown voice {voice!r}; known: {nearest_first(voice, info.voices)}")
    guidance = info.guidance if guidance is None else guidance
    if not 0 <= guidance <= MAX_GUIDANCE:
        raise RequestError(
            f"guidance {guidance} is out of range; give 0 to {MAX_GUIDANCE:g} (1 = off)"
        )
    seed = secrets.randbelow(2**31) if seed is None else seed
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"seed {seed} is out of range; give 0 to {MAX_SEED}")
    check_text(text)
    phones = tuple(text_to_phonemes(piece) for piece in split_text(normalize(text)))
    return Request(phones, spec, voice, seed, guidance)
