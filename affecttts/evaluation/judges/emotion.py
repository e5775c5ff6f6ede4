"""Judges of emotion: one that hears acoustic functionals, one that hears log-mel spectra; stored as
safetensors and JSON.

    judge = load_emotion_judge("acoustic")          # or "spectral", or a folder made by
    recipes/train_emotion_judge.py judge(audio, 24000)                             # float32 [E], in
    the order of judge.labels

They were trained apart from each other, on other draws of clips and with other ears, so that where
they agree says more than one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from affecttts.errors import RequestError
from affecttts.evaluation.judges.declarations import JudgeCard
from affecttts.evaluation.signal.functionals import NAMES, functionals
from affecttts.evaluation.signal.spectra import RATE, frames, log_mel, power
from codec.atomic import atomic_folder
from codec.audio import resample
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import load_strictly, load_weights, read_json, save_weights, write_json

SHIPPED_JUDGES = Path(__file__).with_name("shipped")
CARD_NAME, WEIGHTS_NAME = "card.json", "model.safetensors"
MEL_BANDS = 40
WIDTH = 64


class EmotionJudge(Protocol):
    """Anything that hears emotions."""

    card: JudgeCard
    labels: tuple[str, ...]

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Probabilities float32 [E], in the order of `labels`, of mono audio [T]."""
        ...


@dataclass(frozen=True)
class StoredJudge:
    """card.json beside the weights of a judge."""

    kind: str  # "acoustic" or "spectral"
    labels: tuple[str, ...]
    declaration: JudgeCard
    inputs: tuple[str, ...] = ()  # functionals, by name, that the acoustic one hears
    relative: bool = False  # whether it hears differences from the speaker's neutral clips
    # of training: clips, accuracy and recall on unheard speakers
    folds: list[dict[str, Any]] = field(default_factory=list)


class AcousticJudge:
    """Multinomial logistic regression on acoustic functionals.

    A relative one hears how a clip differs from neutral clips of the same speaker, see
    `of_functionals`; without any it takes the speaker for an average one.
    """

    def __init__(self, stored: StoredJudge, tensors: dict[str, Tensor]) -> None:
        """`tensors`: mean [D], scale [D], weight [D,E], bias [E] and, if relative, neutral [D]."""
        self.stored, self.card, self.labels = stored, stored.declaration, stored.labels
        self._values = {name: tensor.numpy().astype(np.float64) for name, tensor in tensors.items()}
        if stored.inputs != NAMES or self._values["weight"].shape != (
            len(NAMES),
            len(stored.labels),
        ):
            raise CheckpointError(
                f"judge {self.card.name}: made for other functionals than this "
                "version has; train it again"
            )

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Probabilities float32 [E] of audio [T]."""
        return self.of_functionals(functionals(audio, sample_rate))

    def of_functionals(self, heard: np.ndarray, neutral: np.ndarray | None = None) -> np.ndarray:
        """Probabilities float32 [E].

        Args:
            heard: functionals [D].
            neutral: mean functionals [D] of the speaker's neutral clips; only a relative judge
                minds.
        """
        values = self._values
        if self.stored.relative:
            heard = heard - (values["neutral"] if neutral is None else neutral)
        scores = (heard - values["mean"]) / values["scale"] @ values["weight"] + values["bias"]
        exponents = np.exp(scores - scores.max())
        return (exponents / exponents.sum()).astype(np.float32)


class SpectralNet(nn.Module):
    """Three convolutions over time, mean and spread, one layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(MEL_BANDS, 48, 5, 2, 2),
            nn.GroupNorm(4, 48),
            nn.ReLU(),
            nn.Conv1d(48, WIDTH, 5, 2, 2),
            nn.GroupNorm(4, WIDTH),
            nn.ReLU(),
            nn.Conv1d(WIDTH, WIDTH, 3, 1, 1),
            nn.ReLU(),
        )
        self.dropout, self.classify = nn.Dropout(0.3), nn.Linear(2 * WIDTH, classes)

    def forward(self, mel: Tensor) -> Tensor:
        """[B,40,N] -> scores [B,E]."""
        hidden = self.convolutions(mel)
        return self.classify(
            self.dropout(torch.cat([hidden.mean(-1), hidden.std(-1, correction=0)], dim=1))
        )


def spectral_input(audio: np.ndarray, sample_rate: int) -> Tensor:
    """Audio [T] -> log-mel [40,N] in units of 10 dB about the clip's own mean: its level is not
    heard.
    """
    signal = resample(np.asarray(audio, dtype=np.float32), sample_rate, RATE)
    mel = log_mel(power(frames(signal)), MEL_BANDS)
    mel = np.maximum(mel, mel.max() - 80)
    return torch.from_numpy((mel - mel.mean()) / 10).float().t()


class SpectralJudge:
    """A tiny convolutional network on log-mel spectra."""

    def __init__(self, stored: StoredJudge, tensors: dict[str, Tensor]) -> None:
        self.stored, self.card, self.labels = stored, stored.declaration, stored.labels
        self._net = SpectralNet(len(self.labels)).eval()
        load_strictly(self._net, tensors, f"judge {self.card.name}")

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Probabilities float32 [E] of audio [T]."""
        return self.of_mel(spectral_input(audio, sample_rate))

    @torch.inference_mode()
    def of_mel(self, mel: Tensor) -> np.ndarray:
        """Probabilities float32 [E] of what `spectral_input` made, [40,N]."""
        return self._net(mel[None])[0].softmax(0).numpy()


KINDS = {"acoustic": AcousticJudge, "spectral": SpectralJudge}


def save_judge(folder: str | Path, stored: StoredJudge, tensors: dict[str, Tensor]) -> None:
    """Write a judge's folder."""
    with atomic_folder(folder) as temporary:
        save_weights(temporary / WEIGHTS_NAME, tensors)
        write_json(temporary / CARD_NAME, asdict(stored))


def load_emotion_judge(name: str | Path) -> EmotionJudge:
    """A judge by name: one that is shipped, a folder, or `transformers:MODEL` and
    `emotion2vec:MODEL` for models of a hub.

    Raises:
        RequestError: nothing of this name.
        CheckpointError: a folder that holds no judge.
    """
    kind, _, model = str(name).partition(":")
    if kind in ("transformers", "emotion2vec"):
        from affecttts.evaluation.judges.hub import load_hub_judge

        return load_hub_judge(kind, model)
    folder = SHIPPED_JUDGES / name if (SHIPPED_JUDGES / name / CARD_NAME).exists() else Path(name)
    if not (folder / CARD_NAME).exists():
        known = ", ".join(shipped_judges())
        raise RequestError(
            f"no emotion judge {str(name)!r}; shipped: {known}; or give a folder "
            "or transformers:MODEL"
        )
    stored = _stored(folder / CARD_NAME)
    return KINDS[stored.kind](stored, load_weights(folder / WEIGHTS_NAME))


def shipped_judges() -> tuple[str, ...]:
    """Names of the judges that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED_JUDGES.glob(f"*/{CARD_NAME}")))


def _stored(path: Path) -> StoredJudge:
    values = read_json(path)
    try:
        card = values["declaration"]
        card = from_dict(
            JudgeCard, card | {name: tuple(card.get(name, ())) for name in ("taught", "packages")}
        )
        values |= {
            "declaration": card,
            "labels": tuple(values["labels"]),
            "inputs": tuple(values.get("inputs", ())),
        }
        stored = from_dict(StoredJudge, values)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not the card of a judge ({error})") from error
    if stored.kind not in KINDS:
        raise CheckpointError(
            f"{path}: a judge of the unknown kind {stored.kind!r}; known: {', '.join(KINDS)}"
        )
    return stored
