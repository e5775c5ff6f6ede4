"""What a training run of the language model is made of."""

from __future__ import annotations

from dataclasses import dataclass

from affecttts.lm.model import LMConfig
from affecttts.training.lm.dataset import MixtureConfig
from affecttts.training.precision import check_precision
from affecttts.training.schema import check_choice, check_positive

OPTIMIZERS = ("muon", "adamw")
POSITIVE = (
    "num_codebooks",
    "hidden_size",
    "num_layers",
    "num_heads",
    "mlp_size",
    "max_tokens",
    "num_pieces",
    "steps",
    "batch_tokens",
    "learning_rate",
    "gradient_clip",
    "log_every",
    "validate_every",
    "checkpoint_every",
)
SHARES = ("dropout", "weight_ema", "prompt_dropout", "free_text", "joined", "code_noise")


@dataclass(frozen=True)
class LMTrainingConfig:
    """Everything a run is made of; unknown keys are refused."""

    num_codebooks: int = 4  # books that the LM models
    hidden_size: int = 384
    num_layers: int = 6
    num_heads: int = 6
    mlp_size: int = 1024
    dropout: float = 0.0
    max_tokens: int = 4096
    num_pieces: int = 1024
    # "muon" for the matrices (arXiv 2502.16982) and AdamW for the rest, or "adamw" for all
    optimizer: str = "muon"
    steps: int = 2600
    batch_tokens: int = 8192
    learning_rate: float = 1.5e-3  # peak
    warmup_steps: int = 100
    weight_decay: float = 0.05
    gradient_clip: float = 1.0
    weight_ema: float = 0.998
    prompt_dropout: float = 0.1
    free_text: float = 0.15
    joined: float = 0.05
    label_softness: float = 0.4  # share of a code's label that goes to the codes near it
    code_noise: float = 0.1  # share of input codec tokens replaced by codes near them
    # torch.compile: a minute or two at the start, then 1.4 times faster on a CPU
    compile: bool = False
    mixed_precision: str = "auto"  # bf16 where the device is made for it; or bf16, no
    seed: int = 0
    log_every: int = 20
    validate_every: int = 250
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        check_precision(self.mixed_precision)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_positive(self, POSITIVE)
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be from 0 to 1")
        if not 0 <= self.label_softness < 1:
            raise ValueError(
                f"label_softness is {self.label_softness}, must be at least 0 and below 1"
            )
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of num_heads {self.num_heads}"
            )

    @property
    def shape(self) -> LMConfig:
        """Of the network."""
        return LMConfig(
            self.hidden_size,
            self.num_layers,
            self.num_heads,
            self.mlp_size,
            self.max_tokens,
            self.dropout,
        )

    @property
    def mixture(self) -> MixtureConfig:
        """Shares of training items."""
        return MixtureConfig(self.prompt_dropout, self.free_text, self.joined, self.batch_tokens)
