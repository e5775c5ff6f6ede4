"""What one utterance is asked to be: the only list of its settings, checked before any weights are
loaded.

Python, the command line, batch files, evaluation and benchmarks all build a `SpeechRequest`. A new
setting is one field here: its check, its help and its option stand beside it, and from them come
the command line's option and the key of a batch row.
"""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from affecttts.emotion.spec import EmotionSpec, check_prompt
from affecttts.emotion.table import MAX_INTENSITY
from affecttts.errors import RequestError, shown
from affecttts.synthesis import checks
from affecttts.synthesis.clip_voice import CLIP_HELP, CONSENT_HELP, check_clip_voice
from affecttts.synthesis.model_folder import MAX_GUIDANCE, ModelInfo, nearest_first
from affecttts.text import Lexicon, Options, Piece, read

MAX_TEXT = 2_000_000  # characters
MAX_VOICE = 4096  # characters, for the path of an adapted voice
MAX_NAME = 100  # characters of an unknown name that are looked at
MAX_SEED = 2**63 - 1
SPEEDS = (0.5, 2.0)
MAX_PAUSE = 10.0  # seconds
DATE_ORDERS = ("month-day", "day-month")


@dataclass(frozen=True)
class Setting:
    """What is known of one field of a request.

    Attributes:
        check: value that was given -> value to keep; raises RequestError.
        help: one line.
        option: keywords of `add_argument` for its option on the command line, such as `type`.
    """

    check: Callable[[Any], Any]
    help: str
    option: Mapping[str, Any] = field(default_factory=dict)


def _emotion(value: Any) -> EmotionSpec | str:
    EmotionSpec.parse(value)
    return value


def _setting(check: Callable[[Any], Any], help: str, **option: Any) -> Any:
    """An optional field."""
    return field(default=None, metadata={"setting": Setting(check, help, option)})


@dataclass(frozen=True)
class SpeechRequest:
    """One thing to say. None leaves a setting to the model.

    Raises:
        RequestError: a value of the wrong type or out of range, or settings that exclude each
            other. What only the model or the text front end can tell comes with `prepare`.
    """

    text: str = field(
        metadata={"setting": Setting(checks.text("text", MAX_TEXT), "what to say, in English")}
    )
    emotion: EmotionSpec | str | None = _setting(
        _emotion,
        "an emotion or alias (see `affecttts list emotions`), or a blend such as "
        "happy:0.7,surprised:0.3 (default neutral)",
    )
    intensity: float | None = _setting(
        checks.number("intensity", 0.0, MAX_INTENSITY),
        f"strength of the emotion, 0 to {MAX_INTENSITY:g}; 1 = as in the training corpus (default)",
        type=float,
    )
    voice: str | None = _setting(
        checks.text("voice", MAX_VOICE),
        "a voice (see `affecttts list voices`), or the folder of an adapted one (default: the "
        "model's first)",
    )
    voice_from: str | None = _setting(
        checks.text("voice_from", MAX_VOICE), CLIP_HELP, metavar="CLIP"
    )
    consent: str | None = _setting(checks.text("consent", MAX_VOICE), CONSENT_HELP, metavar="FILE")
    seed: int | None = _setting(
        checks.integer("seed", 0, MAX_SEED),
        "same seed, same machine, same samples (default: drawn and reported)",
        type=int,
    )
    guidance: float | None = _setting(
        checks.number("guidance", 0.0, MAX_GUIDANCE),
        f"0 to {MAX_GUIDANCE:g}: 1 = off, above exaggerates the emotion against neutral (default: "
        "the model's)",
        type=float,
    )
    prompt: str | None = _setting(
        check_prompt,
        'emotion in free words instead, such as "like somebody who just won the lottery"',
    )
    speed: float | None = _setting(
        checks.number("speed", *SPEEDS),
        f"{SPEEDS[0]:g} to {SPEEDS[1]:g}: how much faster than the model would, at the same pitch "
        "(default 1)",
        type=float,
    )
    pause: float | None = _setting(
        checks.number("pause", 0.0, MAX_PAUSE),
        f"seconds of silence between sentences, 0 to {MAX_PAUSE:g} (default 0.12)",
        type=float,
    )

    lexicon: tuple[str, ...] | None = _setting(
        checks.paths("lexicon"),
        "file of pronunciations, one a line: word, tab, IPA; may be given several times",
        metavar="TSV",
        action="append",
    )
    date_order: str | None = _setting(
        checks.one_of("date_order", DATE_ORDERS),
        "how 04/05/2026 is read (default month-day)",
        choices=DATE_ORDERS,
    )
    strict: bool | None = _setting(
        checks.flag("strict"),
        "refuse a text with a character that cannot be read, instead of skipping it",
        action="store_true",
    )

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            value = getattr(self, name)
            if value is not None or name == "text":
                # A frozen dataclass can be tidied only through object.__setattr__.
                object.__setattr__(self, name, setting.check(value))
        if self.emotion is not None and self.prompt is not None:
            raise RequestError("give an emotion or a free-text prompt, not both")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SpeechRequest:
        """Build a request from a row of settings by name.

        Raises:
            RequestError: no mapping, an unknown key (the nearest known one is named), no text, or
                a bad value.
        """
        if not isinstance(values, Mapping):
            raise RequestError(f"a request is {shown(values)}; give its settings by name")
        _check_names(values)
        if "text" not in values:
            raise RequestError(f"a request needs a text; given: {shown(list(values))}")
        return cls(**values)

    @classmethod
    def of(cls, request: SpeechRequest | str | None = None, /, **settings: Any) -> SpeechRequest:
        """The request itself with the settings given changed, or a new one of a text.

        Raises:
            RequestError: as `from_dict`.
        """
        if isinstance(request, SpeechRequest):
            _check_names(settings)
            return replace(request, **settings)
        if request is not None:
            if "text" in settings:
                raise RequestError("the text is given twice")
            settings["text"] = request
        return cls.from_dict(settings)

    @property
    def spec(self) -> EmotionSpec:
        """Emotion, intensity and prompt as one."""
        return EmotionSpec.parse(self.emotion, self.intensity, self.prompt)

    @property
    def reading(self) -> Options:
        """How the text is read.

        Raises:
            RequestError: a lexicon cannot be read.
        """
        lexicon = Lexicon.read(self.lexicon) if self.lexicon else None
        return Options(bool(self.strict), self.date_order == "day-month", lexicon)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, of the settings that were given."""
        return {name: value for name, value in asdict(self).items() if value is not None}


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in fields(SpeechRequest)}


def _check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in SETTINGS:
            close = difflib.get_close_matches(str(name)[:MAX_NAME], SETTINGS, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise RequestError(f"unknown setting {shown(name)}: {hint}known: {', '.join(SETTINGS)}")


@dataclass(frozen=True)
class PreparedRequest:
    """A request that a model can speak: everything that can be refused has been."""

    request: SpeechRequest  # as asked
    pieces: tuple[Piece, ...]  # what is spoken in one breath each
    emotion: EmotionSpec
    voice: str
    seed: int
    guidance: float
    speed: float
    warnings: tuple[str, ...] = ()  # one line for each thing of the text that was skipped

    @property
    def phones(self) -> tuple[str, ...]:
        """One string per piece of text."""
        return tuple(piece.phones for piece in self.pieces)


def prepare(info: ModelInfo, request: SpeechRequest) -> PreparedRequest:
    """Check a request against a model, fill in what it leaves open, and turn its text into
    phonemes.

    Raises:
        RequestError: text that cannot be spoken, or a voice or emotion that the model has not.
    """
    spec = request.spec
    if spec.text is None:
        for tag in dict(spec.mixture) or [spec.tag]:
            if tag not in info.emotions:
                raise RequestError(
                    f"this model was not trained on {tag!r}; it knows: {', '.join(info.emotions)}"
                )
    check_clip_voice(info, request.voice, request.voice_from, request.consent)
    voice = info.default_voice if request.voice is None else request.voice
    if voice not in info.voices:
        known = nearest_first(voice[:MAX_NAME], info.voices)
        raise RequestError(f"unknown voice {shown(voice)}; known: {known}")
    spoken = read(request.text, request.reading, request.pause)
    return PreparedRequest(
        request=request,
        pieces=spoken.pieces,
        emotion=spec,
        voice=voice,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        guidance=info.guidance if request.guidance is None else request.guidance,
        speed=1.0 if request.speed is None else request.speed,
        warnings=spoken.warnings,
    )
