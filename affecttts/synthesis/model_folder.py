"""What a model folder says about itself: model.json beside codec/ and lm/. Reading it loads no
weights.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import read_json

SHIPPED = Path(__file__).parents[1] / "models" / "default"
INFO_NAME = "model.json"
# folder of what hears phones in recordings, for adaptations
PHONE_CLASSIFIER_NAME = "phone_classifier"


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

    @property
    def default_voice(self) -> str:
        """The first voice."""
        return self.voices[0]


def read_model_info(folder: str | Path | None) -> tuple[Path, ModelInfo]:
    """Folder (default: the shipped one) and its model.json.

    Raises:
        CheckpointError: no model folder, or a model.json that does not fit.
    """
    path = SHIPPED if folder is None else Path(folder)
    values = read_json(path / INFO_NAME)
    try:
        if not isinstance(values, dict) or not values.get("voices") or not values.get("emotions"):
            raise ValueError("needs at least one voice and one emotion")
        return path, from_dict(ModelInfo, values)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path / INFO_NAME}: {error}") from error


def nearest_first(name: str, known: tuple[str, ...]) -> str:
    """The known names as one string, those most like `name` first."""
    close = difflib.get_close_matches(name.lower(), known, n=len(known), cutoff=0.4)
    return ", ".join([*close, *(other for other in known if other not in close)])
