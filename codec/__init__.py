"""AffectCodec: an emotion-preserving neural audio codec (arXiv 2605.11098). Usable without the rest of affecttts."""

from codec.config import CodecConfig
from codec.model import Codec, CodecOutput, EncodedAudio

__all__ = ["Codec", "CodecConfig", "CodecOutput", "EncodedAudio"]
