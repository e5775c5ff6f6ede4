"""What a training run of the codec is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from affecttts.training.precision import check_precision

LOSS_WEIGHTS = {
    "mel": 15.0,
    "convergence": 0.0,
    "log_magnitude": 0.0,
    "magnitude_convergence": 0.0,
    "commitment": 0.25,
    "codebook": 1.0,
    "f0": 10.0,
    "voicing": 1.0,
    "adversarial": 1.0,
    "feature_matching": 2.0,
    "prediction": 1.0,
    "consistency": 0.1,
    "emotion_block": 1.0,
    "phone_features": 1.0,
    "phones": 0.5,
    "cycle": 0.0,
    "waveform": 1.0,
}


@dataclass(frozen=True)
class CodecTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    preset: str = "small"
    codec: dict = field(default_factory=dict)  # changes to the preset
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
    speaker_weights: dict = field(default_factory=dict)
    # latents pass unquantised before; then the codebooks start by k-means
    quantizer_start_step: int = 400
    quantizer_start_batches: int = 16
    # first steps in which the L1 distance of the samples counts; no use to a decoder free of phase
    waveform_steps: int = 0
    freeze_codes: bool = False  # encoder and codebooks stay
    # numbers of codebooks, one drawn per step; empty = all (with the quantiser's own dropout)
    codebook_choices: tuple = ()
    # of the crops whose codes are a language model's, where --predicted gives them
    predicted_share: float = 0.5
    adversarial_start_step: int | None = None  # None: no adversary
    adversarial_crop_seconds: float = 0.5
    # discriminators train this long before the codec hears of them
    adversarial_alone_steps: int = 0
    discriminator: dict = field(default_factory=dict)  # changes to DiscriminatorConfig
    emotion_teacher: str = "prosody"  # see affecttts/teachers/registry.py
    semantic_teacher: str = "phonology"
    text_teacher: str = "phonology"
    # of the sequences that get the student's features at the end, not the teachers'
    student_share: float = 0.5
    student_ramp: float = 0.3  # last part of the run over which that share rises from 0
    relation: dict = field(default_factory=dict)  # changes to RelationConfig (module 2)
    alignment: dict = field(default_factory=dict)  # changes to AlignmentConfig (module 3)
    # relation, alignment, matching: gradient at the latents over mel's
    gradient_ratios: dict = field(default_factory=dict)
    balance_every: int = 10  # steps between measurements of those gradients
    balanced_ramp_steps: int = 0  # over which those losses come in after the codebooks' start
    # parts of the run, as [0.25, 0.75], between which they fade to nothing; empty = they stay
    balanced_fade: tuple = ()
    loss_weights: dict = field(default_factory=dict)  # changes to LOSS_WEIGHTS
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    log_every: int = 25
    validate_every: int = 1000
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        check_precision(self.mixed_precision)
        fade = tuple(self.balanced_fade)
        if fade and (len(fade) != 2 or not 0 <= fade[0] <= fade[1] <= 1):
            raise ValueError(
                f"balanced_fade is {fade}: give two parts of the run, the second not "
                "before the first, as [0.25, 0.75]"
            )
