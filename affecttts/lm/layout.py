"""The vocabulary of the token LM: the one place where id ranges are decided."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from affecttts.errors import RequestError
from affecttts.text.symbols import INVENTORY_VERSION, SYMBOLS
from codec.config import from_dict
from codec.inputs.fields import check_fields, check_range

VERSION = "layout-1"
SPECIALS = (
    "pad",
    "bos",
    "eos",
    "prompt",
    "prompt_end",
    "no_prompt",
    "text",
    "text_end",
    "audio",
    "silence",
)
STRESSES = ("", "ˈ", "ˌ")  # a stress mark and the phone behind it are one token
INTENSITY_STEP = 0.1
INTENSITY_BINS = 16  # 0 to 1.5
VAD_BINS = 21  # -1 to 1
MAX_DURATION = 63  # codec frames that one phone may last
EMOTION_SLOTS = 32
VOICE_SLOTS = 192  # built in ones first, the rest for adapters
CONTROL_SLOTS = 64  # spare
MULTIPLE = 64  # the vocabulary is padded to a multiple of this


@dataclass(frozen=True)
class TokenLayout:
    """Id ranges, in this order: specials, phones, emotions, intensity, valence, arousal, dominance,
    durations, voices, control, pieces, codec tokens of book 1, book 2, ..
    """

    emotions: tuple[str, ...]  # tags, in id order
    voices: tuple[str, ...]  # built-in and training speakers, in id order
    num_codebooks: int  # books that the LM models; may be fewer than the codec has
    codebook_size: int
    num_pieces: int = 1024  # SentencePiece pieces of free-text prompts
    inventory: str = INVENTORY_VERSION
    version: str = VERSION

    def __post_init__(self) -> None:
        check_fields(self)
        for name, least, most in (
            ("num_codebooks", 1, 64),
            ("codebook_size", 1, 65_536),
            ("num_pieces", 0, 262_144),
        ):
            check_range(name, getattr(self, name), least, most)
        if self.version != VERSION or self.inventory != INVENTORY_VERSION:
            raise ValueError(
                f"token layout {self.version}/{self.inventory} is not this program's "
                f"{VERSION}/{INVENTORY_VERSION}; "
                "use the affecttts version that trained the model"
            )
        if len(self.emotions) > EMOTION_SLOTS or len(self.voices) > VOICE_SLOTS:
            raise ValueError(
                f"at most {EMOTION_SLOTS} emotions and {VOICE_SLOTS} voices fit the layout"
            )
        if len({*self.emotions}) < len(self.emotions) or len({*self.voices}) < len(self.voices):
            raise ValueError("an emotion or a voice comes twice")

    # -- where ranges start
    @property
    def phone_start(self) -> int:
        return len(SPECIALS)

    @property
    def emotion_start(self) -> int:
        return self.phone_start + len(STRESSES) * len(SYMBOLS)

    @property
    def intensity_start(self) -> int:
        return self.emotion_start + EMOTION_SLOTS

    @property
    def vad_start(self) -> int:
        return self.intensity_start + INTENSITY_BINS

    @property
    def duration_start(self) -> int:
        return self.vad_start + 3 * VAD_BINS

    @property
    def voice_start(self) -> int:
        return self.duration_start + MAX_DURATION + 1

    @property
    def piece_start(self) -> int:
        return self.voice_start + VOICE_SLOTS + CONTROL_SLOTS

    @property
    def codec_start(self) -> int:
        return self.piece_start + self.num_pieces

    @property
    def ordered_ranges(self) -> list[tuple[int, int]]:
        """Ranges (first id, end) whose ids are steps of one quantity: intensity, valence, arousal,
        dominance, duration.
        """
        axes = [
            (self.vad_start + i * VAD_BINS, self.vad_start + (i + 1) * VAD_BINS) for i in range(3)
        ]
        return [
            (self.intensity_start, self.vad_start),
            *axes,
            (self.duration_start, self.voice_start),
        ]

    @property
    def size(self) -> int:
        """Vocabulary size, padded."""
        used = self.codec_start + self.num_codebooks * self.codebook_size
        return -(-used // MULTIPLE) * MULTIPLE

    # -- ids
    def special(self, name: str) -> int:
        """Id of one of `SPECIALS`."""
        return SPECIALS.index(name)

    def phone(self, stress: str, symbol: str) -> int:
        """Id of a phone with its stress mark ("" for none)."""
        return self.phone_start + STRESSES.index(stress) * len(SYMBOLS) + SYMBOLS.index(symbol)

    def symbol(self, token: int) -> str:
        """The symbol of a phone token, without its stress; "" for other tokens."""
        place = token - self.phone_start
        return SYMBOLS[place % len(SYMBOLS)] if 0 <= place < len(STRESSES) * len(SYMBOLS) else ""

    def emotion(self, tag: str) -> int:
        """Id of an emotion tag.

        Raises:
            RequestError: the model was not trained on it.
        """
        if tag not in self.emotions:
            raise RequestError(
                f"this model has no emotion {tag!r}; it knows: {', '.join(self.emotions)}"
            )
        return self.emotion_start + self.emotions.index(tag)

    def intensity(self, value: float) -> int:
        """Id of the intensity bin nearest to `value` (0 to 1.5)."""
        return self.intensity_start + min(INTENSITY_BINS - 1, max(0, round(value / INTENSITY_STEP)))

    def vad(self, axis: int, value: float) -> int:
        """Id of the bin of valence (axis 0), arousal (1) or dominance (2), value in -1..1."""
        half = (VAD_BINS - 1) // 2
        return self.vad_start + axis * VAD_BINS + half + max(-half, min(half, round(value * half)))

    def duration(self, frames: int) -> int:
        """Id of a phone duration in codec frames."""
        return self.duration_start + min(frames, MAX_DURATION)

    def voice(self, name: str) -> int:
        """Id of a voice."""
        return self.voice_start + self.voices.index(name)

    def piece(self, index: int) -> int:
        """Id of a SentencePiece piece."""
        return self.piece_start + index

    def book(self, index: int) -> int:
        """First id of codebook `index` (from 0)."""
        return self.codec_start + index * self.codebook_size

    # -- files
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TokenLayout:
        """Strict reading of `to_dict`'s output."""
        return from_dict(cls, values)
