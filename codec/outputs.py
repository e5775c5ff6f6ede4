"""What the codec's methods return."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from codec.modulation import TeacherFeatures
from codec.nn.decoder import DecoderOutput
from codec.quantize.base import QuantizerOutput


@dataclass(frozen=True)
class EncodedAudio:
    """Codes of a batch and the length they came from."""

    codes: Tensor  # int64 [B,K,F]
    num_samples: int  # T before padding


@dataclass(frozen=True)
class ModulatedLatents:
    """Latents after module 1."""

    latents: Tensor  # [B,D,F]
    predicted: TeacherFeatures | None = None  # by the student; None without one
    # scalar, None unless the student's features stood in for the teachers' in some sequences:
    # mean squared difference to what the teachers' features would have added to the latents
    consistency: Tensor | None = None


@dataclass(frozen=True)
class CodecOutput:
    """One pass through the base layer."""

    num_samples: int  # T of the input
    latents: Tensor  # [B,D,F], before the quantiser
    decoded: DecoderOutput
    quantized: QuantizerOutput | None  # None where the quantiser was bypassed
    predicted: TeacherFeatures | None = None  # see ModulatedLatents
    consistency: Tensor | None = None

    @property
    def audio(self) -> Tensor:
        """[B,1,T], same length as the input."""
        return self.decoded.audio[..., : self.num_samples]
