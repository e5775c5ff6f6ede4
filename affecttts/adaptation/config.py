"""Everything that an adaptation is made of besides the recordings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from affecttts.training.precision import check_precision
from affecttts.training.schema import check_positive

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


@dataclass(frozen=True)
class AdaptationConfig:
    """Settings; unknown keys are refused."""

    # recordings
    minimum_seconds: float = 30.0  # of usable speech
    held_out_share: float = 0.1  # of the clips, for the self-test ..
    most_held_out: int = 40  # .. at most
    # unlabelled clips get the emotion that they clearly sound like; off: all are neutral
    label_emotions: bool = True
    require_consent: bool = False  # refuse to start without a consent file
    # adapter
    rank: int = 4
    alpha: float = 8.0  # the adapter counts alpha / rank times
    dropout: float = 0.2  # before the adapter's matrices
    # of what was learned, that is kept: less of the voice, more of the words (arXiv 2109.01903)
    strength: float = 0.8
    # training
    # passes over the recordings; None = USUAL_EPOCHS, or as many as make LEAST_STEPS
    epochs: float | None = None
    batch_tokens: int = 4096  # per step and process, replay included
    replay_share: float = 0.3  # of those tokens
    learning_rate: float = 1e-3  # peak
    warmup_steps: int = 20
    gradient_clip: float = 1.0
    prompt_dropout: float = 0.1
    free_text: float = 0.1
    joined: float = 0.05
    label_softness: float = 0.2  # share of a code's label that goes to the codes near it
    code_noise: float = 0.05  # share of input codec tokens replaced by codes near them
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
        if not 0 <= self.replay_share < 1 or not 0 < self.held_out_share < 1:
            raise ValueError(
                "replay_share must be at least 0 and below 1, held_out_share between 0 and 1"
            )
        if not 0 < self.strength <= 1:
            raise ValueError(f"strength is {self.strength!r}, must be above 0 and at most 1")
        check_precision(self.mixed_precision)
        check_positive(self, POSITIVE)

    def steps(self, steps_per_epoch: int) -> int:
        """How many updates to make; few recordings are gone through more often, for a voice needs
        its time.
        """
        if self.epochs is None:
            return max(USUAL_EPOCHS * steps_per_epoch, LEAST_STEPS)
        return max(1, math.ceil(self.epochs * steps_per_epoch))
