"""What can be asked for: models, voices, emotions, formats."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError, shown
from affecttts.serving.errors import ApiError
from affecttts.serving.settings import Aliases
from affecttts.synthesis.model_folder import ModelInfo, nearest_first


@dataclass(frozen=True)
class Catalogue:
    """Names of one model, and the aliases for them.

    Raises:
        RequestError: an alias that hides a name, or stands for none.
    """

    info: ModelInfo
    aliases: Aliases = field(default_factory=Aliases)
    created: int = field(default_factory=lambda: int(time.time()))  # seconds since 1970

    def __post_init__(self) -> None:
        kinds = (("voice", self.aliases.voices, self.info.voices),)
        kinds += (("model", self.aliases.models, (self.info.name,)),)
        for kind, aliases, known in kinds:
            for alias, name in aliases.items():
                if alias in known or name not in known:
                    raise RequestError(
                        f"alias {shown(alias)} of {kind} {shown(name)}: the {kind}s are "
                        f"{', '.join(known)}"
                    )

    def voice(self, name: Any) -> str:
        """The voice of a name or an alias; OpenAI also writes {"id": name}.

        Raises:
            ApiError: there is none; the known ones are named.
        """
        if isinstance(name, dict) and set(name) == {"id"}:
            name = name["id"]
        known = (*self.info.voices, *self.aliases.voices)
        if not isinstance(name, str) or name not in known:
            near = nearest_first(name[:100], known) if isinstance(name, str) else ", ".join(known)
            raise ApiError(400, f"unknown voice {shown(name)}; known: {near}", "voice", "voice")
        return self.aliases.voices.get(name, name)

    def check_model(self, name: Any) -> None:
        """Refuse another model.

        Raises:
            ApiError: 404.
        """
        known = (self.info.name, *self.aliases.models)
        if name not in known:
            message = f"unknown model {shown(name)}; known: {', '.join(known)}"
            raise ApiError(404, message, "model", "model_not_found")

    def models(self) -> list[dict[str, Any]]:
        """Models and their aliases, as OpenAI lists them."""
        return [
            {"id": name, "object": "model", "created": self.created, "owned_by": "affecttts"}
            for name in (self.info.name, *self.aliases.models)
        ]

    def voices(self) -> list[dict[str, str]]:
        """Voices and their aliases."""
        notes = self.info.voice_notes
        rows = [{"id": v, "name": v, "description": notes.get(v, "")} for v in self.info.voices]
        return rows + [
            {"id": alias, "name": alias, "description": f"alias of {name}"}
            for alias, name in self.aliases.voices.items()
        ]

    def emotions(self) -> list[dict[str, Any]]:
        """Emotions of the model, with valence, arousal and dominance in -1 to 1."""
        return [
            {
                "id": emotion.id,
                "name": emotion.id,
                "description": emotion.description,
                "aliases": emotion.aliases,
                **dict(zip(("valence", "arousal", "dominance"), emotion.vad)),
            }
            for emotion in load_emotions().emotions
            if emotion.id in self.info.emotions
        ]
