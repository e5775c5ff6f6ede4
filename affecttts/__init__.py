"""Emotional text-to-speech: an emotion-preserving codec and a token language model that speaks
through it.

    from affecttts import Synthesizer
    speech = Synthesizer.from_pretrained().synthesize("We did it!", emotion="happy")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from affecttts.machine import prepare_environment

if TYPE_CHECKING:
    from affecttts.emotion.spec import EmotionSpec
    from affecttts.errors import RequestError
    from affecttts.synthesis.request import SpeechRequest
    from affecttts.synthesis.result import AudioChunk, SpeechResult
    from affecttts.synthesis.stream import SpeechStream
    from affecttts.synthesis.synthesizer import Synthesizer

prepare_environment()  # before anything loads torch
__version__ = "0.1.0"
__all__ = [
    "AudioChunk",
    "EmotionSpec",
    "RequestError",
    "SpeechRequest",
    "SpeechResult",
    "SpeechStream",
    "Synthesizer",
    "__version__",
]

_HOMES = {
    "AudioChunk": "affecttts.synthesis.result",
    "EmotionSpec": "affecttts.emotion.spec",
    "RequestError": "affecttts.errors",
    "SpeechRequest": "affecttts.synthesis.request",
    "SpeechResult": "affecttts.synthesis.result",
    "SpeechStream": "affecttts.synthesis.stream",
    "Synthesizer": "affecttts.synthesis.synthesizer",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import affecttts` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'affecttts' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
