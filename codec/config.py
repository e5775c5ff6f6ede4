"""Codec configuration: frozen dataclasses, strict keys, derived quantities computed once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

T = TypeVar("T")


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """Build a dataclass from a mapping, refusing keys it does not know.

    Raises:
        ValueError: unknown or missing keys; the message lists the known ones.
    """
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{cls.__name__}: unknown keys {unknown}; known: {sorted(known)}")
    try:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise ValueError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True)
class CodecConfig:
    """Shape of a codec. Presets: `CodecConfig.preset("small" | "tiny")`."""

    sample_rate: int = 24000  # Hz
    hop_length: int = 240  # samples between feature frames and between ISTFT frames
    n_fft: int = 1024  # samples, window of the log-mel features and of the ISTFT head
    n_mels: int = 100
    low_n_fft: int = 2048  # samples, long window whose low bins resolve the harmonics of F0
    low_bins: int = 64  # linear-frequency bins kept from the long window
    frame_stride: int = 4  # feature frames per codec frame
    latent_dim: int = 128  # D, width of latents and codebook vectors
    num_codebooks: int = 4  # K
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
    f0_min: float = 55.0  # Hz
    f0_max: float = 700.0  # Hz

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value < 0:
                raise ValueError(f"{field.name} is {value!r}, must be a {'whole' if whole else 'plain'} number, not negative")
        if 0 in (self.hop_length, self.frame_stride, self.num_codebooks, self.codebook_size):
            raise ValueError("hop_length, frame_stride, num_codebooks and codebook_size must be positive")
        if self.sample_rate % self.samples_per_frame:
            raise ValueError(
                f"sample_rate {self.sample_rate} is no multiple of hop_length x frame_stride = {self.samples_per_frame}"
            )
        if self.n_fft < 2 * self.hop_length:
            raise ValueError(f"n_fft {self.n_fft} must be at least twice hop_length {self.hop_length}")

    @property
    def samples_per_frame(self) -> int:
        """Samples that one codec frame stands for."""
        return self.hop_length * self.frame_stride

    @property
    def frame_rate(self) -> float:
        """Codec frames per second (Hz)."""
        return self.sample_rate / self.samples_per_frame

    @property
    def bitrate(self) -> float:
        """Bits per second with all codebooks."""
        return self.frame_rate * self.num_codebooks * (self.codebook_size - 1).bit_length()

    @classmethod
    def preset(cls, name: str, **changes: Any) -> CodecConfig:
        """A named preset with some fields changed.

        Raises:
            ValueError: unknown preset; the message lists the known ones.
        """
        if name not in PRESETS:
            raise ValueError(f"unknown codec preset {name!r}; known: {sorted(PRESETS)}")
        return replace(PRESETS[name], **changes)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CodecConfig:
        """Strict reading of `to_dict`'s output."""
        return from_dict(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


PRESETS = {
    "small": CodecConfig(),
    "tiny": CodecConfig(
        n_mels=40, low_bins=32, latent_dim=32, num_codebooks=4, codebook_size=64, stem_dim=32, encoder_dim=48,
        encoder_blocks=1, decoder_dim=48, decoder_blocks=1, head_dim=32, head_blocks=1,
    ),
}
