"""What a training run of the speaker encoder is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from affecttts.training.precision import check_precision
from affecttts.training.schema import check_not_negative, check_positive
from codec.speaker import SpeakerEncoderConfig

POSITIVE = (
    "steps",
    "batch_size",
    "crop_seconds",
    "scale",
    "learning_rate",
    "gradient_clip",
    "log_every",
    "checkpoint_every",
    "memory_hours",
)
SHARES = ("room_share", "noise_share", "band_share", "weight_ema")


@dataclass(frozen=True)
class SpeakerTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    encoder: SpeakerEncoderConfig = field(default_factory=SpeakerEncoderConfig)
    held_out: tuple[str, ...] = ()  # speakers that are only measured with
    # of playback; every speaker at another speed is one more speaker (as in arXiv 1905.12688)
    speeds: tuple[float, ...] = (0.88, 1.0, 1.14)
    steps: int = 2000
    batch_size: int = 48
    crop_seconds: float = 2.0
    margin: float = 0.2  # of the angle to a clip's own speaker (ArcFace, arXiv 1801.07698)
    scale: float = 30.0  # of the cosines
    room_share: float = 0.4  # of the crops that sound as in a room
    noise_share: float = 0.6  # of those with noise or other voices behind them
    band_share: float = 0.4  # of those through a filter
    learning_rate: float = 1.5e-3  # peak
    warmup_steps: int = 100
    weight_decay: float = 0.05
    gradient_clip: float = 1.0
    weight_ema: float = 0.99
    memory_hours: float = 12.0  # of decoded audio that is kept; the rest is decoded again
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    log_every: int = 20
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        check_precision(self.mixed_precision)
        check_positive(self, POSITIVE)
        check_not_negative(self, ("margin", "warmup_steps", "weight_decay"))
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be from 0 to 1")
        if not self.speeds or not all(0.5 <= speed <= 2 for speed in self.speeds):
            raise ValueError(f"speeds is {self.speeds}, must be numbers from 0.5 to 2")
