"""What a model folder says about itself: model.json beside codec/ and lm/. Reading it loads no
weights.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.emotion.table import MAX_INTENSITY, load_emotions
from affecttts.errors import RequestError
from codec.config import from_dict
from codec.errors import CheckpointError, InputError
from codec.files import fingerprint, member, read_json
from codec.inputs.door import JSON_BYTES, as_path
from codec.inputs.fields import check_fields, check_range

if TYPE_CHECKING:
    from affecttts.lm.model import TokenLM
    from codec.config import CodecConfig

SHIPPED = Path(__file__).parents[1] / "models" / "default"
INFO_NAME = "model.json"
MAX_GUIDANCE = 4.0
MAX_NAME = 200  # characters
# folder of what hears phones in recordings, for adaptations
PHONE_CLASSIFIER_NAME = "phone_classifier"
# folder of what makes codes of voices from recordings
SPEAKER_ENCODER_NAME = "speaker_encoder"


@dataclass(frozen=True)
class ModelInfo:
    """Contents of model.json."""

    name: str
    licence: str
    voices: tuple[str, ...]
    emotions: tuple[str, ...]
    # range of the training data; beyond it, guidance takes over
    trained_intensity: tuple[float, float] = (0.7, 1.3)
    guidance: float = 1.0  # default; 1 = off
    sampling: dict[str, Any] = field(default_factory=dict)  # of SamplingConfig
    voice_notes: dict[str, str] = field(default_factory=dict)
    # of every voice, two hexadecimal digits a number; empty where voices are slots of the LM
    voice_codes: dict[str, str] = field(default_factory=dict)
    require_consent: bool = False  # of the speaker, for voices that come from a clip

    def __post_init__(self) -> None:
        """Raises ValueError where a value is of the wrong type or out of bounds."""
        check_fields(self)
        for text in (self.name, self.licence, *self.voices, *self.emotions):
            if not 0 < len(text) <= MAX_NAME:
                raise ValueError(f"{text[:40]!r}: names have 1 to {MAX_NAME} characters")
        if not self.voices or not self.emotions:
            raise ValueError("needs at least one voice and one emotion")
        if len({*self.voices}) < len(self.voices) or len({*self.emotions}) < len(self.emotions):
            raise ValueError("a voice or an emotion comes twice")
        if self.voice_codes and set(self.voice_codes) != set(self.voices):
            raise ValueError("voice_codes are of other voices than voices")
        for name, code in self.voice_codes.items():
            try:
                bytes.fromhex(code)
            except ValueError as error:
                raise ValueError(f"voice_codes: {name!r:.60} has no hexadecimal code") from error
        if unknown := set(self.emotions) - set(load_emotions().ids):
            raise ValueError(f"unknown emotions {sorted(unknown)}")
        if not 0 < self.trained_intensity[0] <= self.trained_intensity[1] <= MAX_INTENSITY:
            raise ValueError(
                f"trained_intensity is {self.trained_intensity}, must rise within 0 to "
                f"{MAX_INTENSITY}"
            )
        check_range("guidance", self.guidance, 0, MAX_GUIDANCE)

    @property
    def default_voice(self) -> str:
        """The first voice."""
        return self.voices[0]

    @property
    def codes(self) -> dict[str, bytes]:
        """`voice_codes` as the LM's layout takes them."""
        return {name: bytes.fromhex(code) for name, code in self.voice_codes.items()}


def read_model_info(folder: str | Path | None) -> tuple[Path, ModelInfo]:
    """Folder (default: the shipped one) and its model.json.

    Raises:
        CheckpointError: no model folder, or a model.json that does not fit.
    """
    try:
        path = SHIPPED if folder is None else as_path(folder)
    except InputError as error:
        raise CheckpointError(str(error)) from error
    values = read_json(member(path, INFO_NAME), JSON_BYTES)
    try:
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
        return path, from_dict(ModelInfo, values)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path / INFO_NAME}: {error}") from error


def check_parts(folder: Path, info: ModelInfo, lm: TokenLM, codec: CodecConfig) -> None:
    """Whether the LM was trained on the codec beside it, and has what model.json promises.

    Raises:
        CheckpointError: the parts are of different models.
    """
    layout, found = lm.layout, fingerprint(folder / "codec")
    if lm.codec_fingerprint != found:
        raise CheckpointError(
            f"{folder}: the LM was trained on codec {lm.codec_fingerprint}, beside it lies "
            f"{found}; use the codec folder that encoded its corpus"
        )
    for kind, named, known in (
        ("voices", info.voices, lm.voices.means | info.codes),
        ("emotions", info.emotions, layout.emotions),
    ):
        if foreign := sorted(set(named) - set(known)):
            raise CheckpointError(
                f"{folder}: model.json names the {kind} {foreign}, which the LM lacks"
            )
    for name, code in info.codes.items():
        try:
            layout.voice(code)
        except RequestError as error:
            raise CheckpointError(f"{folder}: {INFO_NAME}, {name!r}: {error}") from error
    if layout.num_codebooks > codec.num_codebooks or layout.codebook_size != codec.codebook_size:
        raise CheckpointError(
            f"{folder}: the LM speaks {layout.num_codebooks} x {layout.codebook_size} codes, the "
            f"codec {codec.num_codebooks} x {codec.codebook_size}"
        )


def nearest_first(name: str, known: tuple[str, ...]) -> str:
    """The known names as one string, those most like `name` first."""
    close = difflib.get_close_matches(name.lower(), known, n=len(known), cutoff=0.4)
    return ", ".join([*close, *(other for other in known if other not in close)])
