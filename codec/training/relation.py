"""Module 2 of AffectCodec: relation-preserving emotional-semantic distillation into the first
quantisers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

EPSILON = 1e-6
ANGLE_FLOOR = 1e-4  # of the frames' mean square: nearer frames have no direction in float32
FUNCTIONS = ("distance", "cosine", "angle")
NORMS = ("mean", "l2", "raw")
FORMS = ("smooth_l1", "l1", "mse")
SCOPES = ("clip", "batch")


@dataclass(frozen=True)
class RelationConfig:
    """Form of the distillation loss. The paper's own: form "l1", norm "raw"."""

    form: str = "smooth_l1"  # smooth_l1, mse or l1, which has no gradient between the two teachers
    norm: str = "mean"  # of distances: over their mean; l2: of unit vectors; raw: as they are
    alpha: float = 1.0  # weight of the emotion teacher
    beta: float = 1.0  # weight of the semantic teacher
    layers: int = 1  # stages of the quantiser whose sum is distilled into
    anchors: int = 512  # longer sequences compare this many random rows with all frames
    soft: float = 0.0  # share of unquantised latents in that sum at step 0, none after soft_steps
    soft_steps: int = 20000
    function: str = "distance"  # Euclidean, of two frames; cosine of two; angle, of three
    triplets: int = 4096  # of "angle", drawn at random; all where there are no more
    scope: str = "clip"  # frames that are compared: of a clip; batch: of all its clips together
    chunk: int = 0  # above 0: compare all rows, so many at once, and recompute them for gradients

    def __post_init__(self) -> None:
        for name, known in (
            ("form", FORMS),
            ("norm", NORMS),
            ("function", FUNCTIONS),
            ("scope", SCOPES),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; known: {known}")

    def soft_share(self, step: int) -> float:
        """Share of the unquantised latents at a step, falling linearly."""
        return self.soft * max(0.0, 1 - step / max(1, self.soft_steps))


def relation_matrix(
    frames: Tensor,
    norm: str = "mean",
    rows: Tensor | None = None,
    mask: Tensor | None = None,
    function: str = "distance",
) -> Tensor:
    """Relations between the frames of each sequence, in float32 through the Gram matrix.

    Args:
        frames: [B,F,D].
        norm, function: see `RelationConfig`; "distance" or "cosine".
        rows: int64 [A] frames whose rows are wanted; None = all.
        mask: bool [B,F], frames that count towards the mean; None = all.

    Returns:
        [B,A,F]; differentiable also where two frames are identical.
    """
    relations = _unscaled(frames, norm, function, rows)
    if function == "cosine" or norm != "mean":
        return relations
    pairs = _pairs(mask, rows, relations)
    return relations / _scale((relations * pairs).sum((1, 2)), pairs.sum((1, 2)))


def _unscaled(frames: Tensor, norm: str, function: str, rows: Tensor | None) -> Tensor:
    with torch.autocast(frames.device.type, enabled=False):
        frames = frames.float()
        if function == "cosine" or norm == "l2":
            frames = torch.nn.functional.normalize(frames, dim=-1, eps=EPSILON)
        anchors = frames if rows is None else frames[:, rows]
        products = anchors @ frames.transpose(1, 2)
        if function == "cosine":
            return products
        squares = anchors.square().sum(-1)[:, :, None] + frames.square().sum(-1)[:, None]
        return ((squares - 2 * products).clamp_min(0) + EPSILON).sqrt()


def _scale(total: Tensor, count: Tensor) -> Tensor:
    """Mean of each sequence's relations, [B,1,1]."""
    return (total / count.clamp_min(1)).clamp_min(EPSILON)[:, None, None]


def _pairs(mask: Tensor | None, rows: Tensor | None, like: Tensor) -> Tensor:
    if mask is None:
        return torch.ones_like(like)
    anchors = mask if rows is None else mask[:, rows]
    return (anchors[:, :, None] & mask[:, None]).to(like.dtype)


def relation_loss(
    student: Tensor, teachers: list[tuple[float, Tensor, Tensor]], config: RelationConfig
) -> Tensor:
    """Mean over frame pairs (or triplets) of the weighted differences between the quantiser's
    relations and each teacher's (AffectCodec, L_rela).

    Args:
        student: [B,F,D], straight-through output of the first quantiser (or the sum of the first
            ones), in the paper's terms the student.
        teachers: (weight, features [B,F,d], mask bool [B,F]) each; no gradient reaches them.
    """
    student = in_scope(student, config)
    teachers = [
        (weight, in_scope(features, config), in_scope(mask, config))
        for weight, features, mask in teachers
    ]
    compare = _comparison(student, config)
    total = student.new_zeros((), dtype=torch.float32)
    for weight, features, mask in teachers:
        total = total + weight * compare(features.detach(), mask)
    return total


def _comparison(student: Tensor, config: RelationConfig) -> Callable[[Tensor, Tensor], Tensor]:
    """(features [B,F,d], mask bool [B,F]) -> difference, on the same random frames each time."""
    if config.function == "angle":
        return partial(_angle_difference, student, config, _triplets(student, config))
    if config.chunk:
        return partial(_chunked_difference, student, config)
    return partial(_difference, student, config, _anchors(student, config))


def in_scope(frames: Tensor, config: RelationConfig) -> Tensor:
    """Frames [B,F,...], in one sequence [1,B*F,...] where the whole batch is compared."""
    return frames.flatten(0, 1)[None] if config.scope == "batch" else frames


def _anchors(student: Tensor, config: RelationConfig) -> Tensor | None:
    if student.shape[1] <= config.anchors:
        return None
    return torch.randperm(student.shape[1], device=student.device)[: config.anchors]


def _difference(
    student: Tensor, config: RelationConfig, rows: Tensor | None, features: Tensor, mask: Tensor
) -> Tensor:
    mine, theirs = (
        relation_matrix(x, config.norm, rows, mask, config.function) for x in (student, features)
    )
    pairs = _pairs(mask, rows, mine)
    return (_compare(mine, theirs, config.form) * pairs).sum() / pairs.sum().clamp_min(1)


def _chunked_difference(
    student: Tensor, config: RelationConfig, features: Tensor, mask: Tensor
) -> Tensor:
    """`_difference` over all rows with the memory of `config.chunk` of them."""
    chunks = torch.arange(student.shape[1], device=student.device).split(config.chunk)
    per_sequence = mask.sum(1).square().float()

    def summed(frames: Tensor, rows: Tensor) -> Tensor:
        relations = _unscaled(frames, config.norm, config.function, rows)
        return (relations * _pairs(mask, rows, relations)).sum((1, 2))

    def compared(scale: Tensor, other_scale: Tensor, rows: Tensor) -> Tensor:
        sides = ((student, scale), (features, other_scale))
        mine, theirs = (
            _unscaled(x, config.norm, config.function, rows) / size for x, size in sides
        )
        return (_compare(mine, theirs, config.form) * _pairs(mask, rows, mine)).sum()

    scales = [torch.ones_like(per_sequence)[:, None, None]] * 2
    if config.norm == "mean" and config.function == "distance":
        totals = (
            torch.stack([_recomputed(summed, x, rows) for rows in chunks]).sum(0)
            for x in (student, features)
        )
        scales = [_scale(total, per_sequence) for total in totals]
    parts = torch.stack([_recomputed(compared, *scales, rows) for rows in chunks])
    return parts.sum() / per_sequence.sum().clamp_min(1)


def _recomputed(function: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
    return checkpoint(function, *arguments, use_reentrant=False)


def _triplets(student: Tensor, config: RelationConfig) -> Tensor:
    """int64 [3,N]: first frame, corner, last frame of each angle."""
    count = student.shape[1]
    if count**3 <= config.triplets:
        every = torch.arange(count, device=student.device)
        return torch.cartesian_prod(every, every, every).t()
    return torch.randint(count, (3, config.triplets), device=student.device)


def _angle_difference(
    student: Tensor, config: RelationConfig, triplets: Tensor, features: Tensor, mask: Tensor
) -> Tensor:
    """Angle-wise RKD (Park et al., arXiv 1904.05068): cosines of the angles in both spaces.

    Where two frames of a triplet are the same in either space there is no angle to compare.
    """
    (mine, exists), (theirs, exists_too) = (
        _cosines_of_angles(x, mask, triplets) for x in (student, features)
    )
    counted = (mask[:, triplets].all(1) & exists & exists_too).float()
    return (_compare(mine, theirs, config.form) * counted).sum() / counted.sum().clamp_min(1)


def _cosines_of_angles(frames: Tensor, mask: Tensor, triplets: Tensor) -> tuple[Tensor, Tensor]:
    """[B,N] each: cosines at the corners, and whether all three sides have a length."""
    with torch.autocast(frames.device.type, enabled=False):
        count, frames = mask.sum(1)[:, None].clamp_min(1), frames.float() * mask[..., None]
        centred = (frames - frames.sum(1, keepdim=True) / count[..., None]) * mask[..., None]
        gram = centred @ centred.transpose(1, 2)
        first, corner, last = triplets
        apart = [
            gram[:, a, a] + gram[:, b, b] - 2 * gram[:, a, b]
            for a, b in ((first, corner), (last, corner), (first, last))
        ]
        dots = (
            gram[:, first, last]
            - gram[:, first, corner]
            - gram[:, corner, last]
            + gram[:, corner, corner]
        )
        lengths = (apart[0].clamp_min(EPSILON) * apart[1].clamp_min(EPSILON)).sqrt()
        return dots / lengths, torch.stack(apart).amin(0) > ANGLE_FLOOR * gram.diagonal(
            dim1=1, dim2=2
        ).sum(1, keepdim=True) / count


def _compare(a: Tensor, b: Tensor, form: str) -> Tensor:
    compare = {
        "l1": torch.nn.functional.l1_loss,
        "mse": torch.nn.functional.mse_loss,
        "smooth_l1": torch.nn.functional.smooth_l1_loss,
    }[form]
    return compare(a, b, reduction="none")


def relation_correlation(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlation of two relation matrices [B,F,F] over the valid pairs, a scalar.

    It is logged as the health of the distillation.
    """
    pairs = _pairs(mask, None, a).bool()
    if int(pairs.sum()) < 2:
        return a.new_zeros(())
    return torch.corrcoef(torch.stack([a[pairs], b[pairs]]))[0, 1]


class FeatureMatcher(nn.Module):
    """Control for module 2: distils the frames themselves and not their relations.

    Args:
        dims: (width of the student, width of the teacher) per teacher.
    """

    def __init__(self, dims: list[tuple[int, int]]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(mine, theirs) for mine, theirs in dims)

    def forward(
        self, students: list[Tensor], teachers: list[tuple[float, Tensor, Tensor]]
    ) -> Tensor:
        """Weighted mean of 1 - cosine over the known frames.

        Args:
            students: [B,F,D] per teacher.
            teachers: (weight, features [B,F,d], mask bool [B,F]) each.
        """
        total = students[0].new_zeros((), dtype=torch.float32)
        for head, student, (weight, features, mask) in zip(
            self.heads, students, teachers, strict=True
        ):
            with torch.autocast(student.device.type, enabled=False):
                cosine = torch.nn.functional.cosine_similarity(
                    head(student.float()), features.detach().float(), dim=-1
                )
            total = total + weight * ((1 - cosine) * mask).sum() / mask.sum().clamp_min(1)
        return total
