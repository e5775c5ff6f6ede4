"""Codec configuration: a frozen dataclass with strict keys and derived quantities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

from codec.presets import PRESETS


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=Dataclass)


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """Build a dataclass from a mapping, refusing keys it does not know.

    Raises:
        ValueError: unknown or missing keys; the message lists the known ones.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{cls.__name__} is made of names and values, not {type(values).__name__}")
    known = {field.name for field in fields(cls)}
    unknown = sorted(str(name) for name in values if name not in known)
    if unknown:
        raise ValueError(f"{cls.__name__}: unknown keys {unknown}; known: {sorted(known)}")
    try:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise ValueError(f"{cls.__name__}: {error}") from error


def _largest(name: str) -> int:
    return next(most for end, most in LARGEST.items() if name.endswith(end))


CHOICES = {
    "encoder": ("features", "seanet"),
    "encoder_spectrum": ("mel", "linear", "cepstrum"),
    "decoder": ("source_filter", "parametric", "vocos", "seanet"),
    "decoder_context": ("centred", "causal"),
    "seanet_activation": ("elu",),
    "quantizer": ("rvq_ema", "rvq_fact", "rvq_split", "bd_rfsq"),
    "modulation": ("none", "xattn_pre", "xattn_post", "add", "film", "concat", "self", "cem"),
}
FSQ_SIZE = 2**15  # codes of one stage of bd_rfsq
# The largest value of a number by the end of its name, and of any other: no codec is near them,
# and whatever a file says, a network of this shape can be described in little memory.
LARGEST = {
    "_blocks": 128,
    "_layers": 64,
    "_lstm": 16,
    "_codebooks": 64,
    "_heads": 128,
    "_stride": 64,
    "codebook_size": 65_536,
    "sample_rate": 384_000,
    "f0_max": 20_000,
    "": 32_768,
}
MOST_LOOKAHEAD = 6  # frames: the kernel of the decoder's first layer
POSITIVE = (
    "sample_rate",
    "hop_length",
    "frame_stride",
    "num_codebooks",
    "codebook_size",
    "modulation_heads",
    "envelope_coefficients",
    "detail_bands",
    "detail_high_weight",
)


@dataclass(frozen=True)
class CodecConfig:
    """Shape of a codec. Presets: `CodecConfig.preset("small" | "tiny" | "paper")`."""

    sample_rate: int = 24000  # Hz
    hop_length: int = 240  # samples between feature frames and between ISTFT frames
    n_fft: int = 1024  # samples, window of the log-mel features and of the ISTFT head
    n_mels: int = 100
    low_n_fft: int = 2048  # samples, long window whose low bins resolve the harmonics of F0
    low_bins: int = 64  # linear-frequency bins kept from the long window
    frame_stride: int = 4  # feature frames per codec frame
    latent_dim: int = 128  # D, width of latents and codebook vectors
    num_codebooks: int = 4  # of the base layer, which a language model reads
    codebook_size: int = 1024
    stem_dim: int = 256  # encoder width at feature rate
    stem_blocks: int = 1
    encoder_dim: int = 384  # encoder width at codec frame rate
    encoder_blocks: int = 4
    decoder_dim: int = 512  # decoder width at codec frame rate
    decoder_blocks: int = 5
    head_dim: int = 320  # decoder width at feature rate
    head_blocks: int = 3
    ema_decay: float = 0.99  # of the codebooks
    quantizer_dropout: float = 0.25  # share of items that keep only a random number of codebooks
    encoder_spectrum: str = "mel"  # or linear, cepstrum: what the encoder reads beside the low bins
    decoder_context: str = "centred"  # causal: all layers but the first read the past alone
    decoder_lookahead: int = 3  # codec frames that the first layer of a causal decoder reads ahead
    f0_min: float = 55.0  # Hz
    f0_max: float = 700.0  # Hz
    encoder: str = "features"  # ConvNeXt over spectra; seanet: strided convolutions, LSTM
    # predicts pitch and filters of an STFT; parametric: pitch and an envelope for a vocoder; vocos:
    # ISTFT head; seanet: mirrors the encoder
    decoder: str = "source_filter"
    envelope_coefficients: int = 60  # of a parametric decoder, per feature frame
    seanet_filters: int = 32  # width at the sample rate, doubled at every stride
    seanet_strides: tuple[int, ...] = (2, 4, 5, 8)  # their product is samples_per_frame
    seanet_lstm: int = 2  # layers, in both directions
    seanet_activation: str = "elu"  # the only one; saved configs name it
    quantizer: str = "rvq_ema"  # one of CHOICES, see codec/quantize and codec/variants
    code_dim: int = 8  # width of the look-up of rvq_fact
    modulation: str = "none"  # module 1, see codec/modulation.py
    modulation_dim: int = 128  # width of the attention between latents and features
    modulation_heads: int = 8
    modulation_window: int = 75  # codec frames to either side that a frame attends to
    modulation_keep: float = 0.8  # share of training sequences in which each teacher's gate is open
    modulation_both_off: float = 0.1  # share in which both are shut on top of that
    emotion_teacher: str = "prosody"  # that the modulation was trained with
    emotion_dim: int = 12  # E, width of its features
    semantic_teacher: str = "phonology"
    semantic_dim: int = 28  # S
    student_dim: int = 0  # width of the predictor of both teachers; 0 = none
    student_layers: int = 2
    detail_codebooks: int = 0  # on top, fitted to a trained codec by recipes/fit_detail.py
    detail_bands: int = 32  # mel bands whose levels are coded
    detail_n_fft: int = 1024  # samples, window of the levels; a short one follows fast changes
    detail_high_weight: float = 1.0  # of differences above 5 kHz

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check(field.name, str(field.type), getattr(self, field.name))
        for name in POSITIVE:
            if getattr(self, name) == 0:
                raise ValueError(f"{name} must be positive")
        if self.sample_rate % self.samples_per_frame:
            raise ValueError(
                f"sample_rate {self.sample_rate} is no multiple of hop_length x frame_stride = "
                f"{self.samples_per_frame}"
            )
        for name in ("n_fft", "detail_n_fft"):
            if getattr(self, name) < 2 * self.hop_length:
                raise ValueError(
                    f"{name} {getattr(self, name)} must be at least twice hop_length "
                    f"{self.hop_length}"
                )
        if self.decoder_lookahead > MOST_LOOKAHEAD:
            raise ValueError(
                f"decoder_lookahead is {self.decoder_lookahead}, at most {MOST_LOOKAHEAD}"
            )
        self._check_parts()

    @staticmethod
    def _check(name: str, kind: str, value: Any) -> None:
        if kind == "str":
            if not isinstance(value, str) or value not in CHOICES.get(name, (value,)):
                raise ValueError(f"{name} is {value!r}; known: {CHOICES.get(name, 'any word')}")
        elif kind == "tuple[int, ...]":
            if (
                not isinstance(value, tuple)
                or not 0 < len(value) <= 16
                or any(type(v) is not int or not 1 <= v <= 4096 for v in value)
            ):
                raise ValueError(f"{name} is {value!r}, must be a list of positive whole numbers")
        elif (
            isinstance(value, bool)
            or not isinstance(value, int if kind == "int" else (int, float))
            or not 0 <= value <= _largest(name)
        ):
            raise ValueError(
                f"{name} is {value!r:.60}, must be a {'whole' if kind == 'int' else 'plain'} "
                f"number, not negative and at most {_largest(name)}"
            )

    def _check_parts(self) -> None:
        """What the chosen parts require of the numbers."""
        if (
            "seanet" in (self.encoder, self.decoder)
            and math.prod(self.seanet_strides) != self.samples_per_frame
        ):
            raise ValueError(
                f"the product of seanet_strides {self.seanet_strides} must be "
                f"{self.samples_per_frame} samples"
            )
        if self.quantizer == "bd_rfsq" and (self.codebook_size != FSQ_SIZE or self.latent_dim % 4):
            raise ValueError(
                f"quantizer bd_rfsq needs codebook_size {FSQ_SIZE} and a latent_dim that 4 divides"
            )
        if self.quantizer == "rvq_split" and self.num_codebooks < 2:
            raise ValueError("quantizer rvq_split needs at least 2 codebooks")
        if self.modulation == "cem" and self.quantizer != "bd_rfsq":
            raise ValueError(
                "modulation cem feeds the emotion block of quantizer bd_rfsq; choose "
                "that or another modulation"
            )
        if self.quantizer == "bd_rfsq" and self.detail_codebooks:
            raise ValueError(
                "quantizer bd_rfsq takes no detail_codebooks; choose another quantizer"
            )
        if self.student_dim and self.modulation in ("none", "self"):
            raise ValueError(
                f"modulation {self.modulation!r} reads nothing that a student could "
                "predict; drop student_dim"
            )
        for name in ("modulation_dim", "student_dim"):
            if getattr(self, name) % self.modulation_heads:
                raise ValueError(
                    f"{name} {getattr(self, name)} is no multiple of "
                    f"modulation_heads {self.modulation_heads}"
                )
        if self.modulation == "xattn_post" and self.latent_dim % self.modulation_heads:
            raise ValueError(
                f"latent_dim {self.latent_dim} is no multiple of modulation_heads "
                f"{self.modulation_heads}"
            )

    @property
    def hidden_dim(self) -> int:
        """Width of the encoder's last hidden layer, which the student reads."""
        if self.encoder == "seanet":
            return self.seanet_filters * 2 ** len(self.seanet_strides)
        linear = self.latent_dim if self.encoder_spectrum == "cepstrum" else 0
        return self.encoder_dim + linear

    @property
    def emotion_channels(self) -> int:
        """Leading latent channels for emotion alone (bd_rfsq); 0 where latents are undivided."""
        return self.latent_dim // 4 if self.quantizer == "bd_rfsq" else 0

    @property
    def samples_per_frame(self) -> int:
        """Samples that one codec frame stands for."""
        return self.hop_length * self.frame_stride

    @property
    def frame_rate(self) -> float:
        """Codec frames per second (Hz)."""
        return self.sample_rate / self.samples_per_frame

    @property
    def all_codebooks(self) -> int:
        """K, codebooks of the base and detail layers together."""
        return self.num_codebooks + self.detail_codebooks

    @property
    def bitrate(self) -> float:
        """Bits per second with all codebooks."""
        return self.frame_rate * self.all_codebooks * (self.codebook_size - 1).bit_length()

    @classmethod
    def preset(cls, name: str, **changes: Any) -> CodecConfig:
        """A named preset with some fields changed.

        Raises:
            ValueError: unknown preset; the message lists the known ones.
        """
        if not isinstance(name, str) or name not in PRESETS:
            raise ValueError(f"unknown codec preset {name!r:.40}; known: {sorted(PRESETS)}")
        return from_dict(cls, PRESETS[name] | changes)

    def changed(self, **changes: Any) -> CodecConfig:
        """The same shape with some fields changed.

        Raises:
            ValueError: an unknown field or a value out of range.
        """
        return from_dict(CodecConfig, self.to_dict() | changes)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CodecConfig:
        """What `to_dict` returned.

        Raises:
            ValueError: unknown keys or a value out of range.
        """
        return from_dict(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
