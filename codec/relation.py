"""Module 2 of AffectCodec: relation-preserving emotional-semantic distillation on the first quantisers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

EPSILON = 1e-6
NORMS = ("mean", "l2", "raw")
FORMS = ("smooth_l1", "l1", "mse")


@dataclass(frozen=True)
class RelationConfig:
    """Form of the distillation loss. The paper's own: form "l1", norm "raw"."""

    form: str = "smooth_l1"  # how two relations are compared; l1 has no gradient between the two teachers
    norm: str = "mean"  # mean: relations over their mean; l2: unit vectors; raw: as they are
    alpha: float = 1.0  # share of the emotion teacher
    beta: float = 1.0  # share of the semantic teacher
    layers: int = 1  # stages of the quantiser whose sum is the student
    anchors: int = 512  # longer sequences compare this many random rows with all frames
    soft: float = 0.0  # share of the unquantised latents in the student at the start, 0 after `soft_steps`
    soft_steps: int = 20000

    def __post_init__(self) -> None:
        if self.form not in FORMS or self.norm not in NORMS:
            raise ValueError(f"form is {self.form!r} (known: {FORMS}), norm is {self.norm!r} (known: {NORMS})")

    def soft_share(self, step: int) -> float:
        """Share of the unquantised latents at a step, falling linearly."""
        return self.soft * max(0.0, 1 - step / max(1, self.soft_steps))


def relation_matrix(frames: Tensor, norm: str = "mean", rows: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
    """Euclidean distances between the frames of each sequence, in float32 through the Gram matrix.

    Args:
        frames: [B,F,D].
        norm: see `RelationConfig`.
        rows: int64 [A] frames whose rows are wanted; None = all.
        mask: bool [B,F], frames that count towards the mean; None = all.

    Returns:
        [B,A,F]; differentiable also where two frames are identical.
    """
    with torch.autocast(frames.device.type, enabled=False):
        frames = frames.float()
        if norm == "l2":
            frames = torch.nn.functional.normalize(frames, dim=-1)
        anchors = frames if rows is None else frames[:, rows]
        squares = anchors.square().sum(-1)[:, :, None] + frames.square().sum(-1)[:, None]
        relations = ((squares - 2 * anchors @ frames.transpose(1, 2)).clamp_min(0) + EPSILON).sqrt()
        if norm != "mean":
            return relations
        pairs = _pairs(mask, rows, relations)
        mean = (relations * pairs).sum((1, 2), keepdim=True) / pairs.sum((1, 2), keepdim=True).clamp_min(1)
        return relations / mean.clamp_min(EPSILON)


def _pairs(mask: Tensor | None, rows: Tensor | None, like: Tensor) -> Tensor:
    if mask is None:
        return torch.ones_like(like)
    anchors = mask if rows is None else mask[:, rows]
    return (anchors[:, :, None] & mask[:, None]).to(like.dtype)


def relation_loss(student: Tensor, teachers: list[tuple[float, Tensor, Tensor]], config: RelationConfig) -> Tensor:
    """Mean over frame pairs of the teachers' weighted differences to the student (AffectCodec, L_rela).

    Args:
        student: [B,F,D], straight-through output of the first quantiser (or the sum of the first ones).
        teachers: (weight, features [B,F,d], mask bool [B,F]) each; no gradient reaches them.
    """
    rows = None
    if student.shape[1] > config.anchors:
        rows = torch.randperm(student.shape[1], device=student.device)[: config.anchors]
    total = student.new_zeros((), dtype=torch.float32)
    for weight, features, mask in teachers:
        mine = relation_matrix(student, config.norm, rows, mask)
        theirs = relation_matrix(features.detach(), config.norm, rows, mask)
        pairs = _pairs(mask, rows, mine)
        total = total + weight * (_compare(mine, theirs, config.form) * pairs).sum() / pairs.sum().clamp_min(1)
    return total


def _compare(a: Tensor, b: Tensor, form: str) -> Tensor:
    compare = {
        "l1": torch.nn.functional.l1_loss, "mse": torch.nn.functional.mse_loss, "smooth_l1": torch.nn.functional.smooth_l1_loss
    }[form]
    return compare(a, b, reduction="none")


def relation_correlation(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlation of two relation matrices [B,F,F] over the valid pairs, a scalar: the health of the distillation."""
    pairs = _pairs(mask, None, a).bool()
    if int(pairs.sum()) < 2:
        return a.new_zeros(())
    return torch.corrcoef(torch.stack([a[pairs], b[pairs]]))[0, 1]


class FeatureMatcher(nn.Module):
    """Control for module 2: the student's frames themselves, and not their relations, are pulled to the teachers'."""

    def __init__(self, dims: list[tuple[int, int]]) -> None:
        """Args:
            dims: (width of the student, width of the teacher) per teacher.
        """
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(mine, theirs) for mine, theirs in dims)

    def forward(self, students: list[Tensor], teachers: list[tuple[float, Tensor, Tensor]]) -> Tensor:
        """Weighted mean of 1 - cosine over the known frames; students [B,F,D] and teachers (weight, [B,F,d], bool [B,F])."""
        total = students[0].new_zeros((), dtype=torch.float32)
        for head, student, (weight, features, mask) in zip(self.heads, students, teachers, strict=True):
            with torch.autocast(student.device.type, enabled=False):
                cosine = torch.nn.functional.cosine_similarity(head(student.float()), features.detach().float(), dim=-1)
            total = total + weight * ((1 - cosine) * mask).sum() / mask.sum().clamp_min(1)
        return total
