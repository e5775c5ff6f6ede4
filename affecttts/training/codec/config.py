"""What a training run of the codec is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import ClassVar

from affecttts.teachers.registry import check_teacher
from affecttts.training.precision import check_precision
from affecttts.training.schema import Changes, check_choice, check_not_negative, check_positive
from codec.config import CodecConfig
from codec.presets import PRESETS
from codec.training.alignment import AlignmentConfig
from codec.training.discriminators import DiscriminatorConfig
from codec.training.relation import RelationConfig

ADVERSARIES = ("audio", "envelope")
LATENTS = ("encoder", "analysis")
CODEBOOKS = ("none", "fresh", "restart", "keep", "held", "frozen")
POSITIVE = (
    "steps",
    "batch_size",
    "crop_seconds",
    "learning_rate",
    "discriminator_learning_rate",
    "gradient_clip",
    "codebooks_start_batches",
    "adversarial_crop_seconds",
    "envelope_channels",
    "balance_every",
    "log_every",
    "validate_every",
    "checkpoint_every",
)
NOT_NEGATIVE = (
    "warmup_steps",
    "gain_jitter_db",
    "codebooks_start_step",
    "waveform_steps",
    "latents_steps",
    "adversarial_start_step",
    "adversarial_alone_steps",
    "balanced_ramp_steps",
)


@dataclass(frozen=True)
class LossWeights:
    """Factors of the unweighted losses; those of gradient_ratios are weighted by themselves."""

    mel: float = 15.0
    convergence: float = 0.0
    log_magnitude: float = 0.0
    magnitude_convergence: float = 0.0
    envelope: float = 1.0  # this and aperiodicity: of a parametric decoder
    aperiodicity: float = 0.5
    latents: float = 1.0  # likewise; see latents_steps
    commitment: float = 0.25
    codebook: float = 1.0
    f0: float = 10.0
    voicing: float = 1.0
    adversarial: float = 1.0
    feature_matching: float = 2.0
    prediction: float = 1.0
    consistency: float = 0.1
    emotion_block: float = 1.0
    phone_features: float = 1.0
    phones: float = 0.5
    cycle: float = 0.0
    waveform: float = 1.0

    def __post_init__(self) -> None:
        check_not_negative(self, (entry.name for entry in fields(self)))

    @property
    def of_spectra(self) -> bool:
        """Whether a distance of spectra counts, for which audio must be made."""
        return bool(self.mel or self.convergence or self.at_linear_frequency)

    @property
    def at_linear_frequency(self) -> bool:
        """Whether a distance of spectra at linear frequency counts."""
        return bool(self.log_magnitude or self.magnitude_convergence)


@dataclass(frozen=True)
class GradientRatios:
    """Gradients at the latents over mel's that the teachers' losses are kept at; 0: left out."""

    relation: float = 0.0  # module 2
    alignment: float = 0.0  # module 3
    matching: float = 0.0  # plain feature distillation, the control

    def __post_init__(self) -> None:
        check_not_negative(self, (entry.name for entry in fields(self)))

    def wanted(self) -> dict[str, float]:
        """The losses that are computed."""
        return {name: ratio for name, ratio in asdict(self).items() if ratio}


@dataclass(frozen=True)
class CodecTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    preset: str = "small"
    codec: Changes[CodecConfig] = field(default_factory=Changes)  # to the preset, or to --init
    steps: int = 7000
    batch_size: int = 16
    crop_seconds: float = 1.52
    learning_rate: float = 8e-4  # peak
    warmup_steps: int = 200
    discriminator_learning_rate: float = 2e-4
    gradient_clip: float = 1.0
    weight_ema: float = 0.999
    gain_jitter_db: float = 6.0
    # sampling weight of a speaker's audio, 1 where not named
    speaker_weights: dict[str, float] = field(default_factory=dict)
    # fresh: latents pass unquantised up to codebooks_start_step, where the codebooks start by
    # k-means; none: all the way. Of --init: restart: by k-means at once; keep: they learn on;
    # held: they stay; frozen: they stay, with all that makes the codes, and the decoder alone
    # learns.
    codebooks: str = "fresh"
    codebooks_start_step: int = 400  # of fresh ones
    codebooks_start_batches: int = 16  # that the k-means of fresh and restart sees
    # first steps in which the L1 distance of the samples counts; no use to a decoder free of phase
    waveform_steps: int = 0
    # first steps in which latents are drawn to those that say the recording best, where the decoder
    # is parametric; after that only what comes of them counts
    latents_steps: int = 1_000_000
    # whose latents codebooks and decoder learn from: the encoder's, or, where the decoder is
    # parametric, those that say an analysis of the recording best, and the encoder learns nothing
    latents: str = "encoder"
    decoder_learns: bool = True
    # numbers of codebooks, one drawn per step; empty = all (with the quantiser's own dropout)
    codebook_choices: tuple[int, ...] = ()
    # of the crops whose codes are a language model's, where --predicted gives them
    predicted_share: float = 0.5
    adversarial_start_step: int | None = None  # None: no adversary
    adversary: str = "audio"  # what it reads: or envelope, of a parametric decoder
    envelope_channels: int = 24  # of the one that reads envelopes
    adversarial_crop_seconds: float = 0.5
    # discriminators train this long before the codec hears of them
    adversarial_alone_steps: int = 0
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    emotion_teacher: str = "prosody"  # see affecttts/teachers/registry.py
    semantic_teacher: str = "phonology"
    text_teacher: str = "phonology"
    # of the sequences that get the student's features at the end, not the teachers'
    student_share: float = 0.5
    student_ramp: float = 0.3  # last part of the run over which that share rises from 0
    relation: RelationConfig = RelationConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    gradient_ratios: GradientRatios = GradientRatios()
    balance_every: int = 10  # steps between measurements of those gradients
    balanced_ramp_steps: int = 0  # over which those losses come in after the codebooks' start
    # parts of the run, as [0.25, 0.75], between which they fade to nothing; empty = they stay
    balanced_fade: tuple[float, ...] = ()
    loss_weights: LossWeights = LossWeights()
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    log_every: int = 25
    validate_every: int = 1000
    checkpoint_every: int = 500

    RENAMED: ClassVar[dict[str, str]] = {
        "quantizer_start_step": "codebooks: fresh with codebooks_start_step: N for N above 0, "
        "codebooks: restart for 0, codebooks: keep for -1",
        "quantizer_start_batches": "codebooks_start_batches",
        "freeze_codes": "codebooks: frozen",
    }

    def __post_init__(self) -> None:
        check_precision(self.mixed_precision)
        check_positive(self, POSITIVE)
        check_choice("preset", self.preset, PRESETS)
        check_choice("codebooks", self.codebooks, CODEBOOKS)
        check_choice("latents", self.latents, LATENTS)
        check_choice("adversary", self.adversary, ADVERSARIES)
        for name in ("emotion_teacher", "semantic_teacher", "text_teacher"):
            check_teacher(getattr(self, name))
        check_not_negative(self, NOT_NEGATIVE)
        for name in ("weight_ema", "predicted_share", "student_share", "student_ramp"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be from 0 to 1")
        if any(count < 1 for count in self.codebook_choices):
            raise ValueError(f"codebook_choices is {list(self.codebook_choices)}: 1 is the least")
        fade = self.balanced_fade
        if fade and (len(fade) != 2 or not 0 <= fade[0] <= fade[1] <= 1):
            raise ValueError(
                f"balanced_fade is {fade}: give two parts of the run, the second not "
                "before the first, as [0.25, 0.75]"
            )

    @property
    def frozen(self) -> bool:
        """Whether the codes stay as they are and the decoder alone learns."""
        return self.codebooks == "frozen"

    @property
    def analysed(self) -> bool:
        """Whether latents come from an analysis of the recordings."""
        return self.latents == "analysis"

    @property
    def quantized_from(self) -> int:
        """The first step at which latents pass the quantiser."""
        if self.codebooks == "none":
            return self.steps + 1
        return self.codebooks_start_step if self.codebooks == "fresh" else 0

    @property
    def teachers(self) -> tuple[str, str, str]:
        """Names of the emotion, semantic and text teachers."""
        return self.emotion_teacher, self.semantic_teacher, self.text_teacher
