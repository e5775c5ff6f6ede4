"""AffectCodec: an emotion-preserving neural audio codec (arXiv 2605.11098). Usable without the rest
of affecttts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codec.config import CodecConfig
    from codec.model import Codec, CodecOutput, EncodedAudio

__all__ = ["Codec", "CodecConfig", "CodecOutput", "EncodedAudio"]


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that the light modules here do not bring
    torch.
    """
    if name not in __all__:
        raise AttributeError(f"module 'codec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("codec.config" if name == "CodecConfig" else "codec.model"), name)
