"""The vocabulary of the token LM: the one place where id ranges are decided (docs/tokens.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from affecttts.errors import RequestError
from affecttts.lm import layout_1
from affecttts.lm.inventory import MODIFIERS, PHONES, SOUNDS, sound_of
from codec.config import from_dict
from codec.inputs.fields import check_fields, check_range

VERSION = "layout-2"
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
MAX_DURATION = 127  # codec frames that one phone or pause may last
# How many ids each range has room for, in use or not.
SLOTS = {
    "specials": 32,
    "phones": 256,  # times the stresses
    "modifiers": 96,
    "sounds": 64,
    "emotions": 64,
    "durations": MAX_DURATION + 1,
    "control": 128,  # spare: languages, styles
}
MULTIPLE = 64  # the vocabulary is padded to a multiple of this


@dataclass(frozen=True)
class TokenLayout:
    """Id ranges, in this order: specials, phones, modifiers, sounds, emotions, intensity, valence,
    arousal, dominance, durations, voices, control, pieces, codec tokens of book 1, book 2, ..
    """

    emotions: tuple[str, ...]  # tags, in id order
    num_codebooks: int  # books that the LM models; may be fewer than the codec has
    codebook_size: int
    num_pieces: int = 1024  # SentencePiece pieces of free-text prompts
    phones: str = PHONES  # in id order; more may follow in later models
    modifiers: str = MODIFIERS
    sounds: tuple[str, ...] = SOUNDS
    voice_length: int = 16  # numbers of a voice's code, each with a range of its own
    voice_levels: int = 16  # values of each
    version: str = VERSION

    def __post_init__(self) -> None:
        check_fields(self)
        for name, least, most in (
            ("num_codebooks", 1, 64),
            ("codebook_size", 1, 65_536),
            ("num_pieces", 0, 262_144),
            ("voice_length", 1, 256),
            ("voice_levels", 2, 256),
        ):
            check_range(name, getattr(self, name), least, most)
        if self.version not in (VERSION, layout_1.VERSION):
            raise ValueError(
                f"token layout {self.version!r:.40} is not this program's {VERSION}; "
                "use the affecttts version that trained the model"
            )
        for name in ("phones", "modifiers", "sounds", "emotions"):
            values = getattr(self, name)
            if len(values) > self.slots[name]:
                raise ValueError(f"at most {self.slots[name]} {name} fit the layout")
            if len({*values}) < len(values):
                raise ValueError(f"{name} name one twice")

    @property
    def slots(self) -> dict[str, int]:
        """Ids that each range has room for."""
        return SLOTS if self.version == VERSION else layout_1.SLOTS

    @property
    def voices_are_slots(self) -> bool:
        """Whether a voice is one learned token, as in the first layout."""
        return self.version == layout_1.VERSION

    # -- where ranges start
    @property
    def phone_start(self) -> int:
        return self.slots["specials"]

    @property
    def modifier_start(self) -> int:
        return self.phone_start + len(STRESSES) * self.slots["phones"]

    @property
    def sound_start(self) -> int:
        return self.modifier_start + self.slots["modifiers"]

    @property
    def emotion_start(self) -> int:
        return self.sound_start + self.slots["sounds"]

    @property
    def intensity_start(self) -> int:
        return self.emotion_start + self.slots["emotions"]

    @property
    def vad_start(self) -> int:
        return self.intensity_start + INTENSITY_BINS

    @property
    def duration_start(self) -> int:
        return self.vad_start + 3 * VAD_BINS

    @property
    def voice_start(self) -> int:
        return self.duration_start + self.slots["durations"]

    @property
    def control_start(self) -> int:
        return self.voice_start + self.voice_length * self.voice_levels

    @property
    def piece_start(self) -> int:
        return self.control_start + self.slots["control"]

    @property
    def codec_start(self) -> int:
        return self.piece_start + self.num_pieces

    @property
    def ordered_ranges(self) -> list[tuple[int, int]]:
        """Ranges (first id, end) whose ids are steps of one quantity: intensity, valence, arousal,
        dominance, duration, each number of a voice's code.
        """
        axes = [
            (self.vad_start + i * VAD_BINS, self.vad_start + (i + 1) * VAD_BINS) for i in range(3)
        ]
        levels = self.voice_levels
        voices = range(self.voice_start, self.control_start, levels)
        return [
            (self.intensity_start, self.vad_start),
            *axes,
            (self.duration_start, self.voice_start),
            *([] if self.voices_are_slots else [(start, start + levels) for start in voices]),
        ]

    @property
    def size(self) -> int:
        """Vocabulary size, padded."""
        used = self.codec_start + self.num_codebooks * self.codebook_size
        return -(-used // MULTIPLE) * MULTIPLE

    @property
    def max_duration(self) -> int:
        """Codec frames that one phone may last."""
        return self.slots["durations"] - 1

    # -- ids
    def special(self, name: str) -> int:
        """Id of one of `SPECIALS`."""
        return SPECIALS.index(name)

    def phone(self, stress: str, symbol: str) -> int:
        """Id of a phone with its stress mark ("" for none), or of a sound.

        Raises:
            RequestError: the model has no such phone.
        """
        sound = sound_of(symbol)
        if sound is not None and sound < len(self.sounds):
            return self.sound_start + sound
        place = self._place(self.phones, symbol)
        return self.phone_start + STRESSES.index(stress) * self.slots["phones"] + place

    def modifier(self, symbol: str) -> int:
        """Id of what changes the phone before it.

        Raises:
            RequestError: the model has no such modifier.
        """
        return self.modifier_start + self._place(self.modifiers, symbol)

    @staticmethod
    def _place(symbols: str, symbol: str) -> int:
        if (place := symbols.find(symbol)) < 0:
            raise RequestError(
                f"this model has no phone {symbol!r} (U+{ord(symbol):04X}); give phones that it has"
            )
        return place

    def symbol(self, token: int) -> str:
        """The symbol of a phone token, without its stress; "" for other tokens."""
        place = (token - self.phone_start) % self.slots["phones"]
        inside = self.phone_start <= token < self.modifier_start and place < len(self.phones)
        return self.phones[place] if inside else ""

    def is_sound(self, token: int) -> bool:
        """Whether a token is a pause or another sound that is no phone."""
        return self.sound_start <= token < self.emotion_start

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
        return self.duration_start + min(frames, self.max_duration)

    def voice(self, code: bytes) -> list[int]:
        """Ids of a voice's code, one a number.

        Raises:
            RequestError: a code of another length, or with a number out of range.
        """
        if len(code) != self.voice_length or max(code) >= self.voice_levels:
            raise RequestError(
                f"voice code {code.hex()[:80]!r}: this model's have {self.voice_length} numbers "
                f"below {self.voice_levels}; make it with the model's speaker encoder"
            )
        return [
            self.voice_start + place * self.voice_levels + number
            for place, number in enumerate(code)
        ]

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
        """Strict reading of `to_dict`'s output, or of the first layout's."""
        old = values.get("version") == layout_1.VERSION and "phones" not in values
        return from_dict(cls, layout_1.current_layout(values) if old else values)
