"""What an adaptation is asked for, and its settings."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from affecttts.errors import OutputError, RequestError
from affecttts.synthesis.clip_voice import consent_hash
from affecttts.synthesis.voices import is_voice_folder
from affecttts.training.precision import check_precision
from affecttts.training.schema import check_positive
from codec.inputs.door import as_path
from codec.inputs.fields import check_fields

USUAL_EPOCHS = 16
LEAST_STEPS = 200  # unless epochs are asked for
POSITIVE = (
    "minimum_seconds",
    "rank",
    "alpha",
    "epochs",
    "batch_tokens",
    "learning_rate",
    "checkpoint_every",
    "log_every",
    "codec_batch_size",
    "codec_crop_seconds",
)
PATHS = ("audio", "output", "model", "consent", "recogniser", "replay_manifest", "replay_tokens")


@dataclass(frozen=True)
class AdaptationRequest:
    """What a user asks for.

    Raises:
        RequestError: a value of the wrong type.
        InputError: no path.
    """

    audio: Path  # folder, table or file
    name: str
    output: Path  # folder of the voice
    model: Path | None = None  # None = the shipped model
    consent: Path | None = None  # what the speaker agreed to; its hash goes into the voice's card
    recogniser: Path | None = None  # folder of a Whisper model; None = the offline package
    replay_manifest: Path | None = None  # base data other than the model's own
    replay_tokens: Path | None = None  # its code shards
    adapt_codec: bool = False  # tune the codec's decoder too
    force: bool = False  # replace an existing voice
    show_progress: bool = True

    def __post_init__(self) -> None:
        for name in PATHS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_path(getattr(self, name)))
        try:
            check_fields(self)
        except ValueError as error:
            raise RequestError(str(error)) from error

    def consent_hash(self, required: bool) -> str | None:
        """SHA-256 of the consent file; None without one.

        Raises:
            RequestError: it is empty, or missing though it is required.
            InputError: it cannot be read.
        """
        return consent_hash(self.consent, required)

    def check_output(self) -> None:
        """Refuse an output where no voice can be written.

        Raises:
            RequestError: the output is no folder for a voice, or a voice that is to be kept.
            OutputError: it cannot be written.
        """
        output, is_voice = self.output, is_voice_folder(self.output)
        empty = output.is_dir() and not any(output.iterdir())
        if output.exists() and not empty and not is_voice:
            raise RequestError(f"{output} is no voice; give another folder")
        if is_voice and not self.force:
            raise RequestError(f"{output} exists; give --force to replace it or another folder")
        parent = output.absolute().parent
        while not parent.exists():
            parent = parent.parent
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise OutputError(f"{output}: the folder {parent} is not writable")


@dataclass(frozen=True)
class AdaptationConfig:
    """Settings; unknown keys are refused."""

    # recordings
    minimum_seconds: float = 30.0  # of usable speech
    held_out_share: float = 0.1  # of the clips, for the self-test ..
    most_held_out: int = 40  # .. at most
    label_emotions: bool = True  # of unlabelled clips, from their prosody; off: neutral
    require_consent: bool = False  # refuse to start without a consent file
    # adapter
    rank: int = 4
    alpha: float = 8.0  # the adapter is scaled by alpha / rank
    dropout: float = 0.2  # before the adapter's matrices
    strength: float = 0.8  # scale of the trained adapter: less voice, clearer words, see training
    # training
    epochs: float | None = None  # None = USUAL_EPOCHS, or as many as make LEAST_STEPS
    batch_tokens: int = 4096  # per step and process, replay included
    replay_share: float = 0.3  # of those tokens
    learning_rate: float = 1e-3  # peak
    warmup_steps: int = 20
    gradient_clip: float = 1.0
    prompt_dropout: float = 0.1
    free_text: float = 0.1
    joined: float = 0.05
    label_softness: float = 0.2  # share of a code's label that goes to nearby codes
    code_noise: float = 0.05  # share of input codes replaced by nearby ones
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    checkpoint_every: int = 25
    log_every: int = 5
    # the codec's decoder, where it is adapted too
    codec_steps: int = 300
    codec_batch_size: int = 8
    codec_crop_seconds: float = 1.2
    codec_learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 <= self.replay_share < 1 or not 0 < self.held_out_share < 1:
            raise ValueError(
                "replay_share must be at least 0 and below 1, held_out_share between 0 and 1"
            )
        if not 0 < self.strength <= 1:
            raise ValueError(f"strength is {self.strength!r}, must be above 0 and at most 1")
        check_precision(self.mixed_precision)
        check_positive(self, POSITIVE)

    def steps(self, steps_per_epoch: int) -> int:
        """How many updates to make; few recordings are read more often, up to LEAST_STEPS."""
        if self.epochs is None:
            return max(USUAL_EPOCHS * steps_per_epoch, LEAST_STEPS)
        return max(1, math.ceil(self.epochs * steps_per_epoch))
