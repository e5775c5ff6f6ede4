"""A small predictor of the teachers' features, so that a codec encodes without them: the student
of AffectCodec's encoding modes.
"""

from __future__ import annotations

from torch import Tensor, nn

from codec.config import CodecConfig
from codec.modulation import TeacherFeatures
from codec.nn.attention import WindowedAttention

STEADY = 0.1  # least spread of a feature, relative to the mean spread of its teacher's features


class TransformerLayer(nn.Module):
    """Windowed self-attention and an MLP, each added to its input. [B,F,D] -> [B,F,D]."""

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.attention = WindowedAttention(dim, dim, dim, heads, window)
        self.project = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.project(self.attention(x, x))
        return x + self.mlp(x)


class Student(nn.Module):
    """The encoder's hidden frames [B,C,F] -> TeacherFeatures: three convolutions over five frames,
    then transformer layers.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim = config.student_dim
        widths = [config.hidden_dim, dim, dim, dim]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(a, b, 5, padding=2) for a, b in zip(widths, widths[1:])
        )
        self.layers = nn.Sequential(
            *[
                TransformerLayer(dim, config.modulation_heads, config.modulation_window)
                for _ in range(config.student_layers)
            ]
        )
        self.norm = nn.LayerNorm(dim)
        self.emotion = nn.Linear(dim, config.emotion_dim)
        self.semantic = nn.Linear(dim, config.semantic_dim)

    def forward(self, hidden: Tensor) -> TeacherFeatures:
        for convolution in self.convolutions:
            hidden = nn.functional.gelu(convolution(hidden))
        hidden = self.norm(self.layers(hidden.transpose(1, 2)))
        return TeacherFeatures.everywhere(self.emotion(hidden), self.semantic(hidden))


def prediction_loss(predicted: TeacherFeatures, taught: TeacherFeatures) -> Tensor:
    """`feature_distance` to both teachers, added."""
    return feature_distance(
        predicted.emotion, taught.emotion, taught.emotion_known
    ) + feature_distance(predicted.semantic, taught.semantic, taught.semantic_known)


def feature_distance(predicted: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean over known frames of 1 - cos and smooth L1.

    Smooth L1 takes each feature in units of its spread over these frames, so that features of small
    range count as much, and size counts as well as direction.

    Args:
        predicted, target: [B,F,E]; no gradient reaches the target.
        known: bool [B,F].
    """
    predicted, target, count = predicted.float(), target.float().detach(), known.sum().clamp_min(1)
    cosine = nn.functional.cosine_similarity(predicted, target, dim=-1)
    mean = (target * known[..., None]).sum((0, 1)) / count
    spread = (((target - mean) * known[..., None]).square().sum((0, 1)) / count).sqrt()
    spread = spread.clamp_min(STEADY * spread.mean()).clamp_min(1e-6)
    apart = nn.functional.smooth_l1_loss(
        predicted / spread, target / spread, reduction="none"
    ).mean(-1)
    return ((1 - cosine + apart) * known).sum() / count


def code_agreement(codes: Tensor, reference: Tensor) -> Tensor:
    """Share of equal codes per quantiser, [K], of two encodings int64 [B,K,F] of the same audio."""
    if codes.shape != reference.shape:
        raise ValueError(
            f"codes {tuple(codes.shape)} and {tuple(reference.shape)} are not of the same audio"
        )
    return (codes == reference).float().mean(dim=(0, 2))
